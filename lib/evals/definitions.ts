/**
 * The metrics that `sdm eval` reports, each with its definition. Names and definitions: evals spec, sections 1.3 to 1.6.
 * @module
 */

/** A measured value with its definition. */
export interface Measured {
  /** Metric name, `area/name`. */
  name: string;
  /** The value; null where it is undefined. */
  value: number | null;
  /** One sentence that defines it. */
  definition: string;
}

/** Definitions by name; x is a target activation, y its reconstruction, r = x - y, T the number of held-out rows. */
export const DEFINITIONS: Readonly<Record<string, string>> = {
  "recon/fvu":
    "Fraction of variance unexplained: Σ‖r‖² / (Σ‖x‖² - ‖Σx‖²/T) over all held-out rows, each dimension about its own mean.",
  "recon/fvu_layer": "recon/fvu of one target layer by itself.",
  "recon/explained_variance": "1 - recon/fvu.",
  "recon/mse": "Mean over rows of ‖r‖², summed over dimensions.",
  "recon/cossim": "Mean over rows of x·y / (‖x‖ ‖y‖); a zero reconstruction counts as 0.",
  "recon/l2_ratio": "Mean over rows of ‖y‖ / ‖x‖, with ‖x‖ taken as 1 below 1e-4.",
  "recon/relative_bias":
    "Σ‖y‖² / Σ x·y over all rows: below 1 means shrinkage (Rajamanoharan et al.).",
  "recon/nmse_ratio": "Σ‖r‖² / Σ‖x‖²: uncentred, so flattering where the mean is large.",
  "sparsity/l0": "Mean over rows of the number of latents that are not zero.",
  "sparsity/l1": "Mean over rows of the sum of the absolute values of the latents.",
  "sparsity/dead_frac":
    "Share of latents that never fire on the held-out rows; depends on their number T.",
  "density/freq_over_1_percent":
    "Share of latents that fire on more than 1 % of the held-out rows.",
  "density/freq_over_10_percent":
    "Share of latents that fire on more than 10 % of the held-out rows.",
};

/** A value with its definition in a table; not finite becomes null, as in JSON. */
export function measured(
  name: string,
  value: number,
  definitions: Readonly<Record<string, string>> = DEFINITIONS,
): Measured {
  const definition = definitions[name];
  if (definition === undefined) throw new Error(`Metric "${name}" has no definition`);
  return { name, value: Number.isFinite(value) ? value : null, definition };
}
