"""overcomplete by its own loop: TopK, BatchTopK, matching pursuit. Its linear encoder without batch norm, so that the
dictionary is the same."""
from importlib.metadata import version

import torch

from train_imports import bare_package, stand_ins

NAME = f"overcomplete {version('overcomplete')}"


def import_coders():
    """Classes and loop alone: the package's own entry imports models of images."""
    bare_package("overcomplete")
    folder = bare_package("overcomplete.sae")
    with stand_ins({"scipy": {}, "scipy.optimize": {"linear_sum_assignment": None}}):
        from overcomplete.sae.base import SAE
        folder.SAE = SAE
        from overcomplete.sae.batchtopk_sae import BatchTopKSAE
        from overcomplete.sae.modules import TieableEncoder
        from overcomplete.sae.mp_sae import MpSAE
        from overcomplete.sae.topk_sae import TopKSAE
        from overcomplete.sae.train import train_sae
    return TopKSAE, BatchTopKSAE, MpSAE, TieableEncoder, train_sae


TopKSAE, BatchTopKSAE, MpSAE, TieableEncoder, train_sae = import_coders()


def model_of(spec, weights):
    d, latents, k = spec["d"], spec["latents"], spec["k"]
    if spec["method"] == "matching_pursuit":
        return MpSAE(d, latents, k=k)
    encoder = TieableEncoder(d, latents, bias=True)
    with torch.no_grad():
        own = dict(encoder.named_parameters())
        own["weight" if "weight" in own else "weights"].copy_(weights["W_enc"])
        own["bias"].copy_(weights["b_enc"])
    if spec["method"] == "topk":
        return TopKSAE(d, latents, top_k=k, encoder_module=encoder)
    return BatchTopKSAE(d, latents, top_k=k * spec["rows"], encoder_module=encoder)


def make(spec):
    weights = spec["weights"]
    model = model_of(spec, weights)
    model.dictionary._weights.data = weights["W_dec"].clone()
    optimizer = torch.optim.Adam(model.parameters(), lr=spec["lr"], betas=(0.9, 0.999), eps=1e-8)

    def step(batch):
        losses = []

        def criterion(x, x_hat, *_):
            losses.append((x - x_hat).square().mean())
            return losses[0]
        train_sae(model, [batch[0]], criterion, optimizer, nb_epochs=1, monitoring=0)
        return losses[0].item()
    return step
