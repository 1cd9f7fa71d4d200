/**
 * Losses of the bundled causal model as `sdm eval` prints them, against PyTorch's: as the model is, and with
 * reconstructions, zero and the mean in the place of an activation. The dictionaries are trained here, a few steps long.
 * @module
 */
import { findExporters, python } from "../python.ts";

const CONFIG = "models/demo/demo.toml";
const HELD_OUT = "models/demo/corpus/heldout.jsonl.gz";
const TOKENS = 4096;
const HOOKPOINTS = ["blocks.2.hook_resid_post", "blocks.1.hook_mlp_out"];
/** Of a loss in nats, relative where it is above 1. */
const TOLERANCE = 1e-5;

interface Figure {
  name: string;
  value: number;
}

/** Runs the program and gives what it printed. */
async function sdm(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "main.ts", ...args],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`sdm ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

async function compare(program: string, folder: string, hookpoint: string): Promise<number[]> {
  const run = `${folder}/${hookpoint}`, store = `${folder}/store`;
  await sdm(
    ...["train", CONFIG, "--hookpoint", hookpoint, "--output-path", run, "--quiet"],
    ...["--training-tokens", "8192", "--d-sae", "256", "--k", "16"],
    ...["--eval-tokens", "1024", "--downstream-tokens", String(TOKENS)],
  );
  const lines = await python(program, "onnx/losses.py", [store, `${run}/final`, hookpoint]);
  const { rows, ...theirs } = JSON.parse(lines) as Record<string, number>;
  // As many rows as PyTorch took, so that the mean is over the same ones.
  const printed = await sdm("eval", run, "--json", "--quiet", "--eval-tokens", String(rows));
  const figures: Figure[] = JSON.parse(printed).downstream.figures;
  return Object.entries(theirs).map(([name, value]) => {
    const found = figures.find((figure) => figure.name === name)?.value ?? NaN;
    const error = Math.abs(found - value) / Math.max(1, Math.abs(value));
    const mark = error <= TOLERANCE ? "ok  " : "FAIL";
    console.log(
      `${mark} ${hookpoint} ${name}: ${found}, PyTorch ${value} (${error.toExponential(1)})`,
    );
    return error;
  });
}

async function main(): Promise<number> {
  Deno.chdir(new URL("../../../", import.meta.url));
  const program = await findExporters();
  const folder = await Deno.makeTempDir();
  try {
    await sdm(
      ...["harvest", CONFIG, "--text", HELD_OUT, "--max-tokens", String(TOKENS), "--quiet"],
      ...["--no-drop-first", "--set", "data.exclude_tokens=[]", "--out", `${folder}/store`],
    );
    const errors: number[] = [];
    for (const hookpoint of HOOKPOINTS) {
      errors.push(...await compare(program, folder, hookpoint));
    }
    const failed = errors.filter((error) => !(error <= TOLERANCE)).length;
    console.log(`${errors.length - failed} passed, ${failed} failed`);
    return failed > 0 ? 1 : 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main());
