/** Every family finds planted features through the ordinary training run; runs that are done are not made again. */
import assert from "assert";
import { silent } from "../../lib/base/progress.ts";
import { FAMILIES } from "../../lib/models/mod.ts";
import { parseEntrants } from "../../lib/config/entrants.ts";
import { FAMILIES as FACTS, PENALISED } from "../../lib/config/families.ts";
import type { TypeName } from "../../lib/config/names.ts";
import { runSynthetic, type SyntheticRequest } from "../../lib/report/synthetic.ts";
import { withFolder } from "../files/folder.ts";

const request = (
  path: string,
  types: string,
  tokens: number,
  options: Partial<SyntheticRequest> = {},
): SyntheticRequest => ({
  preset: "tiny",
  entrants: parseEntrants(types),
  seeds: [1],
  path,
  placed: [["train.training_tokens", tokens]],
  overwrite: false,
  ...options,
});

/**
 * Least mean largest cosine after so few steps, where it is not 0.8: a penalty is still on its way, nested prefixes mix what
 * is independent, a grid of keys cannot have every encoder, layers without AuxK keep latents dead.
 */
const LEAST: Readonly<Record<string, number>> = {
  relu: 0.62,
  matryoshka: 0.72,
  pkm: 0.66,
  clt: 0.65,
  lorsa: 0.7,
};

for (const { type, defaults, needs } of FAMILIES) {
  const penalised = PENALISED.includes(
    FACTS[type as TypeName].activations[0] ?? defaults.activation,
  );
  // The weight of a penalty is found step by step, so that it takes more of them.
  const steps = penalised ? 512 : 256;
  Deno.test(`${type}: planted features are found in ${steps} steps`, () =>
    withFolder(async (folder) => {
      const { runs, finished, l0 } = await runSynthetic(request(folder, type, steps * 128), {
        onProgress: silent,
      });
      const [{ figures, untrained }] = runs;
      assert.ok(finished && runs.length === 1);
      const before = untrained["synthetic/mmcs_recall"]!, after = figures["synthetic/mmcs_recall"]!;
      const least = LEAST[type] ?? 0.8;
      assert.ok(before < 0.45 && after > least, `mean largest cosine ${before}, then ${after}`);
      assert.ok(figures["synthetic/f1"]! > 0.15, `F1 ${figures["synthetic/f1"]}`);
      const layers = needs.layers ? 2 : 1;
      const share = figures["sparsity/l0"]! / (l0 * layers);
      // A penalty is steered all along; after so few steps it has come near.
      const within = penalised ? 0.35 : 0.05;
      assert.ok(Math.abs(share - 1) < within, `L0 ${figures["sparsity/l0"]}, not ${l0 * layers}`);
      assert.ok(Math.abs(figures["synthetic/true_l0"]! - 3.2 * layers) < 0.2 * layers);
    }));
}

Deno.test("a run that is done is not made again, one that was stopped goes on, another configuration is refused", () =>
  withFolder(async (folder) => {
    const trained: string[] = [];
    const stop = new AbortController();
    const hooks = {
      onProgress({ stage, done }: { stage: string; done: number }) {
        trained.push(stage);
        if (stage === "groupmax, seed 1: train" && done > 640) stop.abort();
      },
    };
    const wanted = request(folder, "topk,groupmax", 1280);
    const first = await runSynthetic(wanted, { ...hooks, signal: stop.signal });
    assert.equal(first.finished, false);
    assert.deepEqual(first.runs.map((run) => run.name), ["topk"]);

    trained.length = 0;
    const second = await runSynthetic(wanted, { onProgress: hooks.onProgress });
    assert.ok(second.finished && second.runs.length === 2);
    assert.deepEqual(second.runs[0], first.runs[0]);
    assert.deepEqual([...new Set(trained)], ["groupmax, seed 1: train"]);

    await withFolder(async (other) => {
      const whole = await runSynthetic({ ...wanted, path: other }, { onProgress: silent });
      assert.deepEqual(second.runs, whole.runs);
    });
    const longer = request(folder, "topk", 2560);
    await assert.rejects(runSynthetic(longer, { onProgress: silent }), {
      name: "SdmError",
      message: /it holds a run of another configuration, the same is needed$/,
    });
    const anew = await runSynthetic({ ...longer, overwrite: true }, { onProgress: silent });
    assert.ok(anew.finished);
  }));
