/**
 * A kernel: a shader template, its bindings as the text declares them, and dispatches made of it.
 * @module
 */
import { createBuffer, type Gpu } from "./device.ts";
import { type Defines, expand, type Parts } from "./expand.ts";
import type { TexelFormat, Texels } from "./texel_types.ts";

/** A range of a buffer. */
export interface Slice {
  /** The buffer. */
  buffer: GPUBuffer;
  /** First byte, a multiple of 256; 0 when absent. */
  offset?: number;
  /** Bytes; to the end when absent. */
  size?: number;
}

/** One dispatch, ready to be encoded again and again. */
export interface Dispatch {
  /** Kernel's name and what it is used for. */
  label: string;
  /** Stage for timings. */
  kernel: string;
  /** Compiled shader. */
  pipeline: GPUComputePipeline;
  /** Its buffers. */
  bindGroup: GPUBindGroup;
  /** Workgroups, or where the GPU finds their number. */
  groups: readonly [number, number, number] | { buffer: GPUBuffer; offset: number };
}

/** Work done by one dispatch, for rooflines. */
export interface Cost {
  /** Floating-point operations. */
  flops: number;
  /** Bytes read and written, each operand once. */
  bytes: number;
}

interface Binding {
  name: string;
  index: number;
  kind: GPUBufferBindingType | "texels";
  /** Of texels. */
  format?: TexelFormat;
  /** Whether texels are written, and not read. */
  written: boolean;
}

interface DimField {
  name: string;
  float: boolean;
}

/** A shader template with the names that its text declares. */
export interface Kernel<B extends string, D extends string> {
  /** Stem of the kernel's five files. */
  readonly name: string;
  /** Makes a dispatch. */
  dispatch(gpu: Gpu, options: DispatchOptions<B, D>): Dispatch;
  /** The expanded WGSL, for tests and for debugging. */
  expanded(gpu: Pick<Gpu, "facts">, defines?: Defines): string;
}

/** What a dispatch binds and how large it is. */
export interface DispatchOptions<B extends string, D extends string> {
  /** What it is used for. */
  label?: string;
  /** Values for the template. */
  defines?: Defines;
  /** Fields of the shader's `Dims`. */
  dims: Record<D, number>;
  /** One buffer for each storage binding; texels where the expanded text declares a texture. */
  buffers: Record<B, Slice | GPUBuffer | Texels>;
  /** Workgroups, or where the GPU finds their number. */
  groups: Dispatch["groups"];
}

/**
 * Declares a kernel. The names of `buffers` and `dims` must be those of the shader's `var<storage>` bindings and of its
 * `struct Dims`, in the same order; a difference is an error when the module loads. A binding may be declared twice, as a
 * buffer and as a read-only texture of rgba32float or rgba32uint, when the defines keep one of the two.
 */
export function defineKernel<const B extends string, const D extends string>(declared: {
  name: string;
  source: string;
  parts?: Parts;
  buffers: readonly B[];
  dims: readonly D[];
}): Kernel<B, D> {
  const { name, source, parts = {} } = declared;
  const fields = readDims(source);
  const storage = readBindings(source).filter((b) => b.kind !== "uniform").map((b) => b.name);
  sameNames(name, "buffers", declared.buffers, [...new Set(storage)]);
  sameNames(name, "dims", declared.dims, fields.map((f) => f.name));

  // A wide dictionary has thousands of dispatches of a few texts.
  const texts = new Map<string, string>();
  const bindingsOf = new Map<string, readonly Binding[]>();
  const expanded = (gpu: Pick<Gpu, "facts">, defines: Defines = {}) => {
    const directive = gpu.facts.subgroupDirective && defines.SUBGROUPS ? "enable subgroups;\n" : "";
    const key = directive + JSON.stringify(defines);
    const text = texts.get(key) ?? directive + expand(source, defines, parts);
    texts.set(key, text);
    return text;
  };
  return {
    name,
    expanded,
    dispatch(gpu, options) {
      const text = expanded(gpu, options.defines);
      const bindings = bindingsOf.get(text) ?? readBindings(text);
      bindingsOf.set(text, bindings);
      const pipeline = pipelineOf(gpu, name, text, bindings);
      const entries: GPUBindGroupEntry[] = bindings.map((b) => {
        if (b.kind === "uniform") {
          return { binding: b.index, resource: dimsSlot(gpu, fields, options.dims) };
        }
        const given: Slice | GPUBuffer | Texels = options.buffers[b.name as B];
        if ("view" in given !== (b.kind === "texels")) {
          throw new Error(`Cannot bind "${b.name}" of kernel "${name}": it is ${b.kind}`);
        }
        const resource = "view" in given
          ? given.view
          : "buffer" in given
          ? given
          : { buffer: given };
        return { binding: b.index, resource };
      });
      const label = options.label ? `${name}: ${options.label}` : name;
      const bindGroup = gpu.device.createBindGroup({
        label,
        layout: pipeline.getBindGroupLayout(0),
        entries,
      });
      return { label, kernel: name, pipeline, bindGroup, groups: options.groups };
    },
  };
}

