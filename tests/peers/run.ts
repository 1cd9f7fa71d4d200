/**
 * Holds our dictionary folders against the sae-lens of PyPI, both ways: every kind of which we write a SAELens folder, and
 * every kind of which we read one.
 *
 *     deno run -A tests/peers/run.ts                        random dictionaries, ours to theirs and theirs to ours
 *     deno run -A tests/peers/run.ts --dictionary DIR… [--activations FILE] [--rows N]
 *                                                           these folders, on real rows when a file is given
 *
 * FILE is a safetensors file with rows [n, d] in a tensor `x`, `activations` or `act.<hookpoint>`, or in its only
 * matrix of width d: a shard of an activation store is one. Latents and reconstructions of a folder are made twice, by the
 * GPU as the program makes them and by the float64 reference, and both are compared. SDM_PEERS_PYTHON names a Python with
 * sae-lens; without it `setup_python.sh` makes one in `.venv-peers`.
 * @module
 */
import { parseArgs } from "node:util";
import { SafetensorsFile } from "../../lib/files/safetensors.ts";
import { writeSafetensors } from "../../lib/files/safetensors_write.ts";
import { type Gpu, openGpu } from "../../lib/gpu/device.ts";
import { openDictionary } from "../../lib/interop/detect.ts";
import { readSaelens } from "../../lib/interop/saelens.ts";
import { saveDictionary } from "../../lib/interop/save.ts";
import { loadDictionary } from "../../lib/models/inference.ts";
import type { DictionaryRecord } from "../../lib/models/record.ts";
import { forwardRecord } from "../../lib/reference/forward_record.ts";
import { randomRecord, randomRows } from "../interop/fixtures.ts";
import { findPython, python } from "./python.ts";

const TOLERANCE = 1e-4;

interface Case {
  name: string;
  dictionary: string;
  expected: string;
}

interface Outcome {
  name: string;
  architecture: string;
  rows: number;
  tied_rows: number;
  l0: number;
  latents: number;
  reconstruction: number;
  passed: boolean;
}

/** Rows, and what was stored beside them. */
async function readRows(path: string, d: number, limit: number) {
  using file = await SafetensorsFile.open(path);
  const isMatrix = (name: string) =>
    file.info(name).shape.length === 2 && file.info(name).shape[1] === d;
  const name = file.names.find((n) => /^(x|activations|act\..*)$/.test(n) && isMatrix(n)) ??
    file.names.find(isMatrix);
  if (!name) throw new Error(`${path} has no matrix of width ${d}`);
  const rows = Math.min(limit, file.info(name).shape[0]);
  const optional = (n: string) => file.has(n) ? file.readFloat32(n, { rows }) : undefined;
  return {
    x: await file.readFloat32(name, { rows }),
    latents: await optional("latents"),
    reconstruction: await optional("reconstruction"),
  };
}

type Rows = Partial<Awaited<ReturnType<typeof readRows>>> & { x: Float32Array<ArrayBuffer> };

/** Latents and reconstructions as the program computes them: on the GPU, with the kernels of training. */
async function onGpu(gpu: Gpu, record: DictionaryRecord, x: Rows["x"]): Promise<Rows> {
  const { dIn, dOut, dSae } = record;
  const dictionary = loadDictionary(gpu, record, 256);
  const rows = x.length / dIn;
  const latents = new Float32Array(rows * dSae);
  const reconstruction = new Float32Array(rows * dOut);
  for (let first = 0; first < rows; first += dictionary.maxRows) {
    const end = Math.min(rows, first + dictionary.maxRows);
    const code = await dictionary.run([x.subarray(first * dIn, end * dIn)], true);
    reconstruction.set(code.recon![0], first * dOut);
    for (let r = 0; r < code.rows; r++) {
      for (let e = code.rowStart[r]; e < code.rowStart[r + 1]; e++) {
        latents[(first + r) * dSae + code.latent[e]] = code.value[e];
      }
    }
  }
  return { x, latents, reconstruction };
}

