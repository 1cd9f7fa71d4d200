/**
 * Dense products: `C = alpha · op(A) op(B) + beta · C`, where op is the matrix or its transpose.
 * @module
 */
import source from "../../shaders/matmul.wgsl" with { type: "text" };
import stagedSource from "../../shaders/matmul_staged.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { DeviceFacts } from "../gpu/facts.ts";
import { type Cost, defineKernel, gridFor } from "../gpu/kernel.ts";
import type { Command } from "../gpu/program.ts";
import { ROW_UNIT, type Rows, type Shard } from "../gpu/rows.ts";
import { copyToTexels, sharedTexels } from "../gpu/texels.ts";
import type { Texels } from "../gpu/texel_types.ts";
import { pickVariant, type Variant } from "../gpu/tuning.ts";
import { roundUp } from "../tensor/shards.ts";
import { PARTS } from "./common.ts";

/** Sizes of a product. */
export interface MatmulShape {
  /** Rows of C. */
  rows: number;
  /** Columns of C. */
  cols: number;
  /** Terms of a sum. */
  inner: number;
}

/** Which operands are transposed; both together are not supported. */
export interface MatmulForm {
  /** A is [inner, rows] instead of [rows, inner]. */
  transA?: boolean;
  /** B is [cols, inner] instead of [inner, cols]. */
  transB?: boolean;
}

/** A way to make the product on a device, see {@link MatmulPlan}. */
interface MatmulVariant extends Variant {
  name: "texels" | "subgroup" | "staged" | "registers";
  /** Values for the template. */
  defines: Record<string, number>;
}

/** A plan for a shape on a device. */
export interface MatmulPlan {
  /**
   * `subgroup` broadcasts between lanes, `texels` reads its operands from textures besides, both for adapters on the CPU;
   * `staged` goes through workgroup memory, for hardware; `registers` works everywhere.
   */
  variant: MatmulVariant["name"];
  /** Values for the template. */
  defines: Record<string, number>;
  /** Tiles along the columns. */
  tiles: number;
  /** Tiles in all. */
  groups: number;
  /** Workgroups. */
  grid: readonly [number, number, number];
}

/** What to multiply. Every matrix may be split over buffers by rows. */
export interface MatmulArgs extends MatmulForm {
  /** What it is used for. */
  label?: string;
  /** [rows, inner], or [inner, rows] with `transA`. */
  a: Rows;
  /** [inner, cols], or [cols, inner] with `transB`. */
  b: Rows;
  /** [rows, cols]; neither A nor B. */
  c: Rows;
  /** Factor of the product; 1 when absent. */
  alpha?: number;
  /** Factor of what C holds; 0 when absent, and then C is not read. */
  beta?: number;
  /** Where another factor of the product is found: word `scaleWord` of this buffer of float32. */
  scalars?: GPUBuffer;
  /** Place in `scalars`. */
  scaleWord?: number;
}

/** Terms that an adapter on the CPU sums at a time: longer strips of both operands leave its caches, at half the speed. */
const CACHED_TERMS = 1024;

/** Vec4s of copies of both operands at most: 256 MiB. */
const MOST_TEXELS = 2 ** 24;

const STAGED = { threads: 128, bytes: 2 * 256 * 16, tile: 64 };

/** What works on a device: what is taken untuned first, what works everywhere last. */
function variantsFor(facts: DeviceFacts, { transA, transB }: MatmulForm = {}): MatmulVariant[] {
  const form = { TRANS_A: transA ? 1 : 0, TRANS_B: transB ? 1 : 0 };
  const plain = (
    name: "texels" | "subgroup" | "registers",
    sizes: readonly number[],
  ): MatmulVariant => {
    const [SUBGROUPS, LANES, ROWS, GROUP] = sizes;
    const TEXELS = name === "texels" ? 1 : 0;
    const STEP = SUBGROUPS ? LANES : 1;
    const LOADS = Math.ceil((transA ? ROWS / 4 : ROWS) / STEP);
    return { name, defines: { ...form, TEXELS, SUBGROUPS, LANES, ROWS, GROUP, STEP, LOADS } };
  };
  const stages = facts.maxInvocations >= STAGED.threads && facts.workgroupBytes >= STAGED.bytes;
  const hardware: MatmulVariant[] = stages && !facts.software
    ? [{ name: "staged", defines: form }]
    : [];
  const lanes = facts.subgroupSize;
  const subgroup = lanes >= 4 && lanes <= 16 && 32 % lanes === 0
    ? [plain("subgroup", [1, lanes, 32, lanes])]
    : [];
  // Wide registers are many as well: twice the rows fit them.
  const texels = facts.software && subgroup.length > 0
    ? [plain("texels", [1, lanes, lanes === 16 ? 64 : 32, lanes])]
    : [];
  return [...hardware, ...texels, ...subgroup, plain("registers", [0, 8, 8, 64])];
}

