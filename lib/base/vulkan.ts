/**
 * Which graphics system Deno asks on Linux.
 * @module
 */

const VARIABLE = "DENO_WEBGPU_BACKEND";

/**
 * To be called before the first request for an adapter. On Linux only Vulkan counts: without its driver Deno silently hands
 * out an OpenGL adapter with too few storage buffers, and looking for one loads more drivers, which complain on the terminal.
 * A value that the user set stays.
 */
export function preferVulkan(): void {
  if (Deno.build.os !== "linux") return;
  if (!Deno.env.get(VARIABLE)) Deno.env.set(VARIABLE, "vulkan");
  // Where it is unset, as in containers, the Vulkan loader complains on the standard error; no window is opened here.
  if (!Deno.env.get("XDG_RUNTIME_DIR")) Deno.env.set("XDG_RUNTIME_DIR", "/");
}
