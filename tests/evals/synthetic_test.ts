/** Planted features: that the rows are what they claim to be, and that the figures find what is there. */
import assert from "assert";
import { RandomStream } from "../../lib/base/random.ts";
import { bestAssignment } from "../../lib/evals/assignment.ts";
import type { Measured } from "../../lib/evals/definitions.ts";
import {
  addFirings,
  createWorld,
  frequencies,
  PRESETS,
  type SyntheticSpec,
  unitRows,
} from "../../lib/evals/synthetic.ts";
import { SYNTHETIC_DEFINITIONS } from "../../lib/evals/synthetic_definitions.ts";
import { Detection } from "../../lib/evals/synthetic_detection.ts";
import { directionPairs } from "../../lib/evals/synthetic_directions.ts";
import { forestOf, withForest } from "../../lib/evals/synthetic_forest.ts";
import { superposition } from "../../lib/evals/synthetic_features.ts";
import { directionFigures, type DirectionPair } from "../../lib/evals/synthetic_scores.ts";
import { HELD_OUT_FROM, syntheticBatches, syntheticTask } from "../../lib/evals/synthetic_task.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { codeOf } from "./fakes.ts";

const { tiny, small } = PRESETS;
const SAE = { target: "same", layers: false, sequences: false } as const;

function byName(figures: readonly Measured[]): Record<string, number | null> {
  return Object.fromEntries(figures.map(({ name, value }) => [name.split("/")[1], value]));
}

const directions = (...pairs: DirectionPair[]) => byName(directionFigures(pairs).figures);

function near(found: number | null, wanted: number, within = 1e-6): void {
  assert.ok(Math.abs(found! - wanted) <= within, `${found}, not ${wanted}`);
}

Deno.test("cosines, assignment and uniqueness equal the golden vectors", () => {
  const found = directions({
    truth: Float32Array.of(1, 0, 0, 1, .6, .8),
    latents: Float32Array.of(.8, .6, 0, -2),
    width: 2,
  });
  near(found.mmcs_recall, .7866667);
  near(found.mmcs_recall_abs, .92);
  near(found.mmcs_precision, .48);
  near(found.mcc, .98);
  near(found.uniqueness, 1);
  near(found.recovered_70, 2 / 3);
  near(found.recovered_95, 1 / 3);
});

Deno.test("the true directions score 1 in any order and at any length, random ones little", () => {
  const { directions: truth, probability } = createWorld(tiny, 3);
  const { d, features } = tiny;
  const shuffled = new Float32Array(truth.length);
  for (let f = 0; f < features; f++) {
    const place = (f * 29 + 7) % features;
    shuffled.set(truth.subarray(f * d, (f + 1) * d).map((v) => v * (1 + f)), place * d);
  }
  for (const latents of [truth, shuffled]) {
    const found = directions({ truth, latents, width: d, probability });
    for (const value of Object.values(found)) near(value, 1, 1e-5);
  }
  const latents = unitRows(features, d, new RandomStream(1, "other"));
  const found = directions({ truth, latents, width: d, probability });
  assert.ok(found.mmcs_recall! < .55 && found.mcc! < .55, `${found.mmcs_recall}, ${found.mcc}`);
  assert.equal(found.recovered_90, 0);
});

Deno.test("features that only dead latents point at count as missing, save in mmcs_recall_all", () => {
  const truth = Float32Array.of(1, 0, 0, 1);
  const live = Uint8Array.of(1, 0);
  const found = directions({ truth, latents: truth, width: 2, live });
  near(found.mmcs_recall, .5);
  near(found.mmcs_recall_all, 1);
  near(found.mmcs_precision, 1);
  near(found.recovered_90, .5);
  const none = directions({ truth, latents: truth, width: 2, live: Uint8Array.of(0, 0) });
  near(none.mmcs_recall, 0);
  assert.equal(none.mmcs_precision, null);
  const weighted = directions({
    truth,
    latents: truth,
    width: 2,
    live,
    probability: [.3, .1] as never,
  });
  near(weighted.recovered_90_by_frequency, .75);
});

