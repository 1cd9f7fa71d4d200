/**
 * Memory of `sdm harvest` and `sdm train` over a text and over one ten times as long: `deno run -A bench/harvest_memory.ts
 * [tokens] [command]`. Linux only, since the highest resident size is read from /proc.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatBytes, formatCount } from "../lib/base/format.ts";

const ROOT = new URL("../", import.meta.url);
const path = (name: string) => fileURLToPath(new URL(name, ROOT));
const TEXT = path("models/demo/corpus/train.jsonl.gz");

/** Arguments that both commands share; what the model computes does not matter here, so it is its first tensor. */
const argumentsOf = (tokens: number) => [
  ...["--onnx", path("models/demo/model.onnx"), "--hookpoint", "blocks.0.hook_resid_pre"],
  ...["--context-size", "128", "--threads", "1", "--max-tokens", String(tokens)],
  // The bundled text again and again, until there is enough.
  ...Array.from({ length: Math.ceil(tokens / 2e6) }, () => ["--text", TEXT]).flat(),
];

/** Runs `sdm` and gives the highest resident size of its process in bytes. */
async function peakOf(args: readonly string[]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path("main.ts"), ...args],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let peak = 0;
  const look = () => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peak = Math.max(peak, 1024 * Number(status.match(/VmHWM:\s+(\d+)/)?.[1] ?? 0));
    } catch { /* it has ended */ }
  };
  const timer = setInterval(look, 50);
  const { success, stderr } = await child.output();
  clearInterval(timer);
  if (!success) throw new Error(`sdm ${args[0]} failed: ${new TextDecoder().decode(stderr)}`);
  return peak;
}

if (import.meta.main) {
  const few = Number(Deno.args[0] ?? 400_000);
  const folder = await Deno.makeTempDir();
  try {
    for (const command of Deno.args[1] ? [Deno.args[1]] : ["harvest", "train"]) {
      const peaks: number[] = [];
      for (const tokens of [few, 10 * few]) {
        const own = command === "harvest" ? ["--out", join(folder, "store"), "--overwrite"] : [
          ...["--output-path", join(folder, "run"), "--overwrite", "--no-eval"],
          ...["--training-tokens", "40960", "--batch-tokens", "2048", "--buffer-tokens", "16384"],
          ...["--d-sae", "512", "--k", "16"],
        ];
        peaks.push(await peakOf([command, ...own, ...argumentsOf(tokens)]));
        console.log(
          `sdm ${command}, ${formatCount(tokens)} tokens: at most ${
            formatBytes(peaks.at(-1)!)
          } resident`,
        );
      }
      const more = 100 * (peaks[1] / peaks[0] - 1);
      console.log(`sdm ${command}: ${more.toFixed(1)} % for ten times the text`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
