/** What every kernel promises by its text alone. */
import assert from "assert";
import { MINIMAL_FACTS } from "../../lib/gpu/facts.ts";
import type { Cost } from "../../lib/gpu/kernel.ts";

interface Wrapper {
  kernel: { name: string };
  cost(shape: Record<string, number>): Cost;
}

function stems(folder: string, ending: string): string[] {
  return [...Deno.readDirSync(new URL(`../../${folder}`, import.meta.url))]
    .filter((f) => f.isFile && f.name.endsWith(ending))
    .map((f) => f.name.slice(0, -ending.length)).sort();
}

const shaders = stems("shaders", ".wgsl");
const kernels = stems("lib/kernels", ".ts").filter((stem) => shaders.includes(stem));

async function wrapperOf(stem: string): Promise<Wrapper> {
  const name = stem.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  const module = await import(`../../lib/kernels/${stem}.ts`);
  return module[name];
}

Deno.test("every shader binds no more storage buffers than WebGPU promises, and adds in order", () => {
  for (const stem of shaders) {
    const source = Deno.readTextFileSync(new URL(`../../shaders/${stem}.wgsl`, import.meta.url));
    const count = source.match(/var<storage/g)?.length ?? 0;
    const textures = source.match(/texture_storage_2d</g)?.length ?? 0;
    assert.ok(
      count + textures > 0 && count <= MINIMAL_FACTS.maxStorageBuffers,
      `${stem}: ${count}`,
    );
    assert.ok(!/subgroupAdd|atomic<f/.test(source), `${stem} adds floats in no fixed order`);
  }
});

Deno.test("every shader is a kernel or a variant of one", () => {
  const orphans = shaders.filter((stem) =>
    !kernels.some((k) => stem === k || stem.startsWith(`${k}_`))
  );
  assert.deepEqual(orphans, []);
});

Deno.test("every kernel's wrapper has its name and a finite cost that grows", async () => {
  // Every name that a cost asks for.
  const names =
    "count rows latents d k n width dispatches prefixes cols inner heads keys queries context sequences " +
    "iterations lanes group groups panel proposers members side m1 m2";
  const shape = Object.fromEntries(names.split(" ").map((name) => [name, 64]));
  const double = Object.fromEntries(Object.entries(shape).map(([key, v]) => [key, 2 * v]));
  for (const stem of kernels) {
    const wrapper = await wrapperOf(stem);
    assert.equal(wrapper.kernel.name, stem);
    const small = wrapper.cost(shape);
    const large = wrapper.cost(double);
    assert.ok(Number.isFinite(small.flops) && small.flops >= 0 && small.bytes > 0, stem);
    assert.ok(large.bytes >= small.bytes && large.flops >= small.flops, stem);
  }
});
