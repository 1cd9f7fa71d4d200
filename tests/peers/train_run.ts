/**
 * One and twenty training steps against the peers' own code: the same first weights, batches and optimiser.
 *
 *     deno run -A tests/peers/train_run.ts [peer…]          peers as in `train_steps.py`
 *     deno run -A tests/peers/train_run.ts --cases FILE     cases that the script has written before
 *     deno run -A tests/peers/train_run.ts --table          as rows of the table in README.md
 *
 * The error of weights is that of their movement: the length of (ours - theirs) over the length of (theirs - first), of each
 * parameter by itself; the error of losses is relative. A case that names a section of the architectures specification is
 * one where the peer was changed to what the section says, and only in that.
 * @module
 */
import { parseArgs } from "node:util";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { submit } from "../../lib/gpu/program.ts";
import { readFloats } from "../../lib/gpu/readback.ts";
import { readRows, writeRows } from "../../lib/gpu/rows.ts";
import { STEP } from "../../lib/kernels/common.ts";
import { normaliseRows } from "../../lib/kernels/normalise_rows.ts";
import { familyOf } from "../../lib/models/mod.ts";
import type { TrainableModel } from "../../lib/models/types.ts";
import { type AutogradCase, optionsOf } from "../models/autograd.ts";
import { findPython, python } from "./python.ts";

/** A case as `train_record.py` writes it; weights by name and by number of steps. */
interface PeerCase {
  name: string;
  peer: string;
  type: string;
  options: Partial<AutogradCase["options"]> & { k: number };
  step: Record<string, number>;
  reason: string;
  /** Longest gradient, 0 for any. */
  clip: number;
  /** Parameters whose rows are put back to length 1 after every step. */
  normalised?: string[];
  points: string[];
  initial: Record<string, number[]>;
  losses: number[];
  weights: Record<string, Record<string, number[]>>;
}

interface PeerFile {
  rows: number;
  d: number;
  latents: number;
  steps: number;
  lr: number;
  points: Record<string, number[][]>;
  cases: PeerCase[];
}

/** Largest relative errors of a case: of any loss, and of the movement of any parameter after so many steps. */
interface Errors {
  loss: number;
  moved: Record<string, { name: string; error: number }>;
}

/** What is allowed: float32 against float64, and Adam, which makes a step of the sign of the smallest gradient. */
const BOUNDS: Record<string, number> = { loss: 1e-5, "1": 2e-3, "20": 1e-3 };

function build(gpu: Gpu, file: PeerFile, given: PeerCase): TrainableModel {
  const { rows, d: dIn, latents: dSae, steps } = file;
  const options = optionsOf({
    type: given.type,
    options: { rows, dIn, dSae, ...given.options },
  });
  const all = { ...options, clipGradNorm: given.clip, ringSlots: steps };
  const model = familyOf(given.type).build(gpu, all);
  const found = model.parameters.map((p) => p.name).sort().join();
  const wanted = Object.keys(given.initial).sort().join();
  if (found !== wanted) throw new Error(`${given.name}: parameters are ${found}, not ${wanted}`);
  for (const { name, value } of model.parameters) {
    writeRows(gpu, value, Float32Array.from(given.initial[name]));
  }
  return model;
}

/** What the host says of step `t`. */
function writeStep(
  gpu: Gpu,
  model: TrainableModel,
  lr: number,
  t: number,
  step: Record<string, number>,
) {
  const words = new DataView(new ArrayBuffer(STEP.words * 4));
  const counts = { slot: t, number: t, ...step };
  words.setFloat32(STEP.lr * 4, lr, true);
  words.setFloat32(STEP.correction1 * 4, 1 / (1 - 0.9 ** (t + 1)), true);
  words.setFloat32(STEP.correction2 * 4, 1 / (1 - 0.999 ** (t + 1)), true);
  for (const [name, value] of Object.entries(counts)) {
    const at = STEP[name as keyof typeof STEP] * 4;
    if (["k", "batchK", "slot", "number"].includes(name)) words.setUint32(at, value, true);
    else words.setFloat32(at, value, true);
  }
  gpu.device.queue.writeBuffer(model.space.step, 0, words.buffer);
  model.beforeStep?.(t);
}

