"""What the scripts of train_steps.py share: the points of all batches, and how the steps of a peer are recorded.

First values and points are float32; peers compute in float64, so that a difference is the program's rounding or its fault.
"""
import zlib

import numpy as np
import torch

ROWS, D, F, STEPS, LR = 64, 16, 48, 20, 1e-3
"""Rows of a batch, width of all points, latents, steps, learning rate."""
COUNTS = (1, STEPS)
RNG = np.random.default_rng(5)


def reseed(name):
    """First values of a peer's cases do not depend on which peers come before."""
    global RNG
    RNG = np.random.default_rng(zlib.crc32(name.encode()))


def normal(*shape, scale=1.0):
    """Random numbers that float32 holds, as float64."""
    return torch.tensor((RNG.normal(size=shape) * scale).astype(np.float32).astype(np.float64))


def exact(values):
    return values.float().double()


def _points():
    points = {}
    for layer in range(3):
        points[f"x{layer}"] = [normal(ROWS, D) for _ in range(STEPS)]
    for layer in range(3):
        mix = normal(D, D, scale=0.3)
        points[f"y{layer}"] = [
            exact(sum(points[f"x{l}"][t] for l in range(layer + 1)) @ mix + 0.2 * torch.relu(points[f"x{layer}"][t]))
            for t in range(STEPS)
        ]
    return points


POINTS = _points()
"""Batches by the name of the point: inputs x0, x1, x2 and targets y0, y1, y2 [STEPS][ROWS, D]."""


def batches(*names):
    """Of every step the matrices of these points."""
    return list(zip(*(POINTS[name] for name in names)))


def fill(parameters, scales):
    """Gives parameters random first values of these scales, by name; float32 holds them."""
    with torch.no_grad():
        for name, scale in scales.items():
            parameters[name].copy_(normal(*parameters[name].shape, scale=scale))


def numbers(values):
    return [float(f"{v:.10g}") for v in values.detach().double().contiguous().reshape(-1).tolist()]


def record(head, names, points, step, reason=""):
    """
    Takes all steps of a case and writes down what came of it.

    head: name, peer, type, options (in the program's words), step (numbers of a step by name), clip (longest gradient, 0
        for any), and parameters whose rows are put back to length 1 after a step in `normalised`
    names: the program's name of a parameter, and a function that gives its values
    points: names of the points of a batch
    step: a function that takes a training step on a batch and gives its loss
    reason: the line of the architectures specification on which the program differs from the peer, where it does
    """
    def values():
        return {name: numbers(get()) for name, get in names.items()}
    case = {**head, "reason": reason, "points": list(points), "initial": values(), "losses": [], "weights": {}}
    for t, batch in enumerate(batches(*points)):
        case["losses"].append(step(batch).item())
        if t + 1 in COUNTS:
            case["weights"][str(t + 1)] = values()
    return case


def adam_steps(parameters, loss_of, before=None, after=None):
    """A step of PyTorch's Adam on the loss of a batch, for peers whose trainers need a whole language model."""
    optimizer = torch.optim.Adam(list(parameters), lr=LR, betas=(0.9, 0.999), eps=1e-8)

    def step(batch):
        optimizer.zero_grad()
        loss = loss_of(batch)
        loss.backward()
        if before:
            before()
        optimizer.step()
        if after:
            after()
        return loss
    return step
