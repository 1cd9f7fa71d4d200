/**
 * A real model: all-MiniLM-L6-v2 out of a package of PyPI, exported by optimum and by torch's dynamo exporter, read by
 * `sdm harvest` at every hookpoint of every layer on real text, and compared with PyTorch's hooks on the ids of the store.
 *
 * A store holds 16-bit numbers, so PyTorch's are rounded to the same type before they are compared.
 * @module
 */
import { findExporters, python } from "../python.ts";

const TOLERANCE = 1e-4;
const INPUTS = ["hook_resid_pre", "attn.hook_in", "attn.hook_q", "attn.hook_k", "attn.hook_v"]
  .concat("attn.hook_z");
const OUTPUTS = ["hook_attn_out", "hook_resid_mid", "mlp.hook_in", "mlp.hook_post"]
  .concat("hook_mlp_out", "hook_resid_post");
const HOOKPOINTS = 6 * (INPUTS.length + OUTPUTS.length);

interface Row {
  name: string;
  rows: number;
  dtype: string;
  /** ‖ours - PyTorch's‖ / ‖PyTorch's‖. */
  error: number;
  /** Share of numbers that are the same bits. */
  same: number;
}

async function harvest(model: string, out: string): Promise<void> {
  const layers = (hooks: readonly string[]) => hooks.map((hook) => `blocks.*.${hook}`).join(",");
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "main.ts", "harvest", "--quiet", "--onnx", model]
      .concat("--text", "models/demo/corpus/heldout.jsonl.gz", "--max-tokens", "2048")
      .concat("--context-size", "128", "--no-drop-first", "--set", "data.exclude_tokens=[]")
      .concat("--hookpoints", layers(INPUTS), "--hookpoints-out", layers(OUTPUTS))
      .concat("--provider", "cpu", "--out", out),
    stdout: "null",
  }).spawn().status;
  if (!success) throw new Error(`sdm harvest failed for ${model}`);
}

async function main(): Promise<number> {
  Deno.chdir(new URL("../../../", import.meta.url));
  const program = await findExporters();
  const folder = await Deno.makeTempDir();
  let passed = 0, failed = 0;
  try {
    for (const exporter of ["optimum", "dynamo"]) {
      const model = `${folder}/${exporter}`, store = `${folder}/store`;
      await python(program, "onnx/minilm.py", ["export", model, exporter]);
      await harvest(`${model}/model.onnx`, store);
      const lines = await python(program, "onnx/minilm.py", ["compare", store]);
      const rows = lines.trim().split("\n").map((line) => JSON.parse(line) as Row);
      const bad = rows.filter((row) => !(row.error <= TOLERANCE));
      for (const row of bad) console.log(`FAIL ${exporter} ${row.name}: ${row.error}`);
      const largest = Math.max(...rows.map((row) => row.error));
      const same = Math.min(...rows.map((row) => row.same));
      console.log(
        `all-MiniLM-L6-v2 by ${exporter}: ${rows.length} of ${HOOKPOINTS} hookpoints, ` +
          `${rows[0].rows} rows, ${rows[0].dtype}: largest error ${largest.toExponential(1)}, ` +
          `at least ${(100 * same).toFixed(1)} % of the numbers the same`,
      );
      passed += rows.length - bad.length;
      failed += bad.length + Math.abs(HOOKPOINTS - rows.length);
      await Deno.remove(store, { recursive: true });
      await Deno.remove(model, { recursive: true });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