const length = (values: number[]) => Math.hypot(...values);

/** The largest error of a movement, and whose it is. */
async function movement(gpu: Gpu, model: TrainableModel, given: PeerCase, steps: number) {
  let worst = { name: "", error: 0 };
  for (const { name, value } of model.parameters) {
    const ours = await readRows(gpu, value);
    const theirs = given.weights[steps][name];
    const moved = length(theirs.map((v, i) => v - given.initial[name][i]));
    const error = length(theirs.map((v, i) => v - ours[i])) / moved;
    if (!(moved > 0)) throw new Error(`${given.name}: ${name} of the peer has not moved`);
    if (!(error <= worst.error)) worst = { name, error };
  }
  return worst;
}

async function compare(gpu: Gpu, file: PeerFile, given: PeerCase): Promise<Errors> {
  const model = build(gpu, file, given);
  const putBack = model.parameters.filter((p) => given.normalised?.includes(p.name))
    .flatMap((p) => normaliseRows.record(gpu, p.value));
  const moved: Errors["moved"] = {};
  for (let t = 0; t < file.steps; t++) {
    given.points.forEach((name, i) =>
      writeRows(gpu, model.inputs[i], Float32Array.from(file.points[name][t]))
    );
    writeStep(gpu, model, file.lr, t, given.step);
    submit(gpu, [...model.step, ...putBack]);
    if (String(t + 1) in given.weights) moved[t + 1] = await movement(gpu, model, given, t + 1);
  }
  const { buffer, fields } = model.ring;
  const ring = await readFloats(gpu, buffer, file.steps * fields.length);
  const at = fields.findIndex(({ name }) => name === "loss/total");
  const errors = given.losses.map((loss, t) => Math.abs(ring[t * fields.length + at] / loss - 1));
  return { loss: Math.max(...errors), moved };
}

const figure = (error: number) => error.toExponential(1);

function line(given: PeerCase, { loss, moved }: Errors, passed: boolean): string {
  const figures = Object.entries(moved)
    .map(([steps, { name, error }]) => `after ${steps}: ${figure(error)} (${name})`);
  const reason = given.reason ? `; spec ${given.reason}` : "";
  return `${passed ? "ok  " : "FAIL"} ${given.peer}, ${given.name}: loss ${figure(loss)}, ` +
    `movement ${figures.join(", ")}${reason}`;
}

/** A row of the table in README.md. */
function row(given: PeerCase, { loss, moved }: Errors): string {
  const figures = [loss, ...Object.values(moved).map(({ error }) => error)].map(figure);
  const sections = [...given.reason.matchAll(/(?:^|; )([\d.]+):/g)].map((match) => match[1]);
  return `| ${[given.peer, given.name, ...figures, sections.join(", ")].join(" | ")} |`;
}

async function casesOf(peers: string[], path?: string): Promise<PeerFile> {
  if (path) return JSON.parse(await Deno.readTextFile(path));
  const folder = await Deno.makeTempDir();
  try {
    await python(await findPython(), "train_steps.py", [`${folder}/cases.json`, ...peers]);
    return JSON.parse(await Deno.readTextFile(`${folder}/cases.json`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { cases: { type: "string" }, table: { type: "boolean" } },
  });
  const file = await casesOf(positionals, values.cases);
  let failed = 0;
  for (const given of file.cases) {
    const gpu = await openGpu();
    try {
      const errors = await compare(gpu, file, given);
      const found = { loss: errors.loss } as Record<string, number>;
      for (const [steps, { error }] of Object.entries(errors.moved)) found[steps] = error;
      const passed = Object.entries(BOUNDS).every(([name, bound]) => found[name] <= bound);
      if (!passed) failed++;
      console.log(values.table ? row(given, errors) : line(given, errors, passed));
    } finally {
      gpu.close();
    }
  }
  console.log(`${file.cases.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
