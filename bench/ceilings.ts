/**
 * What this adapter can do at best: multiply-adds in registers, loads, copies, and a dispatch that does nothing.
 * Kernels are compared with these and not with a data sheet.
 * @module
 */
import type { Gpu } from "../lib/gpu/device.ts";
import { type Cost, defineKernel, type Dispatch, gridFor } from "../lib/gpu/kernel.ts";
import { createBuffer } from "../lib/gpu/device.ts";
import { createTexels } from "../lib/gpu/texels.ts";
import type { Texels } from "../lib/gpu/texel_types.ts";
import { PARTS, THREADS } from "../lib/kernels/common.ts";
import type { Stage } from "./stage.ts";
import { median } from "./stats.ts";
import type { Ceilings } from "./types.ts";

// Some chains hide the latency, more of them fill registers; eight steps an iteration hide the loop and its guards.
const FMA = `
struct Dims { iterations: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> seeds: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>;
//#use linear_id
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let id = linearId(wid, nwg, local, 64u);
  let s = seeds[id % 64u];
  //#if WIDE
  let a = s;
  let b = s.wzyx;
  //#else
  let a = s.x;
  let b = s.y;
  //#end
  //#for i in 0..CHAINS
  var v{{i}} = a * {{i + 1}}.0;
  //#end
  for (var j = 0u; j < dims.iterations; j++) {
    //#for step in 0..8
    //#for i in 0..CHAINS
    v{{i}} = fma(v{{i}}, a, b);
    //#end
    //#end
  }
  var sum = a;
  //#for i in 0..CHAINS
  sum += v{{i}};
  //#end
  //#if WIDE
  sums[id] = sum;
  //#else
  sums[id] = vec4f(sum);
  //#end
}`;

// Three ways through memory: the threads of a group side by side, as hardware adapters like it; each thread through 4 KiB
// of its own, which gives the prefetchers of a CPU many streams; or as the latter from a texture. What is found is written only if it is impossible.
const LOAD = `
struct Dims { chunks: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
//#if TEXELS
@group(0) @binding(1) var data: texture_storage_2d<rgba32float, read>;
//#use texels
fn at(i: u32) -> vec4f { return textureLoad(data, texelOf(i)); }
//#else
@group(0) @binding(1) var<storage, read> data: array<vec4f>;
fn at(i: u32) -> vec4f { return data[i]; }
//#end
@group(0) @binding(2) var<storage, read_write> found: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let group = wid.y * nwg.x + wid.x;
  var sum = vec4f(0.0);
  //#if OWN
  let first = ((group * 64u + local) % dims.chunks) * 256u;
  for (var j = 0u; j < 256u; j += 32u) {
    //#for i in 0..32
    sum += at(first + j + {{i}}u);
    //#end
  }
  //#else
  let first = (group % dims.chunks) * 1024u + local;
  //#for i in 0..16
  sum += at(first + {{i * 64}}u);
  //#end
  //#end
  if (sum.x == 1e30) { found[local] = sum; }
}`;

const COPY = `
struct Dims { count: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> copy: array<vec4f>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u,
        @builtin(local_invocation_index) local: u32) {
  let at = (wid.y * nwg.x + wid.x) * 512u + local;
  //#for i in 0..8
  copy[at + {{i * 64}}u] = source[at + {{i * 64}}u];
  //#end
}`;

const NOTHING = `
struct Dims { value: u32 }
@group(0) @binding(0) var<uniform> dims: Dims;
@group(0) @binding(1) var<storage, read_write> word: array<u32>;
@compute @workgroup_size(1)
fn main() { word[0] = dims.value; }`;

const fma = defineKernel({
  name: "ceiling_fma",
  source: FMA,
  parts: PARTS,
  buffers: ["seeds", "sums"],
  dims: ["iterations"],
});
const load = defineKernel({
  name: "ceiling_load",
  source: LOAD,
  parts: PARTS,
  buffers: ["data", "found"],
  dims: ["chunks"],
});
const copy = defineKernel({
  name: "ceiling_copy",
  source: COPY,
  buffers: ["source", "copy"],
  dims: ["count"],
});
const nothing = defineKernel({
  name: "ceiling_launch",
  source: NOTHING,
  buffers: ["word"],
  dims: ["value"],
});

/** A probe of one ceiling. */
export interface Probe {
  /** Which one. */
  of: "fma" | "load" | "copy" | "launch";
  /** Bytes of the buffer that is loaded from. */
  size?: number;
  /** Its work. */
  cost: Cost;
  /** The dispatch. */
  commands: Dispatch[];
}

