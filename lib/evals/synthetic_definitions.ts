/**
 * Definitions of the metrics on planted features. Source: evals spec, section 9.3.
 * @module
 */

/**
 * Definitions by name; cosines are between true directions and decoder rows. Of several layers, a latent is compared with the
 * features of its own layer, in all targets that the layer writes to together.
 */
export const SYNTHETIC_DEFINITIONS: Readonly<Record<string, string>> = {
  "synthetic/mmcs_recall":
    "Mean over true features of the largest cosine with a latent that fires on the held-out rows.",
  "synthetic/mmcs_recall_abs": "synthetic/mmcs_recall with absolute cosines.",
  "synthetic/mmcs_recall_all": "synthetic/mmcs_recall over all latents, dead ones too.",
  "synthetic/mmcs_precision":
    "Mean over latents that fire of the largest cosine with a true feature.",
  "synthetic/recovered_70": "Share of true features whose largest cosine is above 0.7.",
  "synthetic/recovered_90": "Share of true features whose largest cosine is above 0.9.",
  "synthetic/recovered_95": "Share of true features whose largest cosine is above 0.95.",
  "synthetic/recovered_90_by_frequency":
    "synthetic/recovered_90 with each feature weighed by how often it is meant to fire.",
  "synthetic/mcc":
    "Mean absolute cosine over the best one-to-one assignment of features and latents.",
  "synthetic/uniqueness":
    "Number of different features that are nearest to a latent, over the number of latents.",
  "synthetic/f1":
    "Mean over all latents of F1 at telling whether the feature nearest to the latent fires; dead latents count as 0.",
  "synthetic/precision":
    "The same of precision: how often the feature fires where the latent does.",
  "synthetic/recall": "The same of recall: how often the latent fires where the feature does.",
  "synthetic/true_l0": "Mean over held-out rows of the number of features that fired.",
};
