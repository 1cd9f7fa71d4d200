/**
 * Which graphics system Deno asks on Linux, and how wide its software driver computes.
 * @module
 */

const VARIABLE = "DENO_WEBGPU_BACKEND";
const WIDTH = "LP_NATIVE_VECTOR_WIDTH";

/**
 * Whether lavapipe should compute with 512 bits where it takes 256 by itself: on processors that have such vectors at full
 * clock, which those with bfloat16 products do and the first ones did not.
 * @param cpuinfo text of `/proc/cpuinfo`
 */
export function wideVectors(cpuinfo: string): boolean {
  const flags = new Set(cpuinfo.match(/^flags\s*:(.*)$/m)?.[1].trim().split(/\s+/));
  return ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_bf16"].every((f) => flags.has(f));
}

/**
 * To be called before the first request for an adapter. On Linux only Vulkan counts: without its driver Deno silently hands
 * out an OpenGL adapter with too few storage buffers, and looking for one loads more drivers, which complain on the terminal.
 * The software driver is told to use all of the processor's vectors. Values that the user set stay.
 */
export function preferVulkan(): void {
  if (Deno.build.os !== "linux") return;
  if (!Deno.env.get(VARIABLE)) Deno.env.set(VARIABLE, "vulkan");
  // Where it is unset, as in containers, the Vulkan loader complains on the standard error; no window is opened here.
  if (!Deno.env.get("XDG_RUNTIME_DIR")) Deno.env.set("XDG_RUNTIME_DIR", "/");
  if (!Deno.env.get(WIDTH) && wideVectors(cpuinfo())) Deno.env.set(WIDTH, "512");
}

/** What the kernel of Linux says of the processor; nothing elsewhere. */
export function cpuinfo(): string {
  try {
    return Deno.readTextFileSync("/proc/cpuinfo");
  } catch {
    return "";
  }
}
