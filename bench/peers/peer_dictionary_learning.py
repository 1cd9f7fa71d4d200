"""dictionary-learning by its own trainers: TopK and BatchTopK."""
from importlib.metadata import version

import torch

from train_imports import bare_package

NAME = f"dictionary-learning {version('dictionary-learning')}"

# The package's own entry imports what taps language models.
bare_package("dictionary_learning")
bare_package("dictionary_learning.trainers")
from dictionary_learning.trainers.batch_top_k import BatchTopKTrainer  # noqa: E402
from dictionary_learning.trainers.top_k import TopKTrainer  # noqa: E402

TRAINERS = {"topk": TopKTrainer, "batchtopk": BatchTopKTrainer}


def make(spec):
    trainer = TRAINERS[spec["method"]](
        steps=1_000_000, activation_dim=spec["d"], dict_size=spec["latents"], k=spec["k"], layer=0, lm_name="",
        lr=spec["lr"], warmup_steps=0, device="cpu")
    weights = spec["weights"]
    with torch.no_grad():
        trainer.ae.encoder.weight.copy_(weights["W_enc"])
        trainer.ae.encoder.bias.copy_(weights["b_enc"])
        trainer.ae.decoder.weight.copy_(weights["W_dec"].T)
        trainer.ae.b_dec.copy_(weights["b_dec"])
    # Step 0 would put the geometric median of its batch into the bias.
    at = 0

    def step(batch):
        nonlocal at
        at += 1
        return trainer.update(at, batch[0])
    return step