const FMA_THREADS = 2 ** 16;
const LARGE_BYTES = 64 * 2 ** 20;

/** Sizes of the buffers that are loaded from: about what near caches, far caches and no cache hold. */
const LOAD_BYTES = [256 * 2 ** 10, 4 * 2 ** 20, LARGE_BYTES];

/** The probes; several forms of multiply-adds and of loads, since what suits some adapters does not suit others. */
export function ceilingProbes(stage: Stage): Probe[] {
  const { gpu } = stage;
  const large = createBuffer(gpu, LARGE_BYTES, "ceiling source");
  const target = createBuffer(gpu, LARGE_BYTES / 2, "ceiling target");
  const texels = createTexels(gpu, LARGE_BYTES / 16, "ceiling texels");
  const forms = [{ data: large }, { data: large, own: true }, { data: texels, own: true }];
  return [
    ...[[8, 0], [12, 0], [8, 1]].map(([chains, wide]) => fmaProbe(gpu, stage, chains, wide)),
    ...LOAD_BYTES.flatMap((size) => forms.map((form) => loadProbe(gpu, stage, size, form))),
    {
      of: "copy",
      cost: { flops: 0, bytes: LARGE_BYTES },
      commands: [copy.dispatch(gpu, {
        dims: { count: 0 },
        buffers: { source: { buffer: large, size: LARGE_BYTES / 2 }, copy: target },
        groups: gridFor(LARGE_BYTES / 2 / 16, 512, gpu.facts.maxGroups),
      })],
    },
    {
      of: "launch",
      cost: { flops: 0, bytes: 4 },
      commands: [nothing.dispatch(gpu, {
        dims: { value: 1 },
        buffers: { word: stage.room(16) },
        groups: [1, 1, 1],
      })],
    },
  ];
}

function fmaProbe(gpu: Gpu, stage: Stage, chains: number, wide: number): Probe {
  const iterations = wide ? 4 : 16;
  const lanes = wide ? 4 : 1;
  return {
    of: "fma",
    cost: { flops: 2 * 8 * chains * lanes * iterations * FMA_THREADS, bytes: 0 },
    commands: [fma.dispatch(gpu, {
      label: `${chains} ${wide ? "vec4" : "scalar"}`,
      defines: { WIDE: wide, CHAINS: chains },
      dims: { iterations },
      buffers: { seeds: stage.vector(256, 9, 0.1), sums: stage.room(FMA_THREADS * 4) },
      groups: gridFor(FMA_THREADS, THREADS, gpu.facts.maxGroups),
    })],
  };
}

/** Reads LARGE_BYTES: all of the data once, or its first `size` again and again. */
function loadProbe(
  gpu: Gpu,
  stage: Stage,
  size: number,
  { data, own }: { data: GPUBuffer | Texels; own?: boolean },
): Probe {
  const chunkBytes = own ? 4096 : 16384;
  return {
    of: "load",
    size,
    cost: { flops: 0, bytes: LARGE_BYTES },
    commands: [load.dispatch(gpu, {
      defines: { OWN: own ? 1 : 0, TEXELS: "view" in data ? 1 : 0 },
      dims: { chunks: size / chunkBytes },
      buffers: { data, found: stage.room(256) },
      groups: gridFor(LARGE_BYTES / chunkBytes, own ? THREADS : 1, gpu.facts.maxGroups),
    })],
  };
}

/** Ceilings from the milliseconds of every probe's rounds: of medians, the best form of each; the fastest launch. */
export function ceilingsOf(probes: readonly Probe[], ms: readonly number[][]): Ceilings {
  const best = (of: Probe["of"], rate: (cost: Cost, ms: number) => number, size?: number) =>
    Math.max(
      ...probes.flatMap((p, i) =>
        p.of === of && p.size === size ? [rate(p.cost, median(ms[i]))] : []
      ),
    );
  const bytes = (cost: Cost, t: number) => cost.bytes / t / 1e6;
  return {
    gflops: best("fma", (cost, t) => cost.flops / t / 1e6),
    loads: LOAD_BYTES.map((size) => ({ size, gbs: best("load", bytes, size) })),
    copyGbs: best("copy", bytes),
    launchMs: Math.min(...probes.flatMap((p, i) => p.of === "launch" ? ms[i] : [])),
  };
}