Deno.test("bestAssignment() gains as much as the best of all permutations", () => {
  const stream = new RandomStream(5, "gain");
  const permutations = (list: number[], k: number): number[][] =>
    k === 0
      ? [[]]
      : list.flatMap((v) =>
        permutations(list.filter((w) => w !== v), k - 1).map((rest) => [v, ...rest])
      );
  for (let trial = 0; trial < 20; trial++) {
    const rows = 1 + trial % 5, cols = rows + trial % 3;
    const gain = Array.from({ length: rows * cols }, (_, i) => stream.uniform(trial, i));
    const sum = (columns: ArrayLike<number>) =>
      Array.from(columns).reduce((s, j, i) => s + gain[i * cols + j], 0);
    const found = bestAssignment(gain, rows, cols);
    assert.equal(new Set(found).size, rows);
    const best = Math.max(...permutations([...Array(cols).keys()], rows).map(sum));
    near(sum(found), best, 1e-12);
  }
});

Deno.test("detection counts hits by latent and layer, and dead latents as 0", () => {
  // Two layers of three features; latents 0 and 1 of layer 0 stand for features 0 and 2, latent 2 of layer 1 for 1.
  const nearest = [{ feature: Int32Array.of(0, 2) }, { feature: Int32Array.of(1, 1) }];
  const firings = [[[0], [0, 2], [0], []], [[1], [], [1], [2]]].map((rows) => ({
    rowStart: Uint32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).flat().length)]),
    feature: Uint32Array.from(rows.flat()),
    size: new Float32Array(rows.flat().length).fill(1),
  }));
  const code = [[1, 0, 1, 0], [1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0]];
  for (const split of [4, 1]) {
    const detection = new Detection(nearest, 3);
    for (let r = 0; r < 4; r += split) {
      detection.add(codeOf(code.slice(r, r + split)), firings, r);
    }
    const found = byName(detection.figures());
    // Latent 0: both 2, fired 3, present 3. Latent 1: 0, 1, 1. Latent 2: 2, 3, 2. Latent 3: dead.
    near(found.f1, (4 / 6 + 4 / 5) / 4);
    near(found.precision, (2 / 3 + 2 / 3) / 4);
    near(found.recall, (2 / 3 + 1) / 4);
    near(found.true_l0, 7 / 4);
  }
});

Deno.test("a row is a pure function of seed and number, and is x = a V + b", () => {
  const task = syntheticTask(tiny, 4, { needs: SAE, layers: 1, context: 1 });
  const all = task.rows(HELD_OUT_FROM, 40);
  const part = task.rows(HELD_OUT_FROM + 13, 7);
  const { d } = tiny;
  assert.deepEqual(part.points[0], all.points[0].subarray(13 * d, 20 * d));
  const other = syntheticTask(tiny, 5, { needs: SAE, layers: 1, context: 1 });
  assert.notDeepEqual(other.rows(HELD_OUT_FROM, 1).points, task.rows(HELD_OUT_FROM, 1).points);

  const rest = all.points[0].slice();
  const [firings] = all.firings;
  addFirings(rest, { ...firings, size: firings.size.map((v) => -v) }, task.truth[0].inputs, d);
  for (let r = 0; r < 40; r++) {
    for (let j = 0; j < d; j++) near(rest[r * d + j], rest[j], 1e-5);
  }
  near(Math.hypot(...rest.subarray(0, d)), tiny.offset, 1e-5);
});

Deno.test("features fire as often and as strongly as the preset says, and independently of each other", () => {
  const world = createWorld(tiny, 6);
  const rows = 20000;
  const { rowStart, feature, size } = world.firings(rows, (r) => r);
  const count = new Float64Array(tiny.features), sums = new Float64Array(tiny.features);
  let together = 0;
  for (let r = 0; r < rows; r++) {
    const fired = feature.subarray(rowStart[r], rowStart[r + 1]);
    assert.ok(fired.every((f, i) => i === 0 || f > fired[i - 1]), "ascending");
    if (fired.includes(0) && fired.includes(1)) together++;
  }
  feature.forEach((f, e) => {
    count[f]++;
    sums[f] += size[e];
  });
  // Four standard deviations of a binomial count.
  count.forEach((n) => near(n / rows, .05, 4 * Math.sqrt(.05 * .95 / rows)));
  count.forEach((n, f) => near(sums[f] / n, 5, 4 * .5 / Math.sqrt(n)));
  near(together / rows, .0025, 4 * Math.sqrt(.0025 / rows));
  near(feature.length / rows, 3.2, .05);
});

