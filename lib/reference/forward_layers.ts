/**
 * The forward pass of a cross-layer transcoder in float64: `y^l = b_dec^l + Σ_{i<=l} f^i W_dec^{i→l}`, latents numbered
 * layer by layer. Source: architectures spec, section 10.
 * @module
 */
import { activate, type ForwardRecord } from "./forward_record.ts";

/** What the formula needs of a dictionary. */
export interface LayersRecord {
  /** Number of layers. */
  readonly layers: number;
  /** Width of every input. */
  readonly dIn: number;
  /** Width of every output. */
  readonly dOut: number;
  /** Latents of a layer. */
  readonly dSae: number;
  /** Encoder rows [layers · dSae, dIn]. */
  readonly wEnc: ArrayLike<number>;
  /** Encoder bias [layers · dSae]. */
  readonly bEnc: ArrayLike<number>;
  /** Of every target the rows of the latents of layers up to it. */
  readonly wDec: readonly ArrayLike<number>[];
  /** Of every target its bias. */
  readonly bDec: readonly ArrayLike<number>[];
  /** The activation. */
  readonly activation: ForwardRecord["activation"];
  /** Whether it acts on each layer by itself or on all of them. */
  readonly scope: "layer" | "all";
}

/** Latents [rows, layers · dSae] and the reconstruction of every target [rows, dOut]. */
export interface LayersResult {
  /** Dense latents. */
  latents: Float64Array;
  /** One a target. */
  reconstructions: Float64Array[];
}

/** Runs the formula on one matrix [rows, dIn] a layer. */
export function forwardLayers(
  record: LayersRecord,
  inputs: readonly ArrayLike<number>[],
): LayersResult {
  const { layers, dIn, dOut, dSae, wEnc, wDec } = record;
  const all = layers * dSae;
  const rows = inputs[0].length / dIn;
  const latents = new Float64Array(rows * all);
  const reconstructions = wDec.map(() => new Float64Array(rows * dOut));
  for (let r = 0; r < rows; r++) {
    const scores = Float64Array.from({ length: all }, (_, f) => {
      const x = inputs[Math.floor(f / dSae)];
      let h = record.bEnc[f];
      for (let i = 0; i < dIn; i++) h += x[r * dIn + i] * wEnc[f * dIn + i];
      return h;
    });
    const step = record.scope === "all" ? all : dSae;
    for (let first = 0; first < all; first += step) {
      const own = scores.subarray(first, first + step);
      latents.set(activate(record.activation, own), r * all + first);
    }
    reconstructions.forEach((y, l) => {
      for (let j = 0; j < dOut; j++) {
        let sum = record.bDec[l][j];
        for (let f = 0; f < (l + 1) * dSae; f++) {
          sum += latents[r * all + f] * wDec[l][f * dOut + j];
        }
        y[r * dOut + j] = sum;
      }
    });
  }
  return { latents, reconstructions };
}
