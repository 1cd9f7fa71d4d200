"""
sae-lens by its own trainer. Sparse activations and autocast are settings of its own; on a CPU PyTorch has no backward pass
of sparse activations that are divided by norms, so that these go without.
"""
import sae_lens
import torch
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.saes.matching_pursuit_sae import MatchingPursuitTrainingSAE, MatchingPursuitTrainingSAEConfig
from sae_lens.saes.matryoshka_batchtopk_sae import MatryoshkaBatchTopKTrainingSAE, MatryoshkaBatchTopKTrainingSAEConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

NAME = f"sae-lens {sae_lens.__version__}"


def model_of(spec):
    common = dict(d_in=spec["d"], d_sae=spec["latents"], dtype="float32", device="cpu", apply_b_dec_to_input=True,
                  normalize_activations="none")
    k = spec["k"]
    method = spec["method"]
    if method == "topk":
        sparse = spec.get("sparse", False)
        return TopKTrainingSAE(TopKTrainingSAEConfig(
            **common, k=k, use_sparse_activations=sparse, rescale_acts_by_decoder_norm=not sparse))
    if method == "batchtopk":
        return BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**common, k=k))
    if method == "matryoshka":
        return MatryoshkaBatchTopKTrainingSAE(MatryoshkaBatchTopKTrainingSAEConfig(
            **common, k=k, matryoshka_widths=spec["widths"]))
    return MatchingPursuitTrainingSAE(MatchingPursuitTrainingSAEConfig(
        **common, residual_threshold=0.0, max_iterations=k, stop_on_duplicate_support=False))


def make(spec):
    sae = model_of(spec)
    weights = spec["weights"]
    own = dict(sae.named_parameters())
    with torch.no_grad():
        for name, values in weights.items():
            if name in own:
                own[name].copy_(values.T if name == "W_enc" else values)
    steps = 1_000_000
    trainer = SAETrainer(
        SAETrainerConfig(total_training_samples=spec["rows"] * steps, train_batch_size_samples=spec["rows"],
                         lr=spec["lr"], lr_end=spec["lr"], autocast=spec.get("autocast", False)),
        sae, iter(()))

    def step(batch):
        loss = trainer.step(batch[0]).loss
        trainer.n_training_steps += 1
        return loss.item()
    return step
