import assert from "assert";
import { join } from "node:path";
import { RandomStream } from "../../lib/base/random.ts";
import { PARETO, samplePrefixes } from "../../lib/blocks/decoders/prefix_plan.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { withFolder } from "../files/folder.ts";
import { configOf, EVENTFUL, metricsOf, plantedStore, train } from "./runs.ts";

const NESTED = { ...EVENTFUL, "dictionary.type": "matryoshka" };

Deno.test("a run with drawn prefixes goes on with the prefixes of its step when it is resumed", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const values = {
      ...NESTED,
      "dictionary.matryoshka_sampled": "pareto",
      "dictionary.matryoshka_prefixes": 4,
    };
    const first = await configOf(store, join(folder, "whole"), values);
    const whole = await train(first);
    const lines = await metricsOf(join(folder, "whole"));
    // Where the second of the four is longest it leaves clearly less than where it is shortest.
    const stream = new RandomStream(first.seed, "prefixes");
    const later = lines.slice(-7).map((l) => ({
      width: samplePrefixes(160, 4, PARETO, stream, l.step - 1)[1],
      fvu: l["recon/fvu_drawn_2"],
    })).sort((a, b) => a.width - b.width);
    const [shortest, longest] = [later[0], later.at(-1)!];
    assert.ok(longest.fvu < 0.9 * shortest.fvu, JSON.stringify(later));

    const config = await configOf(store, join(folder, "stopped"), values);
    await train(config, { stopAfterStep: 11 });
    const joined = await train(config, { resume: true });
    assert.equal(joined.stateSha256, whole.stateSha256);
    assert.deepEqual(await metricsOf(join(folder, "stopped")), lines);
  }));

Deno.test("fixed prefixes are logged by their widths and stand in the saved dictionary", () =>
  withFolder(async (folder) => {
    const store = join(folder, "store");
    await plantedStore(store);
    const values = {
      ...NESTED,
      "dictionary.matryoshka_widths": [20, 60],
      "dictionary.include_bias_level": true,
    };
    await train(await configOf(store, join(folder, "run"), values));
    const last = (await metricsOf(join(folder, "run"))).at(-1)!;
    const fvu = [0, 20, 60].map((width) => last[`recon/fvu_prefix_${width}`]);
    assert.ok(fvu[0] > fvu[1] && fvu[1] > fvu[2] && fvu[2] > last["recon/fvu"], `${fvu}`);
    const { record } = await openDictionary(join(folder, "run", "final"));
    assert.deepEqual("prefixes" in record && record.prefixes, [20, 60, 160]);
  }));
