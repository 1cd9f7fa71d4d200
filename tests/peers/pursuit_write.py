"""Training steps of matching pursuits by sae-lens and by overcomplete, in float64, from given weights on given batches.

Writes tests/golden/pursuit.json: batches, first weights, and the weights after 1 and after 20 steps, for the settings that
each of the two has. Step t takes batch t modulo the number of batches.

    python tests/peers/pursuit_write.py tests/golden/pursuit.json

Both are those of requirements.txt; what overcomplete needs beside PyTorch is not needed here.
"""
import importlib.util
import json
import sys
import types
import warnings

import numpy as np
import torch
from sae_lens.saes.matching_pursuit_sae import MatchingPursuitTrainingSAE, MatchingPursuitTrainingSAEConfig
from sae_lens.saes.sae import TrainStepInput

ROWS, D, F, BATCHES = 24, 8, 20, 4
STEPS = (1, 20)
LR, BETAS, EPS = 3e-3, (0.9, 0.999), 1e-8


def overcomplete_class():
    """MpSAE alone: the package's own entry imports image models."""
    spec = importlib.util.find_spec("overcomplete")
    root = types.ModuleType("overcomplete")
    root.__path__ = list(spec.submodule_search_locations)
    folder = types.ModuleType("overcomplete.sae")
    folder.__path__ = [f"{root.__path__[0]}/sae"]
    sys.modules.update({"overcomplete": root, "overcomplete.sae": folder})
    folder.SAE = importlib.import_module("overcomplete.sae.base").SAE
    return importlib.import_module("overcomplete.sae.mp_sae").MpSAE


def normal(seed, *shape, scale=1.0):
    values = np.random.default_rng(seed).normal(size=shape) * scale
    return torch.tensor(values.astype(np.float32).astype(np.float64))


def unit(w):
    return (w / w.norm(dim=1, keepdim=True)).float().double()


def numbers(t):
    return [float(f"{v:.9g}") for v in t.detach().reshape(-1).tolist()]


def train(batches, parameters, loss_of, clip):
    """Steps of Adam; weights by name after each number of steps of STEPS."""
    optimizer = torch.optim.Adam(parameters.values(), lr=LR, betas=BETAS, eps=EPS)
    found, first = {}, None
    for t in range(max(STEPS)):
        optimizer.zero_grad()
        loss = loss_of(batches[t % len(batches)])
        loss.backward()
        first = loss.item() if first is None else first
        if clip:
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimizer.step()
        if t + 1 in STEPS:
            found[str(t + 1)] = {name: numbers(p) for name, p in parameters.items()}
    return {"loss": first, "after": found}


def sae_lens_case(batches, name, w, b, **settings):
    config = MatchingPursuitTrainingSAEConfig(d_in=D, d_sae=F, decoder_init_norm=1.0, **settings)
    sae = MatchingPursuitTrainingSAE(config).double()
    with torch.no_grad():
        sae.W_dec.copy_(w)
        sae.b_dec.copy_(b)

    def loss_of(x):
        step = TrainStepInput(sae_in=x, coefficients={}, dead_neuron_mask=None, n_training_steps=0, is_logging_step=False)
        return sae.training_forward_pass(step).loss

    # The trainer of sae-lens clips every step.
    result = train(batches, {"W_dec": sae.W_dec, "b_dec": sae.b_dec}, loss_of, clip=True)
    return {"name": name, "peer": "sae-lens", **settings, "W_dec": numbers(w), "b_dec": numbers(b), **result}


def overcomplete_case(batches, name, w, k):
    sae = overcomplete_class()(D, F, k=k).double()
    sae.dictionary._weights.data = w.clone()

    def loss_of(x):
        _, codes = sae.encode(x)
        return (x - sae.decode(codes)).square().mean()

    result = train(batches, {"W_dec": sae.dictionary._weights}, loss_of, clip=False)
    # Rows are put back to length 1 when they are next asked for.
    for weights in result["after"].values():
        rows = torch.tensor(weights["W_dec"]).reshape(F, D)
        weights["W_dec"] = numbers(rows / rows.norm(dim=1, keepdim=True))
    return {"name": name, "peer": "overcomplete", "max_iterations": k, "W_dec": numbers(w), **result}


def through_case(batches, name, w, k):
    """No peer: PyTorch's gradient through the division by the rows' lengths."""
    w = w.clone().requires_grad_()

    def loss_of(x):
        rows, left = w / w.norm(dim=1, keepdim=True), x
        for _ in range(k):
            value, latent = (left @ rows.T).max(dim=1)
            left = left - value[:, None] * rows[latent]
        return left.square().mean()

    start = numbers(w)
    result = train(batches, {"W_dec": w}, loss_of, clip=False)
    return {"name": name, "peer": "autograd", "max_iterations": k, "W_dec": start, **result}


def main(path):
    warnings.simplefilter("ignore")
    batches = [normal(i, ROWS, D) for i in range(BATCHES)]
    free, rows = normal(50, F, D, scale=0.3), unit(normal(51, F, D))
    bias = normal(52, D, scale=0.1)
    cases = [
        sae_lens_case(batches, "static", rows, bias, residual_threshold=0.0, max_iterations=5,
                      stop_on_duplicate_support=False),
        sae_lens_case(batches, "dynamic, by length", rows, bias, residual_threshold=1.0, max_iterations=12,
                      stop_on_duplicate_support=False),
        sae_lens_case(batches, "dynamic, by both rules, rows of other lengths", free, bias, residual_threshold=1.3,
                      max_iterations=16, stop_on_duplicate_support=True),
        overcomplete_case(batches, "static, rows put back to length 1", rows, 5),
        through_case(batches, "static, rows divided by their lengths", free, 5),
    ]
    golden = {"rows": ROWS, "d_in": D, "d_sae": F, "lr": LR, "batches": [numbers(x) for x in batches], "cases": cases}
    with open(path, "w") as out:
        out.write(json.dumps(golden, separators=(",", ":")).replace('"name"', '\n"name"') + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