Deno.test("Zipf's law runs from most to least", () => {
  const p = frequencies(small);
  near(p[0], .1, 1e-12);
  near(p[1023], .001, 1e-12);
  near(p[3], .001 + .099 * (.5 - 1 / 32) / (1 - 1 / 32), 1e-12);
  assert.ok(p.every((v, i) => i === 0 || v < p[i - 1]));
});

Deno.test("in a forest children fire with their parents only, siblings never together, about as often as meant", () => {
  const spec: SyntheticSpec = {
    ...small,
    features: 100,
    frequency: { law: "zipf", exponent: .5, least: .01, most: .4 },
    forest: { roots: 4, branching: 3, levels: 2 },
  };
  const parentOf = (f: number) =>
    f < 4 ? -1 : f < 16 ? Math.floor((f - 4) / 3) : f < 52 ? 4 + Math.floor((f - 16) / 3) : -1;
  const world = createWorld(spec, 2);
  const rows = 20000;
  const { rowStart, feature } = world.firings(rows, (r) => r);
  const count = new Float64Array(100);
  for (let r = 0; r < rows; r++) {
    const fired = [...feature.subarray(rowStart[r], rowStart[r + 1])];
    const parents = fired.map(parentOf).filter((p) => p >= 0);
    assert.ok(parents.every((p) => fired.includes(p)), `row ${r}: ${fired}`);
    assert.equal(new Set(parents).size, parents.length, `row ${r}: ${fired}`);
    fired.forEach((f) => count[f]++);
  }
  count.forEach((n, f) => {
    const wanted = world.probability[f];
    if (parentOf(f) < 0) near(n / rows, wanted, 4.5 * Math.sqrt(wanted / rows));
    else {assert.ok(
        n / rows > .35 * wanted && n / rows < 1.25 * wanted,
        `${f}: ${n / rows}, ${wanted}`,
      );}
  });
});

Deno.test("a child's chance makes up for its parent's silence and its siblings", () => {
  const forest = forestOf({ roots: 1, branching: 2, levels: 1 }, 4);
  const chance = withForest(forest, Float64Array.of(.4, .1, .2, .3));
  // Shares .25 and .5 of the parent's firings; the sibling may take the place in as many cases.
  [.4, .25 * 1.5, .5 * 1.25, .3].forEach((wanted, f) => near(chance[f], wanted, 1e-12));
  near(withForest(forest, Float64Array.of(.1, .1, .1, 0))[1], 1);
});

Deno.test("decorrelated features are unit rows that lie on each other as little as n rows in d dimensions can", () => {
  const plain = createWorld(tiny, 1).directions;
  const better = createWorld({ ...tiny, orthogonalise: { steps: 200, lr: .01 } }, 1).directions;
  const { features: n, d } = tiny;
  const row = (rows: Float32Array, f: number) => rows.subarray(d * f, d * f + d);
  const overlap = (rows: Float32Array) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (i !== j) sum += row(rows, i).reduce((s, v, c) => s + v * row(rows, j)[c], 0) ** 2;
      }
    }
    return sum;
  };
  for (let f = 0; f < n; f++) near(Math.hypot(...row(better, f)), 1, 1e-5);
  // No unit rows have less than n²/d - n (Welch).
  const bound = n * n / d - n;
  assert.ok(overlap(plain) > 1.7 * bound && overlap(better) < 1.02 * bound, `${overlap(better)}`);
  assert.ok(superposition(better, d) < .8 * superposition(plain, d));
});

