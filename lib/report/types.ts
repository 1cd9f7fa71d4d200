/**
 * What a report shows, as plain data: the page is a pure function of this.
 * @module
 */

/** A measured value with its definition. */
export interface Figure {
  /** Metric name, `area/name` as in `docs/metrics.md`. */
  name: string;
  /** The value; null where it is undefined. */
  value: number | null;
  /** One sentence that defines it. */
  definition: string;
}

/** One column of the table of held-out metrics: the dictionary or a baseline. */
export interface Contender {
  /** Shown name: "trained", "PCA, k largest components a token", "untrained". */
  name: string;
  /** One sentence on what it is. */
  what: string;
  /** Its figures, the same names in every contender; a missing one is shown as n/a. */
  figures: Figure[];
}

/** A point of the training curves. */
export interface CurvePoint {
  /** Training tokens so far. */
  tokens: number;
  /** Values by metric name: `recon/fvu`, `sparsity/l0`, `sparsity/dead_frac`, `loss/auxk`, `lr`, … */
  values: Record<string, number>;
}

/** A stretch of text around a strong activation. */
export interface Context {
  /** Token strings, in order. */
  tokens: string[];
  /** Activation of the latent at each token, 0 where it is silent. */
  activations: number[];
  /** Index in `tokens` of the strongest activation. */
  peak: number;
}

/** A token and a number. */
export interface TokenScore {
  /** The token's string. */
  token: string;
  /** Its score. */
  score: number;
}

/** One card of the report. */
export interface LatentCard {
  /** Index of the latent. */
  latent: number;
  /** Share of held-out tokens on which it fires. */
  density: number;
  /** Largest activation. */
  maxActivation: number;
  /** Mean of its activations where it fires. */
  meanActivation: number;
  /** Histogram of its non-zero activations: `edges` has one more entry than `counts`. */
  histogram: { edges: number[]; counts: number[] };
  /** Strongest contexts, strongest first, from different places in the text. */
  contexts: Context[];
  /** Tokens that its decoder row promotes most, through the unembedding; absent when the graph hides it. */
  promoted?: TokenScore[];
  /** Tokens that it suppresses most. */
  suppressed?: TokenScore[];
}

/** Everything on a report page. */
export interface ReportData {
  /** Title: usually the run's folder name. */
  title: string;
  /** When the run ended, ISO 8601. */
  created: string;
  /** Run facts in reading order: [label, value]. */
  facts: [string, string][];
  /** Training curves; empty when a dictionary is shown without its run. */
  curve: CurvePoint[];
  /** Trained dictionary first, then baselines. */
  contenders: Contender[];
  /** Held-out tokens that the figures rest on. */
  evalTokens: number;
  /** log10 density of every latent that fired at least once on the held-out tokens. */
  logDensities: number[];
  /** Latents that never fired there. */
  silentLatents: number;
  /** Histogram of L0 over held-out tokens: `counts[i]` tokens had i active latents. */
  l0Counts: number[];
  /** Cards, in the order shown. */
  latents: LatentCard[];
  /** How the cards were chosen: one sentence. */
  latentChoice: string;
  /** Version of the program. */
  version: string;
}