/** Vec4s of a buffer of a matrix. */
function vec4sOf({ stride }: Rows, { rows }: Shard): number {
  return roundUp(rows, ROW_UNIT) * stride / 4;
}

/** Whether copies of the largest buffers of both operands may be made. */
function texelsFit({ a, b }: MatmulArgs, { maxTexels }: DeviceFacts): boolean {
  const [left, right] = [a, b].map((m) => Math.max(...m.shards.map((s) => vec4sOf(m, s))));
  return Math.max(left, right) <= maxTexels && left + right <= MOST_TEXELS;
}

/** Copies buffers of operands where the variant reads copies: each use has its texels, and keeps what they hold. */
function loader(gpu: Gpu) {
  const held = new Map<Texels, GPUBuffer>();
  return (matrix: Rows, shard: Shard, use: string): { texels: Texels; copies: Command[] } => {
    const count = vec4sOf(matrix, shard);
    const texels = sharedTexels(gpu, count, use);
    if (held.get(texels) === shard.buffer) return { texels, copies: [] };
    held.set(texels, shard.buffer);
    return { texels, copies: [copyToTexels(shard.buffer, texels, count)] };
  };
}

/** All variants bind and measure alike. */
const INTERFACE = {
  name: "matmul",
  parts: PARTS,
  buffers: ["scalars", "a", "b", "c"],
  dims: [
    "rows",
    "cols",
    "inner",
    "aFirst",
    "aStride",
    "bFirst",
    "bStride",
    "cFirst",
    "cStride",
    "tiles",
    "groups",
    "alpha",
    "beta",
    "scaleWord",
  ],
} as const;

/** A stretch of one axis of the product, and the buffers that hold it of the operands that are split along it. */
interface Part {
  first: number;
  count: number;
  shards: readonly Shard[];
}

/** The coarsest stretches of [0, total), none above `most`, of which each operand has every one in one buffer. */
function stretches(
  total: number,
  splits: readonly (readonly Shard[])[],
  most = total,
): Part[] {
  const ends = new Set([total, ...splits.flat().map(({ firstRow, rows }) => firstRow + rows)]);
  for (let end = most; end < total; end += most) ends.add(end);
  let first = 0;
  return [...ends].sort((x, y) => x - y).map((end) => {
    const at = first;
    first = end;
    const holds = (s: Shard) => s.firstRow <= at && at < s.firstRow + s.rows;
    const shards = splits.map((split) => split.find(holds) as Shard);
    return { first: at, count: end - at, shards };
  });
}

function shapeOf({ a, b, c, transA, transB }: MatmulArgs): MatmulShape {
  const [rows, inner] = transA ? [a.cols, a.rows] : [a.rows, a.cols];
  const [cols, other] = transB ? [b.rows, b.cols] : [b.cols, b.rows];
  if ((transA && transB) || inner !== other || c.rows !== rows || c.cols !== cols) {
    const size = (m: Rows, turned?: boolean) => `[${m.rows}, ${m.cols}]${turned ? "ᵀ" : ""}`;
    throw new Error(
      `Cannot multiply ${size(a, transA)} by ${size(b, transB)} into ${size(c)}`,
    );
  }
  return { rows, cols, inner };
}