Deno.test("targets have directions of their own; layers write to all later ones; sequences look one token back", () => {
  const { d } = tiny;
  const recon = (task: ReturnType<typeof syntheticTask>, layer: number, first = 0) => {
    const { points, firings } = task.rows(first, 24);
    const rest = points[points.length / 2 + layer].slice();
    for (let l = 0; l <= layer; l++) {
      const { size } = firings[l];
      const minus = { ...firings[l], size: size.map((v) => -v) };
      addFirings(rest, minus, task.truth[l].outputs[layer - l], d);
    }
    return rest;
  };
  const constant = (rest: Float32Array) => {
    for (let r = 0; r < 24; r++) for (let j = 0; j < d; j++) near(rest[r * d + j], rest[j], 2e-5);
  };
  const needs = { target: "other", layers: false, sequences: false } as const;
  constant(recon(syntheticTask(tiny, 1, { needs, layers: 1, context: 1 }), 0));
  const layered = syntheticTask(tiny, 1, {
    needs: { ...needs, layers: true },
    layers: 3,
    context: 1,
  });
  assert.deepEqual(
    layered.points.map((p) => p.role),
    [..."iiittt"].map((c) => c === "i" ? "input" : "target"),
  );
  for (const l of [0, 1, 2]) constant(recon(layered, l));
  const ordered = syntheticTask(tiny, 1, {
    needs: { ...needs, sequences: true },
    layers: 1,
    context: 8,
  });
  assert.equal(ordered.rowUnit, 8);
  constant(recon(ordered, 0));
  const { firings: [shown] } = ordered.rows(8, 16);
  const own = createWorld(tiny, 1, 0).firings(16, (r) => 8 + r);
  const fired = (
    f: typeof own,
    r: number,
  ) => [...f.feature.subarray(f.rowStart[r], f.rowStart[r + 1])];
  for (let r = 0; r < 16; r++) assert.deepEqual(fired(shown, r), fired(own, r % 8 ? r - 1 : r));
});

Deno.test("batch t has the rows that follow those of batch t - 1", async () => {
  const task = syntheticTask(tiny, 1, { needs: SAE, layers: 1, context: 1 });
  const batches = syntheticBatches(task, 16);
  const { points: [third] } = await batches.batch(2);
  assert.deepEqual(third, task.rows(32, 16).points[0]);
  assert.ok(batches.batchesPerEpoch * 16 <= HELD_OUT_FROM);
});

Deno.test("what a skip connection carries is taken from what its code must add", () => {
  const d = 2;
  const truth = [{
    probability: Float64Array.of(.1),
    outputs: [Float32Array.of(1, 1)],
    inputs: Float32Array.of(0, 1),
  }];
  const record = {
    kind: "transcoder",
    dIn: d,
    dOut: d,
    dSae: 2,
    wDec: Float32Array.of(1, 0, 1, 1),
    wSkip: Float32Array.of(0, 0, 0, 1),
  } as unknown as DictionaryRecord;
  const [pair] = directionPairs(record, truth, Uint32Array.of(5, 0));
  assert.deepEqual([...pair.truth], [1, 0]);
  assert.deepEqual([...pair.live!], [1, 0]);
});

Deno.test("latents of a layer are compared in all of their targets together", () => {
  const truth = [2, 1].map((targets, l) => ({
    probability: Float64Array.of(.1),
    outputs: Array.from({ length: targets }, (_, m) => Float32Array.of(l, m)),
    inputs: Float32Array.of(1, 0),
  }));
  const wDec = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8, 9, 10, 11, 12)];
  const record = { kind: "clt", layers: 2, dIn: 2, dOut: 2, dSae: 2, wDec } as never;
  const [first, second] = directionPairs(record, truth, Uint32Array.of(1, 0, 0, 1));
  assert.deepEqual([...first.latents], [1, 2, 5, 6, 3, 4, 7, 8]);
  assert.deepEqual([...first.truth], [0, 0, 0, 1]);
  assert.deepEqual([...second.latents], [9, 10, 11, 12]);
  assert.deepEqual([...second.live!], [0, 1]);
});

Deno.test("docs/metrics.md defines every metric on planted features in the words of the code, and no other", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/metrics.md", import.meta.url));
  const start = page.indexOf("## On planted features");
  assert.ok(start > 0);
  const rows = page.slice(start, page.indexOf("\n## ", start + 5)).split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assert.deepEqual(
    rows.map(([name, words]) => [name.replaceAll("`", ""), words]),
    Object.entries(SYNTHETIC_DEFINITIONS),
  );
});
