/**
 * Whether the latents of a dictionary fire where the features fire that they are nearest to.
 * Source: evals spec, section 9.3.
 * @module
 */
import type { EncodedRows } from "../models/inference.ts";
import { type Measured, measured } from "./definitions.ts";
import type { Firings } from "./synthetic.ts";
import { SYNTHETIC_DEFINITIONS } from "./synthetic_definitions.ts";
import type { Nearest } from "./synthetic_scores.ts";

/** Counts by latent of how it fires beside its feature. */
export class Detection {
  readonly #both: Uint32Array;
  readonly #fired: Uint32Array;
  readonly #present: Uint32Array[];
  readonly #sizes: readonly number[];
  #entries = 0;
  #rows = 0;

  /** @param nearest one a layer, the latents of the layers side by side in the code; `features` of each layer */
  constructor(readonly nearest: readonly Nearest[], readonly features: number) {
    this.#sizes = nearest.map((n) => n.feature.length);
    const latents = this.#sizes.reduce((a, b) => a + b, 0);
    this.#both = new Uint32Array(latents);
    this.#fired = new Uint32Array(latents);
    this.#present = nearest.map(() => new Uint32Array(features));
  }

  /** Adds rows: their code, and what fired in each layer, starting at row `first` of `firings`. */
  add({ rows, rowStart, latent }: EncodedRows, firings: readonly Firings[], first: number): void {
    const active = firings.map(() => new Uint8Array(this.features));
    const each = (r: number, visit: (layer: number, feature: number) => void) =>
      firings.forEach((f, layer) => {
        for (let e = f.rowStart[first + r]; e < f.rowStart[first + r + 1]; e++) {
          visit(layer, f.feature[e]);
        }
      });
    const layerOf = Uint32Array.from(this.#sizes.flatMap((n, l) => Array<number>(n).fill(l)));
    const startOf = this.#sizes.map((_, l) => this.#sizes.slice(0, l).reduce((a, b) => a + b, 0));
    for (let r = 0; r < rows; r++) {
      each(r, (layer, f) => {
        active[layer][f] = 1;
        this.#present[layer][f]++;
        this.#entries++;
      });
      for (let e = rowStart[r]; e < rowStart[r + 1]; e++) {
        const l = latent[e], layer = layerOf[l];
        this.#fired[l]++;
        this.#both[l] += active[layer][this.nearest[layer].feature[l - startOf[layer]]];
      }
      each(r, (layer, f) => active[layer][f] = 0);
    }
    this.#rows += rows;
  }

  /** The figures; a latent for which a ratio is not defined counts as 0. */
  figures(): Measured[] {
    let precision = 0, recall = 0, f1 = 0, at = 0;
    this.nearest.forEach(({ feature }, layer) =>
      feature.forEach((f) => {
        const both = this.#both[at], fired = this.#fired[at++], present = this.#present[layer][f];
        precision += fired > 0 ? both / fired : 0;
        recall += present > 0 ? both / present : 0;
        f1 += both > 0 ? 2 * both / (fired + present) : 0;
      })
    );
    const own = (name: string, value: number) =>
      measured(`synthetic/${name}`, value, SYNTHETIC_DEFINITIONS);
    return [
      own("f1", f1 / at),
      own("precision", precision / at),
      own("recall", recall / at),
      own("true_l0", this.#entries / this.#rows),
    ];
  }
}
