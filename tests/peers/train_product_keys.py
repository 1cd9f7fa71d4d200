"""
Training steps of product-key memories as the seed post publishes them (EleutherAI, "Product Key Memory Sparse Coders"): its
four steps in float64, written out here because no package has them.

Both sub-encoders keep their k largest scores; the k² sums, each through ReLU, are candidates; those that are no latent drop
out; the k largest of the rest are the code.
"""
import math

import torch

from train_record import D, F, adam_steps, fill, record

PEER = "the published algorithm, float64"
K = 5
EXACT = "8: one that drops out keeps no better one out: here sub-encoders keep as many more"


def code_of(p, x, side, latents):
    """Values and latents [rows, K]."""
    u, v = x @ p["U"].T + p["bu"], x @ p["V"].T + p["bv"]
    kept = min(side, K + side * side - latents)
    (first, i1), (second, i2) = u.topk(kept), v.topk(kept)
    values = torch.relu(first[:, :, None] + second[:, None, :]).flatten(1)
    chosen = (i1[:, :, None] * side + i2[:, None, :]).flatten(1)
    values = torch.where(chosen < latents, values, -1.0)
    best = values.topk(K).indices
    values, chosen = values.gather(1, best), chosen.gather(1, best)
    every = torch.relu(u[:, :, None] + v[:, None, :]).flatten(1)[:, :latents].topk(K).values
    assert torch.equal(values, every), "the k largest of all latents"
    return values, chosen


def case(name, kind, latents, reason=""):
    side = math.ceil(math.sqrt(latents))
    skips = kind == "skip_transcoder"
    shapes = {"U": (side, D), "V": (side, D), "bu": (side,), "bv": (side,), "W_dec": (latents, D), "b_dec": (D,),
              **({"W_skip": (D, D)} if skips else {})}
    p = {n: torch.zeros(shape, dtype=torch.float64, requires_grad=True) for n, shape in shapes.items()}
    fill(p, {n: 0.3 if n in ("U", "V", "W_dec") else 0.1 for n in p})

    def loss_of(batch):
        x, y = batch[0], batch[-1]
        values, chosen = code_of(p, x if skips else x - p["b_dec"], side, latents)
        recon = (values[:, :, None] * p["W_dec"][chosen]).sum(1) + p["b_dec"]
        recon = recon + x @ p["W_skip"].T if skips else recon
        return (y - recon).square().sum() / (y - y.mean(0)).square().sum()
    names = {"W_keys": lambda: torch.cat([p["U"], p["V"]]), "b_keys": lambda: torch.cat([p["bu"], p["bv"]]),
             **{n: (lambda n=n: p[n]) for n in ("W_dec", "b_dec", "W_skip") if n in p}}
    options = {"dSae": latents, "encoder": "pkm", "k": K, "m1": side, "unitRows": False}
    head = {"name": name, "peer": PEER, "type": kind, "options": options, "step": {"k": K}, "clip": 0}
    return record(head, names, ["x0", "y0"] if skips else ["x0"], adam_steps(p.values(), loss_of), reason)


def cases():
    yield case("product keys", "pkm", 49)
    yield case("skip transcoder with product keys", "skip_transcoder", 49)
    yield case("skip transcoder with product keys, one place of the grid empty", "skip_transcoder", F, reason=EXACT)
