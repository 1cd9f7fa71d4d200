"""Writes what PyTorch's optimisers make of given gradients: the oracle of `tests/optim/peers_test.ts`.

    python optimizers_write.py ../golden/optimizers.json

Needs torch 2.9 or newer and schedulefree 1.4.1. Everything is float64. Adam, AdamW and Muon are torch's own; Muon's
iteration, which torch runs in bfloat16, is kept in float64. The schedule-free average is schedulefree's wrapper around
descent by signs. Sparse Adam is written out below: torch's own leaves moments alone where there is no gradient.
"""

import json
import sys
from pathlib import Path

import torch

import schedulefree

STEPS = 20
KEEP = (1, STEPS)
SHAPES = {"tall": (12, 5), "wide": (4, 9), "vector": (7,)}
BETAS, EPS = (0.9, 0.999), 1e-8
RATES = [0.02 * min(1.0, (t + 1) / 4) for t in range(STEPS)]


class SignDescent(torch.optim.Optimizer):
    """p -= lr * sign(g)."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(torch.sign(p.grad), alpha=group["lr"])


class SparseAdam(torch.optim.Optimizer):
    """Moments always decay; only values with a gradient move; eps stands beside the uncorrected root."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                t = state["t"] = state.get("t", 0) + 1
                m = state.setdefault("m", torch.zeros_like(p))
                v = state.setdefault("v", torch.zeros_like(p))
                m.mul_(BETAS[0]).add_(p.grad, alpha=1 - BETAS[0])
                v.mul_(BETAS[1]).addcmul_(p.grad, p.grad, value=1 - BETAS[1])
                size = group["lr"] * (1 - BETAS[1] ** t) ** 0.5 / (1 - BETAS[0] ** t)
                move = size * m / (v.sqrt() + EPS)
                p.sub_(torch.where(p.grad != 0, move, torch.zeros_like(p)))


def makers():
    """Optimisers by name: from parameters by name to a list of torch optimisers."""

    def muon(p):
        matrices = [v for v in p.values() if v.ndim == 2]
        vectors = [v for v in p.values() if v.ndim == 1]
        return [
            torch.optim.Muon(matrices, lr=1.0, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
            torch.optim.Adam(vectors, lr=1.0, betas=BETAS, eps=EPS),
        ]

    return {
        "adam": lambda p: [torch.optim.Adam(p.values(), lr=1.0, betas=BETAS, eps=EPS)],
        "adamw": lambda p: [torch.optim.AdamW(p.values(), lr=1.0, betas=BETAS, eps=EPS, weight_decay=0.05)],
        "sparse_adam": lambda p: [SparseAdam(p.values(), lr=1.0)],
        "signum": lambda p: [schedulefree.ScheduleFreeWrapper(SignDescent(p.values(), lr=1.0), momentum=0.95)],
        "muon": muon,
    }


def short(tensor):
    """Multiples of 1/1024: exact in float32, and short to write."""
    return torch.round(tensor * 1024) / 1024


def listed(tensors):
    return {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()}


def run(make, initial, gradients):
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in initial.items()}
    optimisers = make(parameters)
    out = {}
    for t in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = gradients[t][name].clone()
        for optimiser in optimisers:
            if hasattr(optimiser, "train"):
                optimiser.train()
            for group in optimiser.param_groups:
                group["lr"] = RATES[t]
            optimiser.step()
        if t + 1 in KEEP:
            out[str(t + 1)] = {"trained": listed(parameters)}
            for optimiser in optimisers:
                if hasattr(optimiser, "eval"):
                    optimiser.eval()
                    out[str(t + 1)]["exported"] = listed(parameters)
    return out


def main(target: Path) -> None:
    torch.set_default_dtype(torch.float64)
    torch.Tensor.bfloat16 = torch.Tensor.clone
    generator = torch.Generator().manual_seed(13)

    def draw(shape):
        return short(torch.randn(shape, generator=generator))

    def gradient(shape):
        values = draw(shape)
        return torch.where(torch.rand(shape, generator=generator) < 0.3, torch.zeros_like(values), values)

    initial = {name: draw(shape) for name, shape in SHAPES.items()}
    gradients = [{name: gradient(shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
    record = {
        "torch": torch.__version__,
        "schedulefree": schedulefree.__version__ if hasattr(schedulefree, "__version__") else "1.4.1",
        "shapes": {name: list(shape) for name, shape in SHAPES.items()},
        "betas": BETAS,
        "eps": EPS,
        "rates": RATES,
        "initial": listed(initial),
        "gradients": [listed(g) for g in gradients],
        "results": {name: run(make, initial, gradients) for name, make in makers().items()},
    }
    target.write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