async function writeExpected(path: string, record: DictionaryRecord, data: Rows): Promise<void> {
  const rows = data.x.length / record.dIn;
  const result = forwardRecord(record, data.x);
  await writeSafetensors(path, [
    { name: "x", shape: [rows, record.dIn], data: data.x },
    {
      name: "latents",
      shape: [rows, record.dSae],
      data: data.latents ?? new Float32Array(result.latents),
    },
    {
      name: "reconstruction",
      shape: [rows, record.dOut],
      data: data.reconstruction ?? new Float32Array(result.reconstruction),
    },
  ]);
}

/** The record that sae-lens has a class for: its BatchTopK is a JumpReLU once it is trained, and nesting is past. */
function forSaelens(record: DictionaryRecord): DictionaryRecord {
  const { activation, dSae } = record;
  if (activation.name !== "batchtopk") return record;
  const threshold = new Float32Array(dSae).fill(activation.threshold);
  return { ...record, prefixes: undefined, activation: { name: "jumprelu", threshold } };
}

/** Saves a record as sae-lens has it; gives the record to run, with latents in the units of the folder. */
async function saveForSaelens(folder: string, record: DictionaryRecord): Promise<DictionaryRecord> {
  const other = forSaelens(record);
  const provenance = { hookpoint: "blocks.2.hook_resid_post" };
  const saved = await saveDictionary(folder, other, provenance) as DictionaryRecord;
  return saved.wDec === record.wDec ? record : saved;
}

/** Random dictionaries, one of every kind that has a SAELens folder. */
function randomRecords(d: number, F: number): Record<string, DictionaryRecord> {
  const threshold = Float32Array.from({ length: F }, (_, f) => (f % 7) / 5);
  const relu = randomRecord(d, F, { name: "relu" });
  const topk = randomRecord(d, F, { name: "topk", k: 8 });
  const jumprelu = randomRecord(d, F, { name: "jumprelu", threshold });
  // Decoder rows of many lengths.
  const free = (record: DictionaryRecord) => ({
    ...record,
    wDec: record.wDec.map((w, i) => w * (0.5 + (Math.floor(i / d) % 5) / 4)),
  });
  const batchtopk = randomRecord(d, F, { name: "batchtopk", k: 8, threshold: 2.2 });
  return {
    topk,
    relu,
    jumprelu,
    "batchtopk by its threshold": batchtopk,
    "batchtopk by decoder norms": { ...free(batchtopk), gateByDecoderNorm: true },
    "topk, free decoder rows": free(topk),
    "topk by decoder norms": { ...free(topk), gateByDecoderNorm: true },
    "relu, free decoder rows": free(relu),
    "jumprelu, free decoder rows": free(jumprelu),
    "jumprelu by decoder norms": { ...free(jumprelu), gateByDecoderNorm: true },
    "relu, b_dec not taken from the input": { ...relu, subtractBDec: false },
    "topk, rows of one length": { ...topk, rowNorm: "token" },
    "jumprelu, rows by layer norm": { ...jumprelu, rowNorm: "layer_norm" },
  };
}

async function randomCases(folder: string): Promise<Case[]> {
  const [d, F, rows] = [48, 384, 256];
  const x = randomRows(rows, d).map((v, i) => v * (1 + Math.floor(i / d) % 3));
  const cases: Case[] = [];
  const gpu = await openGpu();
  try {
    for (const [name, record] of Object.entries(randomRecords(d, F))) {
      const dictionary = `${folder}/ours_${cases.length}`;
      const run = await saveForSaelens(dictionary, record);
      const expected = ["reference", "gpu"].map((way) => `${dictionary}_${way}.safetensors`);
      await writeExpected(expected[0], run, { x });
      await writeExpected(expected[1], run, await onGpu(gpu, run, x));
      cases.push({ name: `write ${name}, GPU`, dictionary, expected: expected[1] });
      cases.push({ name: `write ${name}, float64 reference`, dictionary, expected: expected[0] });
    }
  } finally {
    gpu.close();
  }
  return cases;
}

