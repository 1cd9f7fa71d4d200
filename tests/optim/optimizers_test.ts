import assert from "assert";
import type { Gpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { OPTIMIZER_KINDS, type OptimizerKind } from "../../lib/optim/types.ts";
import { whole } from "../kernels/device.ts";
import { vector } from "../kernels/samples.ts";
import { type ByName, createRig, type Rig, type Start } from "./_rig.ts";

/** The same adapter with bindings of 64 rows of 136 floats. */
async function narrow(): Promise<Gpu> {
  const gpu = await whole();
  return { ...gpu, facts: { ...gpu.facts, maxBindingBytes: 64 * 136 * 4 } };
}

function start(rows: number, cols: number, traits: Partial<Start> = {}, seed = 1): Start {
  return { rows, cols, values: vector(rows * cols, { seed }), ...traits };
}

/** One parameter of every sort; the matrices are split on {@link narrow}. */
function zoo(): Record<string, Start> {
  const unit = start(150, 70, { unitRows: true }, 2);
  const values = Float32Array.from(unit.values);
  for (let r = 0; r < unit.rows; r++) {
    const row = values.subarray(r * unit.cols, (r + 1) * unit.cols);
    const norm = Math.hypot(...row);
    row.forEach((v, c) => row[c] = v / norm);
  }
  return {
    tall: start(150, 70),
    unit: { ...unit, values },
    wide: start(66, 130, {}, 3),
    bias: start(1, 70, { decays: false }, 4),
    threshold: { ...start(1, 150, { nonNegative: true, clipped: false, lrFactor: 2 }, 5) },
  };
}

function gradients(starts: Record<string, Start>, t: number): ByName {
  return Object.fromEntries(
    Object.entries(starts).map((
      [name, { rows, cols }],
      i,
    ) => [name, vector(rows * cols, { seed: 100 * t + i }).map((g, j) => (j + t) % 4 ? g : 0)]),
  );
}

function walk(rig: Rig, starts: Record<string, Start>, first: number, last: number): void {
  for (let t = first; t <= last; t++) {
    rig.step(gradients(starts, t), { t, lr: t < 3 ? 0.01 : 0.02, clip: 0.5 });
  }
}

for (const kind of OPTIMIZER_KINDS) {
  Deno.test(`${kind} goes on from its state with the same bits, on any split`, async () => {
    const starts = zoo();
    const rig = createRig(await whole(), kind, starts);
    walk(rig, starts, 1, 3);
    const [values, state] = [await rig.read(), await rig.readState()];
    walk(rig, starts, 4, 5);
    const wanted = await rig.read();

    const resumed = createRig(await narrow(), kind, starts);
    assert.ok(resumed.parameters[0].value.shards.length > 1, "nothing is split");
    resumed.restore(values, state);
    walk(resumed, starts, 4, 5);
    assert.deepEqual(await resumed.read(), wanted);
    assert.notDeepEqual(wanted, values);
    rig.close();
    resumed.close();
  });

  Deno.test(`${kind} keeps unit rows, clamps, and hands over what it exports`, async () => {
    const gpu = await whole();
    const starts = zoo();
    const rig = createRig(gpu, kind, starts);
    walk(rig, starts, 1, 4);
    const trained = await rig.read();
    submit(gpu, rig.optimizer.toExport());
    const exported = await rig.read();
    submit(gpu, rig.optimizer.toTraining());
    assert.deepEqual(await rig.read(), trained, "training goes on from other values");
    assert.equal(kind === "signum", !same(trained, exported), "what is exported");
    if (kind === "signum") {
      const state = await rig.readState();
      for (const name of Object.keys(starts)) {
        assert.deepEqual(exported[name], state[`signum_x.${name}`], `${name} is not the average`);
      }
    }
    for (const values of [trained, exported]) {
      for (let r = 0; r < 150; r++) {
        const norm = Math.hypot(...values.unit.subarray(r * 70, (r + 1) * 70));
        assert.ok(Math.abs(norm - 1) < 1e-6, `row ${r} has length ${norm}`);
      }
      assert.ok(values.threshold.every((v) => v >= 0), "a threshold below zero");
    }
    rig.close();
  });
}

function same(a: Record<string, Float32Array>, b: Record<string, Float32Array>): boolean {
  return Object.keys(a).every((name) => a[name].every((v, i) => v === b[name][i]));
}

/** How far each of three equal parameters moves in a step; they differ in one trait each. */
async function moves(kind: OptimizerKind): Promise<Record<string, number>> {
  const traits: Record<string, Partial<Start>> = {
    plain: {},
    fast: { lrFactor: 3 },
    still: { decays: false },
  };
  const names = Object.keys(traits);
  const values = Float64Array.from({ length: 15 }, () => 1);
  const starts = Object.fromEntries(
    names.map((name) => [name, { rows: 5, cols: 3, values, ...traits[name] }]),
  );
  const grad = vector(15, { seed: 9 });
  const rig = createRig(await whole(), kind, starts, { weightDecay: 0.5 });
  rig.step(Object.fromEntries(names.map((name) => [name, grad])), { t: 1, lr: 0.1 });
  const after = await rig.read();
  rig.close();
  return Object.fromEntries(
    Object.entries(after).map(([name, v]) => [name, Math.hypot(...v.map((x) => x - 1))]),
  );
}

for (const kind of OPTIMIZER_KINDS) {
  Deno.test(`${kind} heeds a parameter's rate, and its decay where there is any`, async () => {
    const { plain, fast, still } = await moves(kind);
    assert.ok(plain > 0);
    assert.ok(Math.abs(fast / plain - 3) < 1e-4, `factor ${fast / plain} of the learning rate`);
    assert.equal(plain !== still, kind === "adamw" || kind === "muon", "weight decay");
  });
}

Deno.test("clipping acts on the gradients that are clipped, by every optimiser with moments", async () => {
  for (const kind of ["adam", "adamw", "sparse_adam", "muon"] as const) {
    const starts = {
      clipped: start(5, 3),
      unclipped: start(5, 3, { clipped: false }),
    };
    const rig = createRig(await whole(), kind, starts);
    const grad = vector(15, { seed: 6 });
    rig.step({ clipped: grad, unclipped: grad }, { t: 1, lr: 0.1, clip: 0.25 });
    const state = await rig.readState();
    const prefix = kind === "muon" ? "muon_m" : "adam_m";
    const [a, b] = [state[`${prefix}.clipped`], state[`${prefix}.unclipped`]];
    assert.ok(a.every((v, i) => Math.abs(v - 0.25 * b[i]) <= 1e-7 * Math.abs(b[i])));
    assert.ok(b.some((v) => v !== 0));
    rig.close();
  }
});

Deno.test("muon takes no Newton-Schulz step of vectors, and shares buffers between equal shapes", async () => {
  const gpu = await whole();
  const bytes = (starts: Record<string, Start>) => {
    const before = gpu.memory.bytes;
    const rig = createRig(gpu, "muon", starts);
    const used = gpu.memory.bytes - before;
    rig.close();
    return used;
  };
  const one = bytes({ a: start(128, 64) });
  const two = bytes({ a: start(128, 64), b: start(128, 64) });
  // The second costs values, gradient, momentum, and small change; not the two buffers of the iteration.
  const matrix = 128 * 64 * 4;
  assert.ok(two - one < 3.5 * matrix, `${(two - one) / matrix} matrices`);
  const rig = createRig(gpu, "muon", { bias: start(1, 40), column: start(40, 1) });
  assert.deepEqual(rig.optimizer.state.map(({ name }) => name), [
    "adam_m.bias",
    "adam_v.bias",
    "adam_m.column",
    "adam_v.column",
  ]);
  rig.close();
});
