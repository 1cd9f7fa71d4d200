"""Training steps of overcomplete, by its own loop: matching pursuit with a fixed number of picks."""
from importlib.metadata import version

import torch

from train_imports import bare_package, stand_ins
from train_record import D, F, LR, exact, fill, record

PEER = f"overcomplete {version('overcomplete')}"
PUT_BACK = "7: rows are put back to length 1, here after every step"


def import_pursuit():
    """Class and loop alone: the package's own entry imports models of images."""
    bare_package("overcomplete")
    folder = bare_package("overcomplete.sae")
    with stand_ins({"scipy": {}, "scipy.optimize": {"linear_sum_assignment": None}}):
        from overcomplete.sae.base import SAE
        folder.SAE = SAE
        from overcomplete.sae.mp_sae import MpSAE
        from overcomplete.sae.train import train_sae
    return MpSAE, train_sae


MpSAE, train_sae = import_pursuit()


def cases():
    model = MpSAE(D, F, k=5).double()
    weights = model.dictionary._weights
    fill({"W_dec": weights}, {"W_dec": 1})
    weights.data = exact(torch.nn.functional.normalize(weights.data))
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, betas=(0.9, 0.999), eps=1e-8)

    def step(batch):
        losses = []

        def criterion(x, x_hat, *_):
            losses.append((x - x_hat).square().mean())
            return losses[0]
        train_sae(model, [batch[0]], criterion, optimizer, nb_epochs=1, monitoring=0)
        return losses[0]
    # The peer puts rows back when it next looks at them; its gradient knows nothing of that.
    names = {"W_dec": lambda: torch.nn.functional.normalize(weights)}
    pursuit = {"mode": "static", "maxIterations": 5, "residualThreshold": 0, "stopOnDuplicateSupport": False,
               "relu": False, "normaliseOnAccess": False}
    options = {"k": 5, "loss": "mean", "unitRows": False, "inputBias": False, "decoderBias": False, "pursuit": pursuit}
    head = {"name": "matching pursuit, static", "peer": PEER, "type": "matching_pursuit", "options": options,
            "step": {"k": 5}, "clip": 1, "normalised": ["W_dec"]}
    yield record(head, names, ["x0"], step, PUT_BACK)