/** Dense products. */
export const matmul = {
  kernel: defineKernel({ ...INTERFACE, source }),
  stagedKernel: defineKernel({ ...INTERFACE, source: stagedSource }),

  /** The variants that a device can run, the one that is taken untuned first. */
  variants: variantsFor,

  /**
   * Chooses a variant; pure.
   * @param texels whether there may be copies of the operands
   */
  plan(
    { rows, cols }: MatmulShape,
    form: MatmulForm,
    facts: DeviceFacts,
    texels = true,
  ): MatmulPlan {
    const variants = variantsFor(facts, form).filter(({ name }) => texels || name !== "texels");
    const found = pickVariant("matmul", variants, facts);
    const { name: variant, defines } = found;
    const staged = variant === "staged";
    const width = staged ? STAGED.tile : defines.LANES * 4;
    const height = staged ? STAGED.tile : defines.ROWS;
    const tiles = Math.ceil(cols / width);
    const groups = tiles * Math.ceil(rows / height);
    const [threads, group] = staged ? [1, 1] : [defines.LANES, defines.GROUP];
    const grid = gridFor(groups * threads, group, facts.maxGroups);
    return { variant, defines, tiles, groups, grid };
  },

  /** Multiply-adds of the product; each operand once. */
  cost({ rows, cols, inner }: MatmulShape): Cost {
    const bytes = 4 * (rows * inner + inner * cols + rows * cols);
    return { flops: 2 * rows * cols * inner, bytes };
  },

  /**
   * A dispatch for each combination of buffers, after copies of what the variant reads from elsewhere; sums that are split
   * go on where they stopped, with the same bits.
   */
  record(gpu: Gpu, args: MatmulArgs): Command[] {
    const { a, b, c, transA, transB, alpha = 1, beta = 0, scalars, scaleWord = 0 } = args;
    const shape = shapeOf(args);
    const fits = texelsFit(args, gpu.facts);
    const load = loader(gpu);
    const downward = stretches(shape.rows, transA ? [c.shards] : [c.shards, a.shards]);
    const across = stretches(shape.cols, transB ? [b.shards] : []);
    const along = stretches(
      shape.inner,
      [...(transA ? [a.shards] : []), ...(transB ? [] : [b.shards])],
      gpu.facts.software ? CACHED_TERMS : undefined,
    );
    const one = (m: Part, n: Part, k: Part): Command[] => {
      const size = { rows: m.count, cols: n.count, inner: k.count };
      const plan = matmul.plan(size, args, gpu.facts, fits);
      const shardA = transA ? k.shards[0] : m.shards[1];
      const shardB = transB ? n.shards[0] : k.shards[transA ? 1 : 0];
      const shardC = m.shards[0];
      const at = (rows: Rows, shard: Shard, row: number, col: number) =>
        ((row - shard.firstRow) * rows.stride + col) / 4;
      const factor = k.first > 0 ? 1 : beta;
      const kernel = plan.variant === "staged" ? matmul.stagedKernel : matmul.kernel;
      const copied = plan.variant === "texels";
      const left = copied ? load(a, shardA, "left operand") : undefined;
      const same = shardA.buffer === shardB.buffer && vec4sOf(a, shardA) === vec4sOf(b, shardB);
      const right = copied && !same ? load(b, shardB, "right operand") : undefined;
      const dispatch = kernel.dispatch(gpu, {
        label: args.label ?? plan.variant,
        defines: { ...plan.defines, SCALED: scalars ? 1 : 0, BETA: factor === 0 ? 0 : 1 },
        dims: {
          rows: m.count,
          cols: n.count,
          inner: k.count,
          aFirst: transA ? at(a, shardA, k.first, m.first) : at(a, shardA, m.first, k.first),
          aStride: a.stride / 4,
          bFirst: transB ? at(b, shardB, n.first, k.first) : at(b, shardB, k.first, n.first),
          bStride: b.stride / 4,
          cFirst: at(c, shardC, m.first, n.first),
          cStride: c.stride / 4,
          tiles: plan.tiles,
          groups: plan.groups,
          alpha,
          beta: factor,
          scaleWord,
        },
        // Without a scale the binding is not read.
        buffers: {
          scalars: scalars ?? shardA.buffer,
          a: left?.texels ?? shardA.buffer,
          b: (right ?? left)?.texels ?? shardB.buffer,
          c: shardC.buffer,
        },
        groups: plan.grid,
      });
      return [...left?.copies ?? [], ...right?.copies ?? [], dispatch];
    };
    return downward.flatMap((m) => across.flatMap((n) => along.flatMap((k) => one(m, n, k))));
  },
};
