/**
 * The manifest of an activation store: what is in it and where it comes from.
 * @module
 */
import { z } from "zod";
import { SdmError } from "../base/errors.ts";

/** Element types that activations are stored in. */
export type StoreDtype = "F16" | "BF16" | "F32";

const dtype = z.enum(["F16", "BF16", "F32"]);
const count = z.number().int().nonnegative();
const facts = z.record(z.string(), z.unknown());

const point = z.object({
  name: z.string(),
  tap: z.string(),
  role: z.string().optional(),
  d: z.number().int().positive(),
  dtype,
});
const shard = z.object({
  file: z.string().regex(/^[\w.-]+$/),
  rows: z.number().int().positive(),
  first_row: count,
  bytes: count,
  sha256: z.string(),
});
const norm = z.object({ mean_l2: z.number(), rms: z.number(), max_abs: z.number() });

const manifest = z.looseObject({
  format: z.literal("sdm-activations"),
  version: z.literal(1),
  created: z.string(),
  tool: z.string(),
  model: facts,
  tokenizer: facts,
  data: facts,
  points: z.array(point).min(1),
  dropped: z.looseObject({ positions: z.array(count), tokens: z.array(count) }),
  rows: z.number().int().positive(),
  order: z.enum(["sequential", "shuffled"]),
  norm: z.record(z.string(), norm),
  shards: z.array(shard).min(1),
});

/** One recorded point of a store. */
export interface StorePoint {
  /** Canonical hookpoint name. */
  name: string;
  /** ONNX tensor. */
  tap: string;
  /** What the point is for: "input", "target". */
  role?: string;
  /** Width. */
  d: number;
  /** Element type in the shards. */
  dtype: StoreDtype;
}

/** One file of a store. */
export interface StoreShard {
  /** Name of the file, in the store's folder. */
  file: string;
  /** Rows in it. */
  rows: number;
  /** Number of its first row. */
  first_row: number;
  /** Length of the file. */
  bytes: number;
  /** SHA-256 of the file, hex. */
  sha256: string;
}

/** Size of the activations of a point. */
export interface StoreNorm {
  /** Mean L2 norm of a row. */
  mean_l2: number;
  /** Root of the mean square of an element. */
  rms: number;
  /** Largest absolute value. */
  max_abs: number;
}

/** manifest.json of a store. */
export interface StoreManifest {
  /** Always "sdm-activations". */
  format: "sdm-activations";
  /** Always 1. */
  version: 1;
  /** When the harvest was finished, ISO 8601. */
  created: string;
  /** Program and version. */
  tool: string;
  /** Facts about the model. */
  model: Record<string, unknown>;
  /** Facts about the tokenizer. */
  tokenizer: Record<string, unknown>;
  /** Facts about the text and its packing. */
  data: Record<string, unknown>;
  /** The points. */
  points: StorePoint[];
  /** Positions and tokens that were left out, and how many. */
  dropped: { positions: number[]; tokens: number[]; counts?: unknown };
  /** Rows in all. */
  rows: number;
  /** Whether rows are in text order. */
  order: "sequential" | "shuffled";
  /** Sizes by point. */
  norm: Record<string, StoreNorm>;
  /** The files, in order of rows. */
  shards: StoreShard[];
}

/** Largest magnitude that each type holds. */
export const LARGEST: Readonly<Record<StoreDtype, number>> = {
  F16: 65504,
  BF16: 3.3895313892515355e38,
  F32: 3.4028234663852886e38,
};

/**
 * Reads a manifest strictly.
 * @param path what errors call it.
 * @throws {SdmError} naming the first field that is wrong, or the first shard that does not follow the one before.
 */
export function parseManifest(value: unknown, path: string): StoreManifest {
  const parsed = manifest.safeParse(value);
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0];
    throw new SdmError(
      `Cannot read store manifest "${path}": field "${
        at.join(".") || "(top)"
      }" is wrong (${message}), ` +
        "the manifest of an sdm activation store is needed",
    );
  }
  const store: StoreManifest = parsed.data;
  let rows = 0;
  for (const { file, first_row, rows: own } of store.shards) {
    if (first_row !== rows) {
      throw new SdmError(
        `Cannot read store manifest "${path}": shard "${file}" starts at row ${first_row}, ` +
          `row ${rows} is needed`,
      );
    }
    rows += own;
  }
  if (rows !== store.rows) {
    throw new SdmError(
      `Cannot read store manifest "${path}": its shards have ${rows} rows, ${store.rows} are needed`,
    );
  }
  return store;
}
