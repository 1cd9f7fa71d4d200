"""Writes tests/golden/pkm.json: codes of product-key memories and their gradients by PyTorch's autograd, in float64.

    pip install torch==2.13.0
    python tests/peers/pkm_cases.py

Every latent is scored: head h gives latent i1 * m2 + i2 the score u[i1] + v[i2] (+ b), keeps its share of the k best
(ties to the lowest latent) where they are positive, and values of heads add up. Each case has weights, inputs, the
dense values, the loss sum over rows of ‖y - f W_dec - b_dec‖² / rows, its gradient by every parameter, and the sum
over rows of that by the input.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent

CASES = [
    dict(name="one head", m1=4, m2=5, k=4),
    dict(name="k 1", m1=5, m2=3, k=1),
    dict(name="k above a side", m1=3, m2=4, k=7),
    dict(name="k of all latents", m1=3, m2=3, k=9),
    dict(name="padded", m1=4, m2=5, latents=17, k=6),
    dict(name="two heads", m1=4, m2=4, heads=2, k=6),
    dict(name="three heads share 7", m1=3, m2=4, heads=3, k=7),
    dict(name="ties", m1=4, m2=5, k=6, grid=True),
    dict(name="ties of two heads, a bias a latent", m1=4, m2=4, heads=2, k=6, grid=True, bias=True),
    dict(name="a bias a latent, padded", m1=4, m2=5, latents=18, k=5, bias=True),
]


def draw(generator, *shape, size=1.0, grid=False):
    out = torch.randn(*shape, generator=generator) * size
    # Multiples of a half have many equal sums; float32 holds them and their products exactly.
    out = torch.round(out * 2) / 2 if grid else out.float().double()
    return out.requires_grad_()


def case(index, name, m1, m2, k, latents=None, heads=1, grid=False, bias=False):
    generator = torch.Generator().manual_seed(index)
    rows, d, latents = 9, 6, latents or m1 * m2
    new = lambda *shape, size=1.0: draw(generator, *shape, size=size, grid=grid)
    weights = dict(
        W_keys=new(heads * (m1 + m2), d), b_keys=new(heads * (m1 + m2), size=0.5),
        W_dec=new(latents, d), b_dec=new(d, size=0.5),
    )
    if bias:
        weights["b_latent"] = new(latents, size=0.7)
    x, y = new(rows, d), new(rows, d).detach()

    scores = x @ weights["W_keys"].T + weights["b_keys"]
    f = torch.zeros(rows, latents)
    for h, part in enumerate(scores.split(m1 + m2, dim=1)):
        u, v = part.split([m1, m2], dim=1)
        sums = (u[:, :, None] + v[:, None, :]).flatten(1)[:, :latents]
        if bias:
            sums = sums + weights["b_latent"]
        share = (k + heads - 1 - h) // heads
        best = torch.argsort(sums.detach(), dim=1, descending=True, stable=True)[:, :share]
        f = f + sums.relu() * torch.zeros(rows, latents).scatter(1, best, 1.0)
    error = y - f @ weights["W_dec"] - weights["b_dec"]
    loss = error.pow(2).sum() / rows
    loss.backward()
    return dict(
        name=name, m1=m1, m2=m2, latents=latents, heads=heads, k=k,
        x=x.tolist(), y=y.tolist(), values=f.tolist(), loss=loss.item(),
        weights={name: w.tolist() for name, w in weights.items()},
        gradients={name: w.grad.tolist() for name, w in weights.items()},
        input_sum=x.grad.sum(0).tolist(),
    )


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


if __name__ == "__main__":
    cases = [case(i, **options) for i, options in enumerate(CASES)]
    body = json.dumps({"torch": torch.__version__, "cases": rounded(cases)}, separators=(",", ":"))
    (HERE / "../golden/pkm.json").write_text(body + "\n")
