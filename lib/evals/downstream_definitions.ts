/**
 * The metrics of what a dictionary costs its language model. Names and definitions: evals spec, section 1.5.
 * @module
 */

/**
 * Definitions by name. A token counts where its activation does: first positions and special tokens keep their own
 * activation, and their losses are left out. CE of a token is -ln p of the one that follows it in its context.
 */
export const DOWNSTREAM_DEFINITIONS: Readonly<Record<string, string>> = {
  "model/ce_loss": "CE of the model as it is: mean over tokens of -ln p(next token), in nats.",
  "model/ce_loss_with_sae":
    "CE with the reconstruction in the place of the activation; of several layers all at once, each made from the inputs of the model as it is.",
  "model/ce_loss_with_zero": "CE with zero in the place of the activation (at every position).",
  "model/ce_loss_with_mean":
    "CE with the mean held-out activation in the place of the activation (at every position).",
  "model/ce_loss_score":
    "Loss recovered: (CE with zero - CE with reconstruction) / (CE with zero - CE); undefined where zero does no harm.",
  "model/loss_recovered_mean":
    "The same with the mean in the place of zero: (CE with mean - CE with reconstruction) / (CE with mean - CE).",
  "model/ce_delta": "CE with reconstruction - CE: nats that the dictionary costs.",
  "model/recaptured_loss": "CE / CE with reconstruction: 1 is perfect; it saturates near 1.",
  "model/kl_div_with_sae":
    "Mean over tokens of KL(p ‖ q) in nats: p of the model as it is, q with the reconstruction.",
  "model/kl_div_with_ablation": "The same with zero in the place of the activation.",
  "model/kl_div_score": "(KL with zero - KL with reconstruction) / KL with zero.",
  "model/ce_loss_with_sae_running":
    "CE with the reconstructions of all layers, each made from what the layer reads once those before it are replaced.",
  "model/ce_loss_score_running": "Loss recovered by model/ce_loss_with_sae_running.",
  "model/ce_loss_with_sae_layer":
    "CE with the reconstruction of one layer alone, made from the inputs of the model as it is.",
  "model/tokens_eval_reconstruction": "Tokens that these losses rest on.",
};
