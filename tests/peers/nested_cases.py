"""Writes tests/golden/nested.json: nested prefixes, multi-TopK and skip connections with gradients by PyTorch's
autograd, in float64.

    pip install torch==2.13.0
    python tests/peers/nested_cases.py

Every prefix is decoded on its own from dense latents, as the definition says:

    h = (x - b_pre) W_enc^T + b_enc,  f = the k largest of a row where positive, ties to the lowest latent
    y_g = b_dec + x W_skip^T + f[:, :M_g] W_dec[:M_g]
    L = sum_g w_g loss(y_g) + 1/8 loss(decode of the 4k largest)

with loss = sum of squares over the variance of the batch (fvu), or times a factor. Inputs are float32 numbers, among
them rows where nothing is positive, a latent that never fires, and latents with the same score.
"""

import json
import pathlib

import torch

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent

CASES = [
    dict(name="autoencoder, five prefixes", bounds=[2, 5, 9, 13, 17], d_out=6),
    dict(name="autoencoder, bias level, weights, scaled loss", bounds=[0, 1, 4, 17],
         weights=[0.1, 1.0, 0.0, 0.7], factor=1 / 11, d_out=6),
    dict(name="autoencoder, multi-TopK", bounds=[17], multi=True, d_out=6),
    dict(name="transcoder", bounds=[17], d_out=4, transcoder=True),
    dict(name="skip transcoder, multi-TopK", bounds=[17], d_out=4, transcoder=True, skip=True, multi=True),
    dict(name="nested skip transcoder", bounds=[3, 8, 17], weights=[1.0, 1.0, 1.0], d_out=4,
         transcoder=True, skip=True),
    dict(name="nested, multi-TopK", bounds=[4, 17], multi=True, d_out=6),
]
ROWS, D_IN, LATENTS, K = 11, 6, 17, 3


def rounded(t):
    return t.float().double()


def select(h, k):
    """The k largest of each row where positive; a stable sort leaves ties in the order of latents."""
    order = torch.sort(h, dim=1, descending=True, stable=True).indices[:, :k]
    mask = torch.zeros_like(h).scatter(1, order, 1.0)
    return h * mask * (h > 0)


def case(seed, name, bounds, d_out, weights=None, factor=None, multi=False, transcoder=False, skip=False):
    gen = torch.Generator().manual_seed(seed)
    draw = lambda *shape: rounded(torch.randn(*shape, generator=gen))
    along = draw(D_IN)
    along = along / along.norm()
    across = draw(LATENTS, D_IN)
    across = across - (across @ along)[:, None] * along
    w_enc = rounded(0.7 * across + along * (0.4 + torch.rand(LATENTS, 1, generator=gen)))
    w_enc[7] = w_enc[4]
    b_enc = rounded(0.1 * draw(LATENTS))
    b_enc[7] = b_enc[4]
    b_enc[11] = -100.0
    x = draw(ROWS, D_IN)
    x[3] = rounded(-9 * along)
    x[8] = rounded(-7 * along)
    leaves = dict(W_enc=w_enc, b_enc=b_enc, W_dec=draw(LATENTS, d_out), b_dec=rounded(0.1 * draw(d_out)))
    if skip:
        leaves["W_skip"] = rounded(0.3 * draw(d_out, D_IN))
    y = draw(ROWS, d_out) if transcoder else x
    weights = weights or [1 / len(bounds)] * len(bounds)
    for leaf in leaves.values():
        leaf.requires_grad_()

    h = (x if transcoder else x - leaves["b_dec"]) @ leaves["W_enc"].T + leaves["b_enc"]
    spread = ((y - y.mean(0)) ** 2).sum()
    base = leaves["b_dec"] + (x @ leaves["W_skip"].T if skip else 0)

    def loss_of(f, bound):
        square = ((y - base - f[:, :bound] @ leaves["W_dec"][:bound]) ** 2).sum()
        return square / spread if factor is None else factor * square

    f = select(h, K)
    loss = sum(w * loss_of(f, m) for m, w in zip(bounds, weights))
    if multi:
        loss = loss + loss_of(select(h, 4 * K), LATENTS) / 8
    loss.backward()
    # Empty rows, a silent latent, a tie that has to be decided.
    if not ((f[3] == 0).all() and (f[:, 11] == 0).all() and ((f[:, 4] > 0) & (f[:, 7] == 0)).any()):
        return None
    # float32 must find the same latents: no score close to the last that is kept.
    for k in (K, 4 * K) if multi else (K,):
        ranked = torch.sort(h, dim=1, descending=True).values
        gap = ranked[:, k - 1] - ranked[:, k]
        near = (gap.abs() < 1e-4) & (gap != 0) & (ranked[:, k - 1] > 0)
        if near.any():
            return None
    return dict(
        name=name, k=K, bounds=bounds, weights=weights, factor=factor, multi=multi, transcoder=transcoder,
        x=x.tolist(), y=y.tolist(),
        weights_of={n: t.detach().tolist() for n, t in leaves.items()},
        loss=loss.item(),
        gradients={n: t.grad.tolist() for n, t in leaves.items()},
    )


def trimmed(value):
    """Numbers with as many digits as float64 comparisons to 1e-10 need."""
    if isinstance(value, dict):
        return {k: trimmed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [trimmed(v) for v in value]
    return float(f"{value:.13g}") if isinstance(value, float) else value


def first_awkward(index, options):
    """The case of the first seed that gives all that makes it awkward."""
    return next(found for seed in range(1000 * index, 1000 * index + 1000) if (found := case(seed, **options)))


cases = [trimmed(first_awkward(i, c)) for i, c in enumerate(CASES)]
text = json.dumps({"cases": cases}, separators=(",", ":"))
(HERE.parent / "golden" / "nested.json").write_text(text + "\n")
print(f"{len(cases)} cases, {len(text)} bytes")
