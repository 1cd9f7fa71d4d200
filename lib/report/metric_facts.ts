/**
 * What the page knows of a metric by its name: words, which way is better, and how to draw it.
 * A metric that is not listed is shown by its name, with no mark for the best and a linear axis.
 * @module
 */

/** Facts of one metric. */
export interface MetricFacts {
  /** Short name for headings. */
  short: string;
  /** The name in words, with its unit. */
  words: string;
  /** Which way is better; absent where neither is, as for an operating point. */
  better?: "lower" | "higher";
  /** Draw on a logarithmic axis when the values span more than a factor of ten. */
  log?: boolean;
  /** Shown as a percentage where there is room for one figure only. */
  share?: boolean;
}

const FACTS: Record<string, MetricFacts> = {
  "recon/fvu": {
    short: "FVU",
    words: "fraction of variance unexplained",
    better: "lower",
    log: true,
  },
  "recon/explained_variance": {
    short: "Explained variance",
    words: "share of variance explained",
    better: "higher",
  },
  "recon/mse": { short: "MSE", words: "squared error per row", better: "lower", log: true },
  "recon/cossim": {
    short: "Cosine",
    words: "cosine of activation and reconstruction",
    better: "higher",
  },
  "sparsity/l0": { short: "L0", words: "active latents per token" },
  "sparsity/l1": { short: "L1", words: "sum of activations per token" },
  "sparsity/dead_frac": {
    short: "Dead latents",
    words: "share of latents that do not fire",
    better: "lower",
    share: true,
  },
  "model/ce_loss_score": {
    short: "CE loss recovered",
    words: "share of the cross-entropy gap closed",
    better: "higher",
  },
  "model/ce_loss_with_sae": {
    short: "CE with dictionary",
    words: "next-token loss with the reconstruction spliced in, nats",
    better: "lower",
  },
  "model/kl_div_score": {
    short: "KL recovered",
    words: "share of the KL divergence removed",
    better: "higher",
  },
  "model/kl_div_with_sae": {
    short: "KL with dictionary",
    words: "divergence of the spliced model, nats",
    better: "lower",
  },
  "model/ce_loss": {
    short: "CE",
    words: "next-token loss of the model as it is, nats",
  },
  "model/ce_delta": {
    short: "CE added",
    words: "next-token loss that the dictionary adds, nats",
    better: "lower",
  },
  "model/loss_recovered_mean": {
    short: "CE recovered from the mean",
    words: "share of the gap between mean and model closed",
    better: "higher",
  },
  "model/recaptured_loss": {
    short: "Recaptured loss",
    words: "loss of the model over loss with the dictionary",
    better: "higher",
  },
  "loss/total": { short: "Loss", words: "training loss", log: true },
  "loss/auxk": { short: "AuxK loss", words: "auxiliary loss of dead latents", log: true },
  "lr": { short: "Learning rate", words: "learning rate" },
  "optim/lr": { short: "Learning rate", words: "learning rate" },
  "optim/grad_norm": { short: "Gradient norm", words: "norm of the gradient", log: true },
};

/** Facts of a metric; for an unknown one its name, no direction and a linear axis. */
export function metricFacts(name: string): MetricFacts {
  return Object.hasOwn(FACTS, name) ? FACTS[name] : { short: name, words: name };
}
