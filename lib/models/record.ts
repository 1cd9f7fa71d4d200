/**
 * The canonical record of a trained dictionary on the host, and nothing about how it was made.
 * One forward formula serves every format: `spec` of interop, section 0, in latent-major layout.
 * @module
 */
import type { Rotary } from "../kernels/rope_rows.ts";
import type { RowNorm } from "../tensor/row_norm.ts";

/** How pre-activations become latents. */
export type Activation =
  | { name: "relu" }
  | { name: "topk"; k: number }
  /** The largest of each of k equal groups of latents. */
  | { name: "groupmax"; k: number }
  | { name: "jumprelu"; threshold: Float32Array }
  /** Trained with k · rows latents a batch; a row by itself keeps the scores above the threshold. */
  | { name: "batchtopk"; k: number; threshold: number }
  /** Greedy: the largest score of what is left, again and again. The encoder is the decoder. */
  | {
    name: "matching_pursuit";
    /** Most picks of a row. */
    iterations: number;
    /** A row stops when what is left is shorter; 0 for never. */
    residualThreshold: number;
    /** Whether a row stops when a pick repeats a latent. */
    stopOnDuplicateSupport: boolean;
    /** Whether only positive scores are picked. */
    relu: boolean;
  }
  /**
   * Several heads of product keys: each finds its share of k on a grid of its own, and what they find adds up. `wEnc` has
   * what the sub-keys of a latent add up to, and `bEnc` what every head adds to its scores.
   */
  | {
    name: "product_keys";
    k: number;
    /** Selections of a row. */
    heads: number;
    /** Sub-keys of the first side. */
    m1: number;
    /** Sub-keys of the second side. */
    m2: number;
    /** [heads · (m1 + m2), dIn]: of every head the rows of U, then of V. */
    keys: Float32Array;
    /** [heads · (m1 + m2)]. */
    keyBias: Float32Array;
  };

/**
 * A dictionary in memory. Matrices are latent-major: row `f` belongs to latent `f`.
 *
 * `h = (x - pre) W_encᵀ + b_enc`, `s = h ⊙ gate`, `f = act(s) ⊘ gate`, `y = f W_dec + b_dec`,
 * with `pre = b_dec` when `subtractBDec`, else zero; `gate` = row norms of `W_dec` when `gateByDecoderNorm`, else one.
 */
export interface DictionaryRecord {
  /** What the dictionary reconstructs: its own input, or another hookpoint. */
  kind: "sae" | "transcoder";
  /** Width of the input. */
  dIn: number;
  /** Width of the output. */
  dOut: number;
  /** Number of latents. */
  dSae: number;
  /** Encoder rows [dSae, dIn]. */
  wEnc: Float32Array;
  /** Encoder bias [dSae]. */
  bEnc: Float32Array;
  /** Decoder rows [dSae, dOut]. */
  wDec: Float32Array;
  /** Output bias [dOut]; also what is taken from the input when `subtractBDec`. */
  bDec: Float32Array;
  /** Whether `b_dec` is subtracted from the input. */
  subtractBDec: boolean;
  /** Whether selection looks at `h · ‖W_dec row‖` in place of `h`. */
  gateByDecoderNorm: boolean;
  /** What is done to each row before, and undone in the output: see `tensor/row_norm.ts`; nothing when absent. */
  rowNorm?: RowNorm;
  /** The activation function. */
  activation: Activation;
  /** `y += W_skip x` with the raw input: [dOut, dIn]. */
  wSkip?: Float32Array;
  /** Nested prefixes of latents that were trained to reconstruct by themselves, cumulative, ascending. */
  prefixes?: readonly number[];
}

/**
 * A cross-layer transcoder. Latent j of layer l has the number `l · dSae + j`:
 * `h^l = W_enc^l x^l + b_enc^l`, `y^l = b_dec^l + Σ_{i<=l} f^i W_dec^{i→l}`. Source: architectures spec, section 10.
 */
