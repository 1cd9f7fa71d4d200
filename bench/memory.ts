/**
 * Trains a wide dictionary for a few steps and compares the memory that it took with its weights, gradients and moments, and
 * with what `sdm plan` said before. Some minutes, and as much memory, on a CPU.
 *
 *     deno run -A bench/memory.ts [--type topk] [--d 768] [--latents 131072] [--batch 512] [--steps 3]
 *
 * The exit code is 1 when more than 1.2 times as much was taken, or a hundredth more or less than planned without a device.
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { formatBytes, formatCount, formatSeconds } from "../lib/base/format.ts";
import { silent } from "../lib/base/progress.ts";
import { RandomStream } from "../lib/base/random.ts";
import { loadConfig } from "../lib/config/load.ts";
import type { StoreManifest } from "../lib/data/store_manifest.ts";
import { removeFolder, writeJson } from "../lib/files/atomic.ts";
import { writeSafetensors } from "../lib/files/safetensors_write.ts";
import { forecastRun } from "../lib/train/forecast.ts";
import type { Amount } from "../lib/train/forecast_types.ts";
import { readManifest } from "../lib/train/manifest.ts";
import { planLine } from "../lib/train/planned.ts";
import { runTraining } from "../lib/train/run.ts";

/** What may be taken, as a multiple of weights, gradients and moments. */
const MOST = 1.2;

const POINT = "blocks.0.hook_resid_post";

const { values } = parseArgs({
  options: {
    type: { type: "string", default: "topk" },
    d: { type: "string", default: "768" },
    latents: { type: "string", default: "131072" },
    k: { type: "string", default: "32" },
    batch: { type: "string", default: "512" },
    steps: { type: "string", default: "3" },
  },
});
const [d, latents, k, batch, steps] = [
  values.d,
  values.latents,
  values.k,
  values.batch,
  values.steps,
].map(Number);

/** An activation store of normal rows. */
async function writeStore(path: string, rows: number): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  const stream = new RandomStream(1, "memory");
  const data = Float32Array.from({ length: rows * d }, (_, i) => stream.normal(0, i));
  const file = "shard-00000.safetensors";
  const written = await writeSafetensors(join(path, file), [
    { name: `act.${POINT}`, shape: [rows, d], data },
  ]);
  const manifest: StoreManifest = {
    format: "sdm-activations",
    version: 1,
    created: new Date().toISOString(),
    tool: "bench/memory.ts",
    model: {},
    tokenizer: {},
    data: { id: "normal rows" },
    points: [{ name: POINT, tap: "x", role: "input", d, dtype: "F32" }],
    dropped: { positions: [], tokens: [] },
    rows,
    order: "sequential",
    norm: { [POINT]: { mean_l2: Math.sqrt(d), rms: 1, max_abs: 6 } },
    shards: [{ file, rows, first_row: 0, ...written }],
  };
  await writeJson(join(path, "manifest.json"), manifest);
}

const listed = (amounts: readonly Amount[]) =>
  amounts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(", ");

const folder = await Deno.makeTempDir();
try {
  const store = join(folder, "store");
  await writeStore(store, 2 * batch);
  const keys = {
    "data.activations": store,
    "data.buffer_tokens": 2 * batch,
    output_path: join(folder, "run"),
    "dictionary.type": values.type,
    "dictionary.d_sae": latents,
    "dictionary.k": k,
    "train.batch_tokens": batch,
    "train.training_tokens": steps * batch,
    "train.n_checkpoints": 1,
  };
  const overrides = Object.entries(keys).map(([path, value]) => ({ path, value }));
  const config = await loadConfig({ overrides });
  const planned = await forecastRun({ config, probeSteps: 0 }, { onProgress: silent });
  if (!planned.gpu) throw new Error(planned.trouble[0].message);
  const { gpu } = planned;
  const base = gpu.purposes.filter(({ name }) => /^(weights|gradients|moments)$/.test(name))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`${values.type}, d ${d}, F ${latents}, k ${k}, batch ${batch}, ${steps} steps`);
  console.log(`planned   ${formatBytes(gpu.peak_bytes)}: ${listed(gpu.purposes)}`);
  console.log(`workspace ${listed(gpu.workspace.slice(0, 8))}`);
  const largest = gpu.splits.map(({ tensor, buffers }) => `${tensor} ${buffers}`).join(", ");
  console.log(`buffers   ${largest || "one a tensor"}`);

  const began = performance.now();
  const result = await runTraining({ config, resume: false, overwrite: false }, {
    onProgress: silent,
  });
  const seconds = (performance.now() - began) / 1000;
  const manifest = await readManifest(config.output_path);
  const peak = manifest.peak_gpu_bytes ?? 0;
  const training = manifest.seconds?.training ?? NaN;
  const ratio = peak / base;
  console.log(
    `taken     ${formatBytes(peak)}, ${ratio.toFixed(3)} of weights + gradients + moments`,
  );
  console.log(
    `          ${(100 * (peak / gpu.peak_bytes - 1)).toFixed(3)} % more than planned without it`,
  );
  console.log(`the run   ${planLine(manifest)}`);
  console.log(
    `time      ${formatSeconds(seconds)}, of it ${formatSeconds(training)} of steps with their ` +
      `checkpoint, ${formatCount(steps * batch / training)} tokens/s, fvu ` +
      `${result.figures["recon/fvu"].toFixed(4)}, resident now ` +
      formatBytes(Deno.memoryUsage().rss),
  );
  const off = peak / gpu.peak_bytes - 1;
  if (ratio > MOST || Math.abs(off) > 0.01) Deno.exitCode = 1;
} finally {
  await removeFolder(folder);
}
