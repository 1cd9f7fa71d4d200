import assert from "assert";
import { join } from "node:path";
import { cacheFolder } from "../../lib/files/cache_folder.ts";
import { openGpu } from "../../lib/gpu/device.ts";
import { findTuning, knownTuning, openTunedGpu } from "../../lib/train/tuned_gpu.ts";

const config = {
  power_preference: "high-performance",
  subgroups: "auto",
  autotune: "auto",
  timestamps: "off",
} as const;

Deno.test("what was found fastest is remembered by adapter, and a damaged file is not believed", async () => {
  const folder = await Deno.makeTempDir();
  const before = Deno.env.get("SDM_CACHE");
  Deno.env.set("SDM_CACHE", folder);
  try {
    const untuned = await openTunedGpu(config, () => {});
    assert.equal(untuned.facts.tuning, undefined, "an adapter on the CPU is not tried unasked");
    untuned.close();

    const gpu = await openGpu();
    await assert.rejects(
      () => findTuning(gpu, () => assert.fail("it goes on"), AbortSignal.abort()),
      { exitCode: 130 },
    );
    assert.equal(await knownTuning(gpu.facts), undefined, "half a search is not remembered");
    const stages: string[] = [];
    const found = await findTuning(gpu, ({ stage }) => stages.push(stage));
    assert.ok(found.seconds < 60, `it took ${found.seconds} s`);
    assert.deepEqual(new Set(stages), new Set(["try kernels"]));
    assert.deepEqual(await knownTuning(gpu.facts), JSON.parse(JSON.stringify(found)));
    assert.equal(await knownTuning({ ...gpu.facts, name: "another adapter" }), undefined);
    gpu.close();

    const tuned = await openTunedGpu(config, () => {});
    assert.deepEqual(tuned.facts.tuning, found.tuning);
    tuned.close();
    const off = await openTunedGpu({ ...config, autotune: "off" }, () => {});
    assert.equal(off.facts.tuning, undefined);
    off.close();

    const [file] = [...Deno.readDirSync(join(folder, "tuning"))].map(({ name }) => name);
    await Deno.writeTextFile(join(folder, "tuning", file), "{");
    assert.equal(await knownTuning(gpu.facts), undefined);
  } finally {
    if (before === undefined) Deno.env.delete("SDM_CACHE");
    else Deno.env.set("SDM_CACHE", before);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the folder for caches is where the system has it", () => {
  const of = (vars: Record<string, string>, os: typeof Deno.build.os) =>
    cacheFolder((name) => vars[name], os);
  assert.equal(of({ HOME: "/h" }, "linux"), "/h/.cache/sdm");
  assert.equal(of({ HOME: "/h", XDG_CACHE_HOME: "/x" }, "linux"), "/x/sdm");
  assert.equal(of({ HOME: "/h" }, "darwin"), "/h/Library/Caches/sdm");
  assert.match(of({ LOCALAPPDATA: "/l" }, "windows") ?? "", /l.sdm.cache$/);
  assert.equal(of({ SDM_CACHE: "/s", HOME: "/h" }, "linux"), "/s");
  assert.equal(of({}, "linux"), undefined);
});