export interface CltRecord {
  /** What it is. */
  kind: "clt";
  /** Number of layers. */
  layers: number;
  /** Width of every input. */
  dIn: number;
  /** Width of every output. */
  dOut: number;
  /** Latents of a layer. */
  dSae: number;
  /** Encoder rows [layers · dSae, dIn]. */
  wEnc: Float32Array;
  /** Encoder bias [layers · dSae]. */
  bEnc: Float32Array;
  /** One matrix a target l: rows of the latents of layers 0 to l, [(l + 1) · dSae, dOut]. */
  wDec: readonly Float32Array[];
  /** Output biases [dOut], one a layer. */
  bDec: readonly Float32Array[];
  /** Whether selection looks at h times the norm of all decoder rows of a latent together. */
  gateByDecoderNorm: boolean;
  /** The activation function; k counts as `scope` says. */
  activation: Activation;
  /** Whether the gate sees each layer by itself or all of them: k of `topk` is then that of all layers. */
  scope: "layer" | "all";
}

/**
 * Low-rank sparse attention. Query-key head h serves the latents [h · dSae / heads, (h + 1) · dSae / heads):
 * `h_t,i = Σ_{t'≤t} A_tt' (x_t' · W_V[i] + b_V[i])`, `A = softmax(q · k / scale)`, `q = x W_Qᵀ + b_Q`, then an RMS norm where
 * there is `lnQ`, then rotary positions; `f` and `y` as in {@link DictionaryRecord}. Source: architectures spec, section 11.
 */
export interface LorsaRecord {
  /** What it is. */
  kind: "lorsa";
  /** Width of the input. */
  dIn: number;
  /** Width of the output. */
  dOut: number;
  /** Number of latents. */
  dSae: number;
  /** Tokens of a sequence in training. */
  context: number;
  /** Query-key heads. */
  heads: number;
  /** Numbers of a query or key. */
  width: number;
  /** Divisor of the scores. */
  scale: number;
  /** Rotary positions; none when absent. */
  rotary?: Rotary;
  /** Added to the mean of squares in the norms. */
  eps: number;
  /** Queries [heads · width, dIn]. */
  wQ: Float32Array;
  /** [heads · width]. */
  bQ: Float32Array;
  /** Keys [heads · width, dIn]. */
  wK: Float32Array;
  /** [heads · width]. */
  bK: Float32Array;
  /** Values: what every latent reads, [dSae, dIn]. */
  wV: Float32Array;
  /** [dSae]. */
  bV: Float32Array;
  /** Gain of the queries' norm [heads · width]; no norms when absent. */
  lnQ?: Float32Array;
  /** Gain of the keys' norm. */
  lnK?: Float32Array;
  /** What every latent writes: W_O, [dSae, dOut]. */
  wDec: Float32Array;
  /** Output bias [dOut]. */
  bDec: Float32Array;
  /** Whether selection looks at `h · ‖W_dec row‖` in place of `h`. */
  gateByDecoderNorm: boolean;
  /** The activation function. */
  activation: Activation;
}

/** Everything that training makes. */
export type TrainedRecord = DictionaryRecord | CltRecord | LorsaRecord;

/** Where a dictionary comes from; goes into `sdm.json` and into the metadata of exports. */
export interface Provenance {
  /** Canonical hookpoint name, for example `blocks.2.hook_resid_post`. */
  hookpoint: string;
  /** ONNX tensor that was tapped. */
  tensor?: string;
  /** Hookpoint that is reconstructed, where it is another one. */
  hookpointOut?: string;
  /** Inputs by layer, where there are several; `hookpoint` is the first. */
  hookpoints?: string[];
  /** Outputs by layer, where there are several; `hookpointOut` is the first. */
  hookpointsOut?: string[];
  /** Model: a name or a path's last part. */
  modelName?: string;
  /** SHA-256 of the ONNX file. */
  modelSha256?: string;
  /** SHA-256 of tokenizer.json. */
  tokenizerSha256?: string;
  /** Tokens a context. */
  contextSize?: number;
  /** Whether a BOS token was put in front of each context. */
  prependBos?: boolean;
  /** Positions of a context whose rows were dropped. */
  droppedPositions?: number[];
  /** Token ids whose rows were dropped. */
  droppedTokens?: number[];
  /** Input scale that training used and that is folded into the weights. */
  inputScaleFolded?: number;
  /** Name of the data. */
  data?: string;
  /** The training configuration as it was run. */
  config?: unknown;
  /** Figures measured at the end of training: l0, fvu, dead_frac. */
  figures?: Record<string, number | null>;
}
