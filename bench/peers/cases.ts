/**
 * Which dictionaries are trained against which peers.
 *
 * Every peer has a form of TopK of its own (norms in the scores, rows of unit length, which loss); the program's options
 * are set to the peer's, as in `tests/peers/`, so that losses after equal steps are equal.
 * @module
 */
import { DEMO, TINY, WIDE } from "../shapes.ts";
import type { TrainShape } from "../types.ts";
import type { PeerCase } from "./types.ts";

/** Layers of a cross-layer transcoder. */
const LAYERS = 2;

/** Tokens of a sequence, and width of an attention head. */
const CONTEXT = 128, HEAD = 64;

const SAE_LENS = { loss: "sum_mean", unitRows: false, gateByDecoderNorm: true } as const;
const UNIT_ROWS = { loss: "sum_mean", unitRows: true } as const;
const OVERCOMPLETE = {
  loss: "mean",
  unitRows: false,
  inputBias: false,
  decoderBias: false,
} as const;
const SUMS = { loss: "sum_mean", unitRows: false, inputBias: false, clipGradNorm: 0 } as const;

function topkCases(shape: TrainShape): PeerCase[] {
  const plain = { method: "topk", type: "topk", shape };
  return [
    { ...plain, peer: "sae_lens", options: SAE_LENS },
    { ...plain, peer: "dictionary_learning", options: UNIT_ROWS },
    { ...plain, peer: "sparsify", options: { unitRows: true, clipGradNorm: 0 } },
    { ...plain, peer: "overcomplete", options: OVERCOMPLETE, normalised: ["W_dec"] },
  ];
}

/**
 * Settings of sae-lens that may be faster than its usual ones: sparse activations, which on a CPU exclude norms in the
 * scores, and half the bits. Compiling it takes a minute and gains nothing here (`bench/NOTES.md`).
 */
function otherSaeLens(shape: TrainShape): PeerCase[] {
  const [plain] = topkCases(shape);
  return [
    {
      ...plain,
      variant: "sparse activations, no norms",
      options: { ...SAE_LENS, gateByDecoderNorm: false },
      settings: { sparse: true },
    },
    { ...plain, variant: "bf16 autocast", settings: { autocast: true }, tolerance: 3e-2 },
  ];
}

function batchTopkCases(shape: TrainShape): PeerCase[] {
  const plain = { method: "batchtopk", type: "batchtopk", shape };
  return [
    { ...plain, peer: "sae_lens", options: SAE_LENS },
    { ...plain, peer: "dictionary_learning", options: UNIT_ROWS },
  ];
}

function matryoshkaCase(shape: TrainShape): PeerCase {
  const widths = [16, 8, 4, 2, 1].map((part) => shape.latents / part);
  return {
    peer: "sae_lens",
    method: "matryoshka",
    type: "matryoshka",
    shape,
    options: { ...SAE_LENS, prefixes: { widths, weights: [1, 1, 1, 1, 1], biasLevel: false } },
    settings: { widths },
  };
}

function pursuitCase(shape: TrainShape): PeerCase {
  const { k } = shape;
  return {
    peer: "sae_lens",
    method: "matching_pursuit",
    type: "matching_pursuit",
    shape,
    options: {
      loss: "sum_mean",
      unitRows: false,
      pursuit: {
        mode: "static",
        maxIterations: k,
        residualThreshold: 0,
        stopOnDuplicateSupport: false,
        relu: true,
        normaliseOnAccess: false,
      },
    },
  };
}

function cltCase(shape: TrainShape): PeerCase {
  return {
    peer: "llamascopium",
    method: "clt",
    type: "clt",
    shape,
    options: { ...SUMS, layers: LAYERS, activation: "topk" },
    settings: { layers: LAYERS },
  };
}

function lorsaCase(shape: TrainShape): PeerCase {
  const { rows, d } = shape;
  const width = Math.min(HEAD, d / 2), heads = d / width;
  const context = Math.min(CONTEXT, rows);
  return {
    peer: "llamascopium",
    method: "lorsa",
    type: "lorsa",
    shape,
    options: {
      ...SUMS,
      gateByDecoderNorm: false,
      context,
      attention: {
        heads,
        width,
        scale: Math.sqrt(width),
        rotary: { dim: width, base: 10000, adjacentPairs: true, copies: 1 },
        norms: false,
        eps: 1e-6,
      },
    },
    settings: { heads, width, context },
  };
}

/** All cases: at the wide shape, then at the demo's. A pursuit has fewer latents and fewer rounds, as it takes long. */
export function peerCases(): PeerCase[] {
  return [
    ...topkCases(WIDE),
    ...otherSaeLens(WIDE),
    ...batchTopkCases(WIDE),
    matryoshkaCase(WIDE),
    { ...pursuitCase({ ...WIDE, latents: 16384 }), rounds: 2 },
    ...topkCases(DEMO),
    ...batchTopkCases(DEMO),
    matryoshkaCase(DEMO),
    cltCase(DEMO),
    lorsaCase(DEMO),
  ];
}

/** Every peer and method once, as small as it gets. */
export function tinyCases(): PeerCase[] {
  return [
    ...topkCases(TINY),
    ...otherSaeLens(TINY),
    ...batchTopkCases(TINY),
    matryoshkaCase(TINY),
    pursuitCase(TINY),
    cltCase(TINY),
    lorsaCase(TINY),
  ];
}
