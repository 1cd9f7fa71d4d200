"""Writes tests/golden/lorsa.json: low-rank sparse attention with its gradients by PyTorch's autograd, in float64.

    pip install torch==2.13.0
    python tests/peers/lorsa_cases.py

The forward pass is written out from its definition: values of all latents are made and mixed by the attention of
their head. Each case has its weights, inputs, scores, the gradient of a loss by every parameter, and the loss
itself: sum over rows of ‖y - f W_O - b_D‖² / rows with f the k largest scores of a row, where positive.
"""

import json
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent

CASES = [
    dict(name="adjacent pairs", rotary_dim=4, adjacent=True),
    dict(name="halves of a part, norms, a scale of its own", rotary_dim=4, d_qk=8, norms=True, scale=1.7),
    dict(name="no positions", rotary_dim=0),
    dict(name="copies", rotary_dim=8, adjacent=True, copies=2),
    dict(
        name="frequencies by parts", rotary_dim=8, d_qk=8, base=50.0,
        ntk=dict(factor=4.0, low=1.0, high=4.0, old_context=16),
    ),
]


def frequencies(rotary_dim, base, ntk):
    inverse = base ** (-torch.arange(0, rotary_dim, 2).double() / rotary_dim)
    if ntk is None:
        return inverse
    wave = 2 * math.pi / inverse
    smooth = (ntk["old_context"] / wave - ntk["low"]) / (ntk["high"] - ntk["low"])
    blend = inverse * (smooth + (1 - smooth) / ntk["factor"])
    slow, fast = wave > ntk["old_context"] / ntk["low"], wave < ntk["old_context"] / ntk["high"]
    return torch.where(fast, inverse, torch.where(slow, inverse / ntk["factor"], blend))


def rotate(x, rotary_dim, adjacent, base, copies, ntk):
    """x [sequences, positions, heads, width]; pairs are complex numbers that are turned."""
    x = x.repeat_interleave(copies, dim=-1)
    if rotary_dim == 0:
        return x
    angle = torch.arange(x.shape[1]).double()[:, None] * frequencies(rotary_dim, base, ntk)
    turn = torch.polar(torch.ones_like(angle), angle)[None, :, None, :]
    head, rest = x[..., :rotary_dim], x[..., rotary_dim:]
    if adjacent:
        pairs = head.unflatten(-1, (rotary_dim // 2, 2))
    else:
        pairs = head.unflatten(-1, (2, rotary_dim // 2)).transpose(-1, -2)
    turned = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * turn)
    turned = turned.flatten(-2) if adjacent else turned.transpose(-1, -2).flatten(-2)
    return torch.cat([turned, rest], dim=-1)


def rms(x, gain, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * gain


def case(index, name, rotary_dim, adjacent=False, base=10.0, copies=1, ntk=None, d_qk=4, norms=False, scale=None):
    generator = torch.Generator().manual_seed(index)
    sequences, length, d, heads, latents, k, eps = 2, 6, 6, 2, 10, 3, 1e-2
    draw = lambda *shape, size=1.0: (torch.randn(*shape, generator=generator) * size).requires_grad_()
    scale = scale or math.sqrt(d_qk)
    weights = dict(
        W_Q=draw(heads * d_qk, d, size=0.7), b_Q=draw(heads * d_qk, size=0.3),
        W_K=draw(heads * d_qk, d, size=0.7), b_K=draw(heads * d_qk, size=0.3),
        W_V=draw(latents, d), b_V=draw(latents, size=0.3),
        W_O=draw(latents, d), b_D=draw(d, size=0.3),
    )
    if norms:
        weights["ln_q"] = draw(heads * d_qk)
        weights["ln_k"] = draw(heads * d_qk)
    x, y = draw(sequences, length, d).detach(), draw(sequences, length, d).detach()

    def side(which):
        out = (x @ weights[f"W_{which}"].T + weights[f"b_{which}"]).unflatten(-1, (heads, d_qk))
        gain = weights.get(f"ln_{which.lower()}")
        if gain is not None:
            out = rms(out, gain.unflatten(0, (heads, d_qk)), eps)
        return rotate(out, rotary_dim, adjacent, base, copies, ntk)

    score = torch.einsum("sqhw,skhw->shqk", side("Q"), side("K")) / scale
    score = score.masked_fill(torch.ones(length, length).triu(1).bool(), -torch.inf)
    values = (x @ weights["W_V"].T + weights["b_V"]).unflatten(-1, (heads, latents // heads))
    hidden = torch.einsum("shqk,skhi->sqhi", score.softmax(-1), values).flatten(-2)
    chosen = hidden.detach().topk(k, dim=-1).indices
    mask = torch.zeros_like(hidden).scatter(-1, chosen, 1.0)
    acts = hidden.relu() * mask
    error = y - acts @ weights["W_O"] - weights["b_D"]
    loss = error.pow(2).sum() / (sequences * length)
    loss.backward()
    flat = lambda t: t.detach().flatten(0, -2).tolist() if t.dim() > 1 else t.detach().tolist()
    return dict(
        name=name,
        heads=heads, length=length, scale=scale, eps=eps, k=k,
        rotary=None if rotary_dim == 0 else dict(
            dim=rotary_dim, base=base, adjacent_pairs=adjacent, copies=copies, ntk=ntk,
        ),
        x=flat(x), y=flat(y), scores=flat(hidden), loss=loss.item(),
        weights={name: flat(w) for name, w in weights.items()},
        gradients={name: flat(w.grad) for name, w in weights.items()},
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
    (HERE / "../golden/lorsa.json").write_text(body + "\n")
