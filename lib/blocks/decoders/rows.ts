/**
 * The decoder: `ŷ = f W_dec + b_dec` from a sparse code, with its gradients by latent.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import type { Command } from "../../gpu/program.ts";
import { onlyShard, type Rows } from "../../gpu/rows.ts";
import type { CodeByLatent, CodeByRow } from "../../kernels/code.ts";
import { codeGradient } from "../../kernels/code_gradient.ts";
import { countEntries } from "../../kernels/count_entries.ts";
import { decodeRows } from "../../kernels/decode_rows.ts";
import { gradLatents } from "../../kernels/grad_latents.ts";
import { markEntries } from "../../kernels/mark_entries.ts";
import { placeEntries } from "../../kernels/place_entries.ts";
import { scanCounts } from "../../kernels/scan_counts.ts";
import { gradOf, type Parameter, vectorOf, type Workspace } from "../types.ts";

/** Where a decode goes and what its loss hands back. */
export interface DecodeSite {
  /** The code to decode. */
  code: CodeByRow;
  /** The same code by latent; `count` and `backward` fill it. */
  byLatent: CodeByLatent;
  /** f32 [rows, dOut]: the reconstruction. */
  recon: Rows;
  /** f32 [rows, dOut]: the residual, made by the loss. */
  residual: Rows;
  /** Place in `scalars` of the factor that turns the residual into the gradient. */
  scaleWord: number;
}

/** The decoder of a model. */
export interface RowsDecoder {
  /** Cumulative prefix sizes whose reconstructions count; one means an ordinary decoder. */
  readonly prefixes: readonly number[];
  /** Number of targets. */
  readonly targets: number;
  /** Decodes a code; without bias for the code of the dead latents. */
  forward(site: DecodeSite, withBias: boolean): Command[];
  /** Counts of active rows by latent, needed before the dead latents are known. */
  count(site: DecodeSite): Command[];
  /** dz of every entry, the code by latent, and the gradient of W_dec. */
  backward(site: DecodeSite, add: boolean): Command[];
}

/** Makes the decoder. `wDec` is [dSae, dOut], `bDec` a vector [dOut]. */
export function rowsDecoder(
  gpu: Gpu,
  space: Workspace,
  wDec: Parameter,
  bDec: Parameter,
): RowsDecoder {
  return {
    prefixes: [wDec.value.rows],
    targets: 1,
    forward: (site, withBias) =>
      decodeRows.record(gpu, {
        code: site.code,
        w: wDec.value,
        bias: withBias ? vectorOf(bDec) : undefined,
        recon: onlyShard(site.recon),
      }),
    count: ({ code, byLatent }) => [
      ...markEntries.record(gpu, code, byLatent),
      countEntries.record(gpu, byLatent),
      ...scanCounts.record(gpu, { n: byLatent.latents, ...byLatent }),
    ],
    backward: ({ code, byLatent, residual, scaleWord }, add) => [
      ...codeGradient.record(gpu, {
        code,
        w: wDec.value,
        residual: onlyShard(residual),
        scalars: space.scalars,
        scaleWord,
      }),
      placeEntries.record(gpu, code, byLatent),
      ...gradLatents.record(gpu, {
        code: byLatent,
        weight: "value",
        rows: onlyShard(residual),
        grad: wDec.grad,
        gradBias: gradOf(bDec),
        scalars: space.scalars,
        scaleWord,
        add,
      }),
    ],
  };
}