/** Opens folders that sae-lens wrote and compares our forward pass with what sae-lens computed. */
async function compareTheirs(program: string, folder: string): Promise<Outcome[]> {
  const names = JSON.parse(await python(program, "sae_lens_write.py", [folder])) as string[];
  const outcomes: Outcome[] = [];
  for (const name of names) {
    const { record } = await readSaelens(`${folder}/${name}`);
    const theirs = await readRows(`${folder}/${name}/expected.safetensors`, record.dIn, 1e6);
    const ours = forwardRecord(record, theirs.x);
    const latents = relative(ours.latents, theirs.latents!, record.dSae);
    const reconstruction = relative(ours.reconstruction, theirs.reconstruction!, record.dOut);
    const rows = theirs.x.length / record.dIn;
    outcomes.push({
      name: `read ${name}`,
      architecture: record.activation.name,
      rows,
      tied_rows: 0,
      l0: theirs.latents!.filter((v) => v > 0).length / rows,
      latents,
      reconstruction,
      passed: latents <= TOLERANCE && reconstruction <= TOLERANCE,
    });
  }
  return outcomes;
}

/** Largest difference in units of the largest absolute value of its row. */
function relative(found: Float64Array, wanted: Float32Array, width: number): number {
  let worst = 0;
  for (let start = 0; start < wanted.length; start += width) {
    let scale = 1e-30, difference = 0;
    for (let i = start; i < start + width; i++) {
      scale = Math.max(scale, Math.abs(wanted[i]));
      difference = Math.max(difference, Math.abs(found[i] - wanted[i]));
    }
    worst = Math.max(worst, difference / scale);
  }
  return worst;
}

/** One saved dictionary, on real rows when a file is given. */
async function trainedCases(
  folder: string,
  path: string,
  activations: string | undefined,
  limit: string,
): Promise<Case[]> {
  const opened = await openDictionary(path);
  let { folder: dictionary, record } = opened as typeof opened & { record: DictionaryRecord };
  if (forSaelens(record) !== record) {
    dictionary = `${folder}_as_sae_lens`;
    record = await saveForSaelens(dictionary, record);
  }
  const rows = Number(limit);
  const data = activations
    ? await readRows(activations, record.dIn, rows)
    : { x: randomRows(rows, record.dIn) };
  const [reference, gpu] = ["reference", "gpu"].map((n) => `${folder}_${n}.safetensors`);
  await writeExpected(reference, record, data);
  const device = await openGpu();
  try {
    await writeExpected(gpu, record, await onGpu(device, record, data.x));
  } finally {
    device.close();
  }
  const name = `${opened.folder}, ${activations ? "real" : "random"} rows`;
  return [
    { name: `${name}, GPU`, dictionary, expected: gpu },
    { name: `${name}, float64 reference`, dictionary, expected: reference },
  ];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      dictionary: { type: "string", multiple: true },
      activations: { type: "string" },
      rows: { type: "string", default: "512" },
    },
  });
  const program = await findPython();
  const folder = await Deno.makeTempDir();
  try {
    let cases: Case[];
    const outcomes: Outcome[] = [];
    if (values.dictionary) {
      cases = [];
      for (const [i, path] of values.dictionary.entries()) {
        cases.push(...await trainedCases(`${folder}/${i}`, path, values.activations, values.rows));
      }
    } else {
      cases = await randomCases(folder);
      outcomes.push(...await compareTheirs(program, folder));
    }
    const lines = await python(program, "sae_lens_compare.py", [], JSON.stringify(cases));
    outcomes.push(...lines.trim().split("\n").map((line) => JSON.parse(line) as Outcome));
    for (const o of outcomes) {
      console.log(
        `${o.passed ? "ok  " : "FAIL"} ${o.name} (${o.architecture}, ${o.rows} rows, L0 ${
          o.l0.toFixed(1)
        }): latents ${o.latents.toExponential(1)}, reconstruction ` +
          `${o.reconstruction.toExponential(1)} relative, ${o.tied_rows} tied rows`,
      );
    }
    const failed = outcomes.filter((o) => !o.passed).length;
    console.log(`${outcomes.length - failed} passed, ${failed} failed`);
    return failed > 0 ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main());