function readBindings(source: string): Binding[] {
  const pattern =
    /@group\(0\)\s*@binding\((\d+)\)\s*var(?:<(uniform|storage)(?:\s*,\s*(read|read_write))?>)?\s*(\w+)(?::\s*texture_storage_2d<(\w+),\s*(\w+)>)?/g;
  return [...source.matchAll(pattern)].map(([, index, space, access, name, format, use]) => ({
    name,
    format: format as TexelFormat | undefined,
    written: use === "write",
    index: Number(index),
    kind: !space
      ? "texels"
      : space === "uniform"
      ? "uniform"
      : access === "read_write"
      ? "storage"
      : "read-only-storage",
  }));
}

function readDims(source: string): DimField[] {
  const body = source.match(/struct Dims \{([^}]*)\}/)?.[1] ?? "";
  return [...body.matchAll(/(\w+)\s*:\s*(u32|f32)/g)].map(([, name, type]) => ({
    name,
    float: type === "f32",
  }));
}

function sameNames(kernel: string, what: string, declared: readonly string[], found: string[]) {
  if (declared.join() !== found.join()) {
    throw new Error(
      `Cannot define kernel "${kernel}": wrapper names ${what} [${declared}], shader has [${found}]`,
    );
  }
}

function pipelineOf(
  gpu: Gpu,
  name: string,
  code: string,
  bindings: readonly Binding[],
): GPUComputePipeline {
  const cached = gpu.pipelines.get(code);
  if (cached) return cached;
  const layout = gpu.device.createBindGroupLayout({
    entries: bindings.map((b) => ({
      binding: b.index,
      visibility: GPUShaderStage.COMPUTE,
      ...b.kind === "texels"
        ? {
          storageTexture: {
            access: b.written ? "write-only" : "read-only",
            format: b.format ?? "rgba32float",
          } as const,
        }
        : { buffer: { type: b.kind } },
    })),
  });
  const pipeline = gpu.device.createComputePipeline({
    label: name,
    layout: gpu.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: {
      module: gpu.device.createShaderModule({ label: name, code }),
      entryPoint: "main",
    },
  });
  gpu.pipelines.set(code, pipeline);
  return pipeline;
}

const SLOT = 256;
const ARENA_SLOTS = 256;
const arenas = new WeakMap<Gpu, { buffer: GPUBuffer; used: number }>();

/** Writes the dims into a slot of a uniform arena: one small buffer would otherwise be needed for each dispatch. */
function dimsSlot(
  gpu: Gpu,
  fields: readonly DimField[],
  values: Record<string, number>,
): GPUBufferBinding {
  let arena = arenas.get(gpu);
  if (!arena || arena.used === ARENA_SLOTS) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    arena = { buffer: createBuffer(gpu, SLOT * ARENA_SLOTS, "dims", usage), used: 0 };
    arenas.set(gpu, arena);
  }
  const words = new DataView(new ArrayBuffer(Math.ceil(fields.length / 4) * 16));
  fields.forEach((field, i) => {
    const value = values[field.name];
    if (field.float) words.setFloat32(i * 4, value, true);
    else words.setUint32(i * 4, value, true);
  });
  const offset = arena.used++ * SLOT;
  gpu.device.queue.writeBuffer(arena.buffer, offset, words.buffer);
  return { buffer: arena.buffer, offset, size: words.byteLength };
}

/**
 * A grid for `items` things, `each` a workgroup; folded over y where x would be too long.
 * Shaders get the group's number back from the part `linear_id`.
 */
export function gridFor(
  items: number,
  each: number,
  maxGroups = 65535,
): readonly [number, number, number] {
  const groups = Math.max(1, Math.ceil(items / each));
  const x = Math.min(groups, maxGroups);
  return [x, Math.ceil(groups / x), 1];
}
