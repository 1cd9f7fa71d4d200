/**
 * Matrices in textures for tests and benches: numbers into one, and from one into a buffer that can be looked at.
 * @module
 */
import type { Gpu } from "../../lib/gpu/device.ts";
import { defineKernel, type Dispatch, gridFor } from "../../lib/gpu/kernel.ts";
import { createTexelRows, type TexelRows } from "../../lib/gpu/texels.ts";
import type { Matrix } from "../../lib/reference/types.ts";

const reader = defineKernel({
  name: "read_texel_rows",
  source: `
struct Dims { width: u32, rows: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var texels: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + local;
  if (i >= dims.width * dims.rows) { return; }
  out[i] = textureLoad(texels, vec2u(i % dims.width, i / dims.width));
}
`,
  buffers: ["texels", "out"],
  dims: ["width", "rows"],
});

/** Copies the first `rows` rows, columns up to a multiple of 4, into a buffer. */
export function readTexelRows(
  gpu: Gpu,
  { texels, cols, ...all }: TexelRows,
  out: GPUBuffer,
  rows: number = all.rows,
): Dispatch {
  const width = Math.ceil(cols / 4);
  return reader.dispatch(gpu, {
    dims: { width, rows },
    buffers: { texels, out },
    groups: gridFor(width * rows, 64, gpu.facts.maxGroups),
  });
}

/** A matrix in a texture; behind its columns stands `padding`. */
export function writeTexelRows(gpu: Gpu, label: string, m: Matrix, padding = 0): TexelRows {
  const held = createTexelRows(gpu, label, m.length, m[0].length);
  const width = Math.ceil(held.cols / 4);
  const data = new Float32Array(held.rows * width * 4).fill(padding);
  m.forEach((row, r) => data.set(row, r * width * 4));
  gpu.device.queue.writeTexture(
    { texture: held.texels.texture },
    data,
    { bytesPerRow: width * 16, rowsPerImage: held.rows },
    [width, held.rows],
  );
  return held;
}
