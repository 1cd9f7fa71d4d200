import assert from "assert";
import { preferVulkan, wideVectors } from "../../lib/base/vulkan.ts";

/** The features of one processor, as the kernel of Linux lists them for each core. */
const cpuinfo = (...flags: string[]) =>
  ["processor\t: 0", `flags\t\t: fpu sse2 avx2 ${flags.join(" ")}`, "bugs\t\t: none", ""].join("\n")
    .repeat(2);

const AVX512 = ["avx512f", "avx512dq", "avx512bw", "avx512vl"];

Deno.test("wide vectors are asked for where the processor has them at full clock", () => {
  assert.equal(wideVectors(cpuinfo(...AVX512, "avx512_bf16", "avx512_vnni")), true);
  // The first processors with such vectors run slower with them.
  assert.equal(wideVectors(cpuinfo(...AVX512, "avx512_vnni")), false);
  assert.equal(wideVectors(cpuinfo("avx512f", "avx512_bf16")), false);
  assert.equal(wideVectors(cpuinfo()), false);
  assert.equal(wideVectors("Features\t: fp asimd evtstrm\n"), false);
  assert.equal(wideVectors(""), false);
});

Deno.test("preferVulkan() leaves alone what the user set", () => {
  const names = ["LP_NATIVE_VECTOR_WIDTH", "DENO_WEBGPU_BACKEND"];
  const before = names.map((name) => Deno.env.get(name));
  for (const name of names) Deno.env.set(name, "own");
  preferVulkan();
  assert.deepEqual(names.map((name) => Deno.env.get(name)), ["own", "own"]);
  names.forEach((name, i) => before[i] ? Deno.env.set(name, before[i]) : Deno.env.delete(name));
});
