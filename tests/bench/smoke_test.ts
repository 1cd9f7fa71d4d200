import assert from "assert";
import { FAMILIES } from "../../lib/models/mod.ts";
import { fromFile } from "../../bench/stats.ts";
import type { BenchResult } from "../../bench/types.ts";

const ROOT = new URL("../../", import.meta.url);

/** The bench itself in a process of its own: start-up is measured before a process has touched the adapter. */
async function bench(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "bench/main.ts", ...args],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("every kernel and every section of the bench runs, and checks what it times", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sdm bench " });
  try {
    const [json, html] = [`${folder}/run.json`, `${folder}/run.html`];
    const { code, out, err } = await bench("--tiny", "--json", json, "--report", html);
    assert.equal(code, 0, err);
    const result = fromFile(JSON.parse(await Deno.readTextFile(json))) as BenchResult;

    // `deno task check` demands a bench of every kernel.
    const benches = [...Deno.readDirSync(new URL("bench/kernels/", ROOT))].map(({ name }) => name);
    const timed = new Set(result.kernels.map((k) => `${k.stem}_bench.ts`));
    assert.deepEqual(benches.filter((name) => !timed.has(name)), []);
    assert.ok(result.kernels.every((k) => k.medianMs >= 0 && k.share > 0), "a kernel has no time");

    assert.deepEqual(result.families?.map((s) => s.name), FAMILIES.map((f) => f.type));
    for (const step of [...result.steps, ...result.families ?? []]) {
      const whole = step.shares.reduce((sum, { share }) => sum + share, 0);
      assert.ok(step.tokensPerSecond > 0 && Math.abs(whole - 1) < 1e-6, step.name);
    }
    const [gap] = result.gaps ?? [];
    assert.ok(gap.wallMs > 0 && gap.hostMs > 0 && (gap.gpuMs ?? 1) > 0);
    assert.ok(gap.idleShare === undefined || (gap.idleShare >= 0 && gap.idleShare < 1));
    assert.deepEqual(result.scaling?.map((c) => c.of), ["latents", "d", "k", "rows"]);
    assert.ok(result.scaling?.every((c) => Number.isFinite(c.exponent) && c.error >= 0));
    assert.ok(result.harvest.some((h) => (h.tokensPerSecond ?? 0) > 0), "nothing was harvested");

    const page = await Deno.readTextFile(html);
    const titles = [
      "Ceilings",
      "Kernels",
      "Training steps of every family",
      "Scaling of a TopK step",
    ];
    for (const title of titles) {
      assert.ok(out.includes(`\n${title}`), `${title} is not printed`);
      assert.ok(page.includes(`<h2>${title}`), `${title} is not in the report`);
    }
    assert.doesNotMatch(page, /(src|href)="|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a part that is not known is one sentence with the nearest name", async () => {
  const { code, out, err } = await bench("famlies");
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /Cannot bench "famlies".*\nHint: .*families/);
});
