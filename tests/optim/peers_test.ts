import assert from "assert";
import { submit } from "../../lib/gpu/program.ts";
import type { OptimizerKind, OptimizerOptions } from "../../lib/optim/types.ts";
import golden from "../golden/optimizers.json" with { type: "json" };
import { whole } from "../kernels/device.ts";
import { type ByName, createRig, type Start } from "./_rig.ts";

/** Largest difference in units of how far the farthest value moved, beyond the rounding of the values themselves. */
const TOLERANCE = 2e-6;

/** What a value near 1 loses in a step when it is rounded to float32 twice. */
const ROUNDING = 2 ** -23;

/** Written by `tests/peers/optimizers_write.py`. */
const starts: Record<string, Start> = Object.fromEntries(
  Object.entries(golden.shapes as Record<string, number[]>).map(([name, shape]) => {
    const [rows, cols] = shape.length === 2 ? shape : [1, shape[0]];
    return [name, { rows, cols, values: (golden.initial as ByName)[name] }];
  }),
);

/** Largest difference over what is allowed. */
function difference(got: ByName, wanted: ByName, t: number): number {
  let most = 0;
  for (const [name, { values }] of Object.entries(starts)) {
    const all = Array.from(values, (_, i) => i);
    const moved = Math.max(...all.map((i) => Math.abs(wanted[name][i] - values[i])));
    for (const i of all) {
      const rounded = ROUNDING * t * Math.max(1, Math.abs(values[i]));
      const off = Math.abs(got[name][i] - wanted[name][i]);
      most = Math.max(most, off / (rounded + TOLERANCE * moved));
    }
  }
  return most;
}

async function compare(
  kind: OptimizerKind,
  options: Partial<OptimizerOptions>,
): Promise<Record<string, number>> {
  const gpu = await whole();
  const rig = createRig(gpu, kind, starts, options);
  const results = golden.results[kind] as Record<string, Record<string, ByName>>;
  const found: Record<string, number> = {};
  for (const [i, gradients] of (golden.gradients as ByName[]).entries()) {
    const t = i + 1;
    rig.step(gradients, { t, lr: golden.rates[i] });
    if (!(t in results)) continue;
    found[`after ${t}`] = difference(await rig.read(), results[t].trained, t);
    if (!results[t].exported) continue;
    submit(gpu, rig.optimizer.toExport());
    found[`exported after ${t}`] = difference(await rig.read(), results[t].exported, t);
    submit(gpu, rig.optimizer.toTraining());
  }
  gpu.check();
  rig.close();
  return found;
}

const KINDS: [OptimizerKind, Partial<OptimizerOptions>][] = [
  ["adam", {}],
  ["adamw", { weightDecay: 0.05 }],
  ["sparse_adam", {}],
  ["signum", {}],
  ["muon", {}],
];

for (const [kind, options] of KINDS) {
  Deno.test(`${kind} goes where its peer goes, one step and twenty`, async () => {
    const found = await compare(kind, options);
    assert.deepEqual(
      Object.keys(found).filter((key) => !key.startsWith("exported")),
      ["after 1", "after 20"],
    );
    assert.equal("exported after 20" in found, kind === "signum");
    for (const [when, off] of Object.entries(found)) {
      assert.ok(off <= 1, `${when}: ${off} times what is allowed`);
    }
  });
}
