/**
 * The table of families: what each may be combined with. `rules.ts` has the same for single keys. Data only; a test
 * loops over it.
 * @module
 */
import type { ActivationName, EncoderName, TypeName } from "./names.ts";

/** What a family reads: one hookpoint, an input and an output, or a list of both. */
export type PointsKind = "one" | "pair" | "layers";

/** What a configuration must know of a family. */
export interface FamilyFacts {
  /** Activations that it may have, the default first; none where it has no activation function. */
  readonly activations: readonly ActivationName[];
  /** Encoders that it may have, the default first; none where it scores in a way of its own. */
  readonly encoders: readonly EncoderName[];
  /** Hookpoints that it reads. */
  readonly points: PointsKind;
  /** Whether a batch is made of whole contexts, in order. */
  readonly sequences: boolean;
  /** Whether the input reaches the output by a matrix of its own, too. */
  readonly skip: boolean;
}

function autoencoder(...activations: ActivationName[]): FamilyFacts {
  return { activations, encoders: ["dense"], points: "one", sequences: false, skip: false };
}

const TRANSCODER: FamilyFacts = {
  activations: ["topk", "batchtopk", "groupmax", "relu", "jumprelu", "gated"],
  encoders: ["dense", "pkm"],
  points: "pair",
  sequences: false,
  skip: false,
};

/** All families by name. */
export const FAMILIES: Readonly<Record<TypeName, FamilyFacts>> = {
  topk: autoencoder("topk"),
  relu: autoencoder("relu"),
  groupmax: autoencoder("groupmax"),
  batchtopk: autoencoder("batchtopk"),
  jumprelu: autoencoder("jumprelu"),
  gated: autoencoder("gated"),
  matryoshka: autoencoder("batchtopk", "topk"),
  matching_pursuit: { ...autoencoder(), encoders: [] },
  pkm: { ...autoencoder("topk"), encoders: ["pkm"] },
  transcoder: TRANSCODER,
  skip_transcoder: { ...TRANSCODER, skip: true },
  clt: {
    activations: ["topk", "layertopk", "batchtopk", "batchlayertopk", "relu", "jumprelu"],
    encoders: [],
    points: "layers",
    sequences: false,
    skip: false,
  },
  lorsa: {
    activations: ["topk", "batchtopk", "relu", "jumprelu"],
    encoders: [],
    points: "pair",
    sequences: true,
    skip: false,
  },
};

/** Why a family refuses an activation that is not among its own, by activation. */
export const ACTIVATION_REASONS: Readonly<Record<ActivationName, string>> = {
  topk: "a selection by row has a type of its own",
  relu: "ReLU with a penalty has a type of its own",
  groupmax: "it splits the latents of one dense encoder into groups",
  batchtopk: "a selection over the batch has a type of its own",
  jumprelu: "thresholds have a type of their own",
  gated: "its gate is a second pre-activation of a dense encoder",
  layertopk: "it chooses among the layers of a clt",
  batchlayertopk: "it chooses among the layers of a clt",
};

/** Activations that fix how many latents are active. */
export const SELECTIONS: readonly ActivationName[] = [
  "topk",
  "groupmax",
  "batchtopk",
  "layertopk",
  "batchlayertopk",
];

/** Selections that look at a whole batch; their k may be a fraction. */
export const BATCH_SELECTIONS: readonly ActivationName[] = ["batchtopk", "batchlayertopk"];

/** Activations with a sparsity penalty. */
export const PENALISED: readonly ActivationName[] = ["relu", "jumprelu", "gated"];

function typesWith(points: PointsKind): TypeName[] {
  return (Object.keys(FAMILIES) as TypeName[]).filter((type) => FAMILIES[type].points === points);
}

/** Families that give back their input. */
export const AUTOENCODERS: readonly TypeName[] = typesWith("one");

/** Families that reconstruct another hookpoint. */
export const TRANSCODERS: readonly TypeName[] = [...typesWith("pair"), ...typesWith("layers")];
