"""Losses and gradients of one training step of every family, by PyTorch's autograd in float64.

Writes tests/golden/autograd/<case>.json: options, points, parameters, and what a step must find. The formulas are those of
the architectures specification; nothing here knows how the program computes them. Straight-through estimators are autograd
functions of their own.

    python tests/peers/autograd_cases.py tests/golden/autograd
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
ROWS, D, F = 24, 7, 20


def f32(values):
    return torch.tensor(np.asarray(values, dtype=np.float32).astype(np.float64))


def normal(seed, *shape, scale=1.0):
    return f32(np.random.default_rng(seed).normal(size=shape) * scale)


class Window(torch.autograd.Function):
    """JumpReLU: value h where h > theta, and the rectangle estimator of the threshold (spec 4.1, with h > 0)."""

    @staticmethod
    def forward(ctx, h, theta, width, to_input):
        ctx.save_for_backward(h, theta)
        ctx.width, ctx.to_input = width, to_input
        return h * (h > theta)

    @staticmethod
    def backward(ctx, g):
        h, theta = ctx.saved_tensors
        inside = ((h - theta).abs() < ctx.width / 2) & (h > 0)
        dh = g * (h > theta)
        pseudo = g * inside * theta / ctx.width
        if ctx.to_input:
            dh = dh + pseudo
        return dh, -pseudo.sum(0), None, None


class Step(torch.autograd.Function):
    """The step function with the same estimator."""

    @staticmethod
    def forward(ctx, h, theta, width, to_input):
        ctx.save_for_backward(h, theta)
        ctx.width, ctx.to_input = width, to_input
        return (h > theta).to(h.dtype)

    @staticmethod
    def backward(ctx, g):
        h, theta = ctx.saved_tensors
        inside = ((h - theta).abs() < ctx.width / 2) & (h > 0)
        pseudo = g * inside / ctx.width
        return (pseudo if ctx.to_input else None), -pseudo.sum(0), None, None


def topk_mask(scores, k):
    """The k largest positive scores of each row, ties to the lowest latent."""
    order = torch.argsort(scores, dim=1, descending=True, stable=True)[:, :k]
    mask = torch.zeros_like(scores, dtype=torch.bool)
    mask.scatter_(1, order, True)
    return mask & (scores > 0)


def batch_mask(scores, count):
    flat = scores.reshape(1, -1)
    return topk_mask(flat, count).reshape(scores.shape)


def group_mask(scores, groups):
    size = scores.shape[1] // groups
    mask = torch.zeros_like(scores, dtype=torch.bool)
    for g in range(groups):
        part = scores[:, g * size:(g + 1) * size]
        best = part.argmax(1)
        mask[torch.arange(len(scores)), g * size + best] = True
    return mask & (scores > 0)


def spread(y):
    return ((y - y.mean(0)) ** 2).sum().detach()


def recon_loss(kind, y, recon):
    square = ((y - recon) ** 2).sum()
    if kind == "fvu":
        return square / spread(y)
    if kind == "sum_mean":
        return square / len(y)
    return square / y.numel()


def fvu(y, recon):
    return float(((y - recon) ** 2).sum() / spread(y))


def parameters(seed, d=D, o=D, latents=F, unit=True, bias=0.1):
    w_dec = normal(seed, latents, o)
    if unit:
        w_dec = f32(w_dec / w_dec.norm(dim=1, keepdim=True))
    return {
        "W_enc": normal(seed + 1, latents, d, scale=0.5),
        "b_enc": normal(seed + 2, latents, scale=bias),
        "W_dec": w_dec,
        "b_dec": normal(seed + 3, o, scale=0.1),
    }


def points(seed, count=1, rows=ROWS, d=D):
    out = [normal(seed + i, rows, d) for i in range(count)]
    return out


def scores_of(p, x, tied=True):
    c = x - p["b_dec"] if tied else x
    return c @ p["W_enc"].T + p["b_enc"]


def aux_loss(p, x, y, recon, dead, k_aux, tied=True, over_batch=False):
    """The dead latents reconstruct the residual; target and denominator count as data (spec 2, "Recommend")."""
    target = (y - recon).detach()
    # b_pre gets no gradient through AuxK's scores in the peers' reading "stop it"; the program lets it flow.
    h = scores_of(p, x, tied)
    alive = torch.ones(h.shape[1], dtype=torch.bool)
    alive[dead] = False
    among = h.masked_fill(alive, -math.inf).detach()
    if over_batch:
        mask = batch_mask(among, len(x) * min(k_aux, len(dead)))
    else:
        mask = topk_mask(among, k_aux)
    estimate = (h * mask) @ p["W_dec"]
    return ((target - estimate) ** 2).sum() / spread(target)


def penalty_of(name, f, n, options):
    """The penalty without its coefficient, mean over rows (spec 1, 4.4, 4.5, 5)."""
    v = f * n
    rows = len(f)
    if name == "l1":
        return v.sum() / rows
    if name == "tanh":
        return torch.tanh(options["c"] * v).sum() / rows
    if name == "tanh_quad":
        a = torch.tanh(options["c"] * v).mean(0)
        return (a * (1 + a / options["s"])).sum()
    if name == "lp":
        active = v[f > 0].clamp_min(1e-6)
        return (active ** options["p"]).sum() / rows
    if name == "lp_norm":
        total = 0
        for r in range(rows):
            own = v[r][f[r] > 0]
            if len(own):
                total = total + (own ** options["p"]).sum() ** (1 / options["p"])
        return total / rows
    raise ValueError(name)


def tolist(t):
    return [float(np.float32(v)) for v in t.detach().reshape(-1)]


def exact(t):
    return [float(f"{float(v):.10g}") for v in t.detach().reshape(-1)]


def run(name, folder, family, options, pts, params, step, forward, dead=(), unit=()):
    """forward(p) -> (loss, {metric: value}, {number of active values})"""
    p = {k: v.clone().requires_grad_(True) for k, v in params.items()}
    loss, metrics = forward(p)
    loss.backward()
    grads = {}
    for key, value in p.items():
        g = value.grad if value.grad is not None else torch.zeros_like(value)
        if key in unit:
            w = value.detach()
            along = (w * g).sum(1, keepdim=True) / (w * w).sum(1, keepdim=True)
            g = g - along * w
        grads[key] = exact(g)
    case = {
        "name": name,
        "type": family,
        "options": options,
        "step": step,
        "dead": list(dead),
        "points": [tolist(x) for x in pts],
        "parameters": {k: tolist(v) for k, v in params.items()},
        "loss": float(loss.detach()),
        "metrics": {k: float(v) for k, v in metrics.items()},
        "gradients": grads,
    }
    (folder / f"{name}.json").write_text(json.dumps(case) + "\n")
    print(name, case["loss"], metrics)


BASE = {"rows": ROWS, "dIn": D, "dSae": F, "k": 4}
STEP = {"k": 4, "batchK": 4 * ROWS}


def topk_cases(folder):
    x, = points(10)
    p = parameters(20)
    # Latents 3 and 5 are the same: ties. Row 2 has no positive score but those of dead latents.
    for key in ("W_enc", "b_enc"):
        p[key][5] = p[key][3]
    dead = [1, 7, 8, 13]
    for k in dead:
        p["b_enc"][k] = -1.5
    def forward(p):
        h = scores_of(p, x)
        f = h * topk_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        fired = set(torch.nonzero(f.detach().sum(0)).reshape(-1).tolist())
        now = [j for j in dead if j not in fired]
        loss = recon_loss("fvu", x, recon)
        aux = aux_loss(p, x, x, recon, now, 3)
        return loss + aux / 32, {"recon/fvu": fvu(x, recon), "loss/auxk": float(aux),
                                 "sparsity/l0": float((f > 0).sum()) / ROWS, "sparsity/dead": len(now)}
    run("topk_auxk_ties", folder, "topk", {**BASE, "auxkCoefficient": 1 / 32, "kAux": 3}, [x], p, STEP, forward,
        dead=dead, unit=["W_dec"])

    def batch_aux(p):
        h = scores_of(p, x)
        f = h * topk_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        fired = set(torch.nonzero(f.detach().sum(0)).reshape(-1).tolist())
        now = [j for j in dead if j not in fired]
        aux = aux_loss(p, x, x, recon, now, 3, over_batch=True)
        return recon_loss("fvu", x, recon) + aux / 32, {"recon/fvu": fvu(x, recon), "loss/auxk": float(aux)}
    run("topk_auxk_over_batch", folder, "topk",
        {**BASE, "auxkCoefficient": 1 / 32, "kAux": 3, "auxSelect": "batch"}, [x], p, STEP, batch_aux,
        dead=dead, unit=["W_dec"])

    q = parameters(25)
    def multi(p):
        h = scores_of(p, x)
        small = h * topk_mask(h.detach(), 4)
        large = h * topk_mask(h.detach(), 16)
        recon = small @ p["W_dec"] + p["b_dec"]
        second = large @ p["W_dec"] + p["b_dec"]
        loss = recon_loss("fvu", x, recon) + recon_loss("fvu", x, second) / 8
        return loss, {"recon/fvu": fvu(x, recon), "sparsity/l0": float((small > 0).sum()) / ROWS}
    run("topk_multi", folder, "topk", {**BASE, "multiTopk": True}, [x], q, STEP, multi, unit=["W_dec"])

    r = parameters(26, unit=False)
    def by_norm(p):
        h = scores_of(p, x)
        n = p["W_dec"].detach().norm(dim=1)
        f = h * topk_mask(h.detach() * n, 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        return recon_loss("sum_mean", x, recon), {"recon/fvu": fvu(x, recon)}
    run("topk_by_decoder_norm", folder, "topk",
        {**BASE, "unitRows": False, "gateByDecoderNorm": True, "loss": "sum_mean"}, [x], r, STEP, by_norm)


def selection_cases(folder):
    x, = points(30)
    p = parameters(40)
    def batch(p):
        h = scores_of(p, x)
        f = h * batch_mask(h.detach(), 4 * ROWS)
        recon = f @ p["W_dec"] + p["b_dec"]
        return recon_loss("fvu", x, recon), {"recon/fvu": fvu(x, recon), "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("batchtopk", folder, "batchtopk", BASE, [x], p, STEP, batch, unit=["W_dec"])
    run("batchtopk_half", folder, "batchtopk", {**BASE, "k": 1.5, "kMax": 2}, [x], p,
        {"k": 1, "batchK": int(1.5 * ROWS)}, lambda p: half(p, x), unit=["W_dec"])
    def groups(p):
        h = scores_of(p, x)
        f = h * group_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        return recon_loss("fvu", x, recon), {"recon/fvu": fvu(x, recon), "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("groupmax", folder, "groupmax", BASE, [x], p, STEP, groups, unit=["W_dec"])


def half(p, x):
    h = scores_of(p, x)
    f = h * batch_mask(h.detach(), int(1.5 * ROWS))
    recon = f @ p["W_dec"] + p["b_dec"]
    return recon_loss("fvu", x, recon), {"sparsity/l0": float((f > 0).sum()) / ROWS}


def penalty_cases(folder):
    x, = points(50)
    p = parameters(60, unit=False)
    for name, coefficient in [("l1", 0.4), ("tanh", 0.3), ("tanh_quad", 0.02), ("lp", 0.2), ("lp_norm", 0.2)]:
        numbers = {"c": 4.0, "s": 0.01, "p": 0.75 if name.startswith("lp") else 1.0}
        def forward(p, name=name, coefficient=coefficient, numbers=numbers):
            h = scores_of(p, x)
            f = torch.relu(h)
            recon = f @ p["W_dec"] + p["b_dec"]
            n = p["W_dec"].norm(dim=1)
            pen = coefficient * penalty_of(name, f, n, numbers)
            return recon_loss("sum_mean", x, recon) + pen, {
                "recon/fvu": fvu(x, recon), "loss/sparsity": float(pen),
                "sparsity/l0": float((f > 0).sum()) / ROWS}
        run(f"relu_{name}", folder, "relu",
            {**BASE, "loss": "sum_mean", "unitRows": False, "penaltyName": name, "numbers": numbers}, [x], p,
            {**STEP, "coefficient": coefficient, "exponent": numbers["p"]}, forward)
    # Without the constraint and without decoder norms: the plain L1 of unit rows.
    q = parameters(61)
    def unit(p):
        h = scores_of(p, x)
        f = torch.relu(h)
        recon = f @ p["W_dec"] + p["b_dec"]
        pen = 0.4 * f.sum() / ROWS
        return recon_loss("sum_mean", x, recon) + pen, {"loss/sparsity": float(pen)}
    run("relu_unit_rows", folder, "relu",
        {**BASE, "loss": "sum_mean", "unitRows": True, "penaltyName": "l1", "numbers": {"c": 4, "s": 0.01, "p": 1}},
        [x], q, {**STEP, "coefficient": 0.4, "exponent": 1}, unit, unit=["W_dec"])


def jumprelu_cases(folder):
    x, = points(70)
    base = parameters(80, unit=False)
    theta = f32(np.abs(np.random.default_rng(81).normal(size=F)) * 0.4 + 0.1)
    # Some scores a hair above and below their thresholds: the penalty's window has to be exact there.
    def forward(p, kind, coefficient, log, to_input, pre_act, width, target=6.0):
        t = torch.exp(p["log_threshold"]) if log else p["threshold"]
        h = scores_of(p, x)
        f = Window.apply(h, t, width, to_input)
        recon = f @ p["W_dec"] + p["b_dec"]
        n = p["W_dec"].norm(dim=1)
        rows = len(x)
        loss = recon_loss("sum_mean", x, recon)
        metrics = {"recon/fvu": fvu(x, recon), "sparsity/l0": float((f > 0).sum()) / rows}
        if kind == "tanh":
            pen = coefficient * penalty_of("tanh", f, n, {"c": 4.0})
        elif kind == "l0":
            pen = coefficient * Step.apply(h, t, width, to_input).sum() / rows
        else:
            l0 = Step.apply(h, t, width, to_input).sum() / rows
            pen = coefficient * (l0 / target - 1) ** 2
        loss = loss + pen
        metrics["loss/sparsity"] = float(pen)
        if pre_act:
            pre = pre_act * (torch.relu(t - h) * n).sum() / rows
            loss = loss + pre
            metrics["loss/pre_act"] = float(pre)
        return loss, metrics
    variants = [
        ("l0", 0.3, False, False, 0.0, 0.5),
        ("target_l0", 0.7, False, False, 0.0, 0.5),
        ("tanh", 0.5, False, False, 0.0, 2.0),
        ("tanh", 0.5, False, False, 0.2, 2.0),
        ("tanh", 0.5, True, False, 0.2, 1.0),
        ("l0", 0.3, False, True, 0.0, 0.5),
    ]
    for kind, coefficient, log, to_input, pre_act, width in variants:
        p = dict(base)
        if log:
            p["log_threshold"] = f32(np.log(theta.numpy()))
        else:
            p["threshold"] = theta
        name = f"jumprelu_{kind}" + ("_log" if log else "") + ("_ste_to_input" if to_input else "") + (
            "_pre_act" if pre_act else "")
        run(name, folder, "jumprelu", {
            **BASE, "loss": "sum_mean", "unitRows": False, "penaltyName": kind, "bandwidth": width, "log": log,
            "steToInput": to_input, "preActCoefficient": pre_act, "targetL0": 6.0,
            "numbers": {"c": 4.0, "s": 0.01, "p": 1}}, [x], p,
            {**STEP, "coefficient": coefficient, "exponent": 1, "preActCoefficient": pre_act},
            lambda p, a=(kind, coefficient, log, to_input, pre_act, width): forward(p, *a))


def more_jumprelu_cases(folder):
    x, = points(75)
    base = parameters(85, unit=False)
    base["threshold"] = f32(np.abs(np.random.default_rng(86).normal(size=F)) * 0.4 + 0.1)
    dead = [2, 9, 15]
    silent = {k: v.clone() for k, v in base.items()}
    for k in dead:
        silent["b_enc"][k] = -4.0
    def quad(p):
        h = scores_of(p, x)
        f = Window.apply(h, p["threshold"], 1.0, False)
        recon = f @ p["W_dec"] + p["b_dec"]
        n = p["W_dec"].norm(dim=1)
        pen = 0.02 * penalty_of("tanh_quad", f, n, {"c": 4.0, "s": 0.01})
        pre = 0.2 * (torch.relu(p["threshold"] - h) * n)[:, dead].sum() / ROWS
        return recon_loss("sum_mean", x, recon) + pen + pre, {
            "loss/sparsity": float(pen), "loss/pre_act": float(pre), "sparsity/dead": len(dead)}
    common = {**BASE, "loss": "sum_mean", "unitRows": False, "bandwidth": 1.0}
    numbers = {"numbers": {"c": 4.0, "s": 0.01, "p": 1}}
    run("jumprelu_tanh_quad_pre_act_dead", folder, "jumprelu",
        {**common, **numbers, "penaltyName": "tanh_quad", "preAct": "dead"}, [x], silent,
        {**STEP, "coefficient": 0.02, "exponent": 1, "preActCoefficient": 0.2}, quad, dead=dead)
    def by_norm(p):
        # Thresholds are compared with h n; the n of the gate is data, those of the losses are not.
        h = scores_of(p, x)
        n = p["W_dec"].norm(dim=1)
        fixed = n.detach()
        f = Window.apply(h * fixed, p["threshold"], 1.0, False) / fixed
        recon = f @ p["W_dec"] + p["b_dec"]
        pen = 0.3 * penalty_of("tanh", f, n, {"c": 4.0})
        pre = 0.2 * torch.relu(p["threshold"] - h * n).sum() / ROWS
        return recon_loss("sum_mean", x, recon) + pen + pre, {
            "loss/sparsity": float(pen), "loss/pre_act": float(pre),
            "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("jumprelu_tanh_by_decoder_norm", folder, "jumprelu",
        {**common, **numbers, "penaltyName": "tanh", "gateByDecoderNorm": True, "preActCoefficient": 0.2}, [x], base,
        {**STEP, "coefficient": 0.3, "exponent": 1, "preActCoefficient": 0.2}, by_norm)


def gated_cases(folder):
    x, = points(90)
    p = parameters(100)
    del p["b_enc"]
    p["b_gate"] = normal(101, F, scale=0.2)
    p["b_mag"] = normal(102, F, scale=0.2)
    p["r_mag"] = normal(103, F, scale=0.3)
    def forward(p):
        u = (x - p["b_dec"]) @ p["W_enc"].T
        pi = u + p["b_gate"]
        q = torch.exp(p["r_mag"]) * u + p["b_mag"]
        f = (pi > 0).to(q.dtype) * torch.relu(q)
        recon = f @ p["W_dec"] + p["b_dec"]
        pen = 0.3 * torch.relu(pi).sum() / ROWS
        second = torch.relu(pi) @ p["W_dec"].detach() + p["b_dec"].detach()
        loss = recon_loss("sum_mean", x, recon) + pen + recon_loss("sum_mean", x, second)
        return loss, {"recon/fvu": fvu(x, recon), "loss/sparsity": float(pen),
                      "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("gated", folder, "gated", {**BASE, "loss": "sum_mean", "unitRows": True, "penaltyName": "l1",
                                   "numbers": {"c": 4, "s": 0.01, "p": 1}}, [x], p,
        {**STEP, "coefficient": 0.3, "exponent": 1}, forward, unit=["W_dec"])
    # Free decoder rows: the penalty is weighted by their norms, which feel it.
    free = {**p, "W_dec": parameters(104, unit=False)["W_dec"]}
    def weighted(p):
        u = (x - p["b_dec"]) @ p["W_enc"].T
        pi = u + p["b_gate"]
        q = torch.exp(p["r_mag"]) * u + p["b_mag"]
        f = (pi > 0).to(q.dtype) * torch.relu(q)
        recon = f @ p["W_dec"] + p["b_dec"]
        pen = 0.3 * (torch.relu(pi) * p["W_dec"].norm(dim=1)).sum() / ROWS
        second = torch.relu(pi) @ p["W_dec"].detach() + p["b_dec"].detach()
        loss = recon_loss("fvu", x, recon) + pen + recon_loss("fvu", x, second)
        return loss, {"recon/fvu": fvu(x, recon), "loss/sparsity": float(pen)}
    run("gated_free_rows", folder, "gated", {**BASE, "loss": "fvu", "unitRows": False, "penaltyName": "l1",
                                             "numbers": {"c": 4, "s": 0.01, "p": 1}}, [x], free,
        {**STEP, "coefficient": 0.3, "exponent": 1}, weighted)


def matryoshka_cases(folder):
    x, = points(110)
    p = parameters(120)
    bounds = [3, 8, 20]
    for name, gate, weights in [("topk", "topk", [1 / 3] * 3), ("batchtopk", "batchtopk", [0.5, 1.0, 0.25])]:
        def forward(p, gate=gate, weights=weights):
            h = scores_of(p, x)
            mask = topk_mask(h.detach(), 4) if gate == "topk" else batch_mask(h.detach(), 4 * ROWS)
            f = h * mask
            loss = 0
            metrics = {}
            for i, (bound, w) in enumerate(zip(bounds, weights)):
                recon = f[:, :bound] @ p["W_dec"][:bound] + p["b_dec"]
                loss = loss + w * recon_loss("fvu", x, recon)
            metrics["recon/fvu"] = fvu(x, recon)
            return loss, metrics
        run(f"matryoshka_{name}", folder, "matryoshka",
            {**BASE, "activation": gate, "bounds": bounds, "weights": weights}, [x], p, STEP, forward,
            unit=["W_dec"])


def pursuit_cases(folder):
    x, = points(130)
    base = parameters(140)["W_dec"]
    bias = normal(141, D, scale=0.1)
    # Latents 3 and 5 are the same: ties. Row 2 is the bias: nothing is left to pick.
    base[5] = base[3]
    x[2] = bias
    free = {"unitRows": False, "loss": "sum_mean"}
    dynamic = {"mode": "dynamic", "maxIterations": 9, "residualThreshold": 0.9, "stopOnDuplicateSupport": True,
               "relu": True, "normaliseOnAccess": False}
    divided = {**dynamic, "mode": "static", "relu": False, "normaliseOnAccess": True}
    variants = [
        ("static", base, {"loss": "fvu"}, {**dynamic, "mode": "static"}),
        ("dynamic", base * 0.8, {**free, "pursuit": dynamic}, dynamic),
        ("normalised_on_access", base * 0.6, {**free, "pursuit": divided}, divided),
    ]
    for name, w, options, rules in variants:
        def forward(p, options=options, rules=rules):
            w = p["W_dec"] / p["W_dec"].norm(dim=1, keepdim=True) if rules["normaliseOnAccess"] else p["W_dec"]
            r = x - p["b_dec"]
            moves = rules["mode"] == "dynamic"
            values = torch.zeros(ROWS, F)
            done = torch.zeros(ROWS, dtype=torch.bool)
            for _ in range(rules["maxIterations"] if moves else 4):
                s = r @ w.T
                j = torch.argsort(s.detach(), dim=1, descending=True, stable=True)[:, 0]
                v = s[torch.arange(ROWS), j]
                v = (torch.relu(v) if rules["relu"] else v) * ~done
                before = values != 0
                values[torch.arange(ROWS), j] += v.detach()
                r = r - v[:, None] * w[j]
                if moves:
                    done |= (before == (values != 0)).all(1) | (r.detach().norm(dim=1) < rules["residualThreshold"])
            loss = (r ** 2).sum() / (spread(x) if options["loss"] == "fvu" else ROWS)
            return loss, {"recon/fvu": float((r.detach() ** 2).sum() / spread(x)),
                          "sparsity/l0": float((values != 0).sum()) / ROWS}
        run(f"matching_pursuit_{name}", folder, "matching_pursuit", {**BASE, **options}, [x],
            {"W_dec": f32(w), "b_dec": bias}, STEP, forward, unit=["W_dec"] if name == "static" else [])


def pkm_cases(folder):
    x, = points(150)
    m1, m2 = 4, 5
    base = parameters(160)
    keys = {"U": normal(161, m1, D, scale=0.5), "V": normal(162, m2, D, scale=0.5),
            "bu": normal(163, m1, scale=0.1), "bv": normal(164, m2, scale=0.1)}
    p = {**keys, "W_dec": base["W_dec"], "b_dec": base["b_dec"]}
    def forward(p):
        c = x - p["b_dec"]
        u = c @ p["U"].T + p["bu"]
        v = c @ p["V"].T + p["bv"]
        h = (u[:, :, None] + v[:, None, :]).reshape(ROWS, m1 * m2)
        f = h * topk_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        return recon_loss("fvu", x, recon), {"recon/fvu": fvu(x, recon), "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("pkm", folder, "pkm", {**BASE, "m1": m1, "m2": m2}, [x], p, STEP, forward, unit=["W_dec"])


def transcoder_cases(folder):
    x, y = points(170, 2)
    p = parameters(180, unit=False)
    p["W_skip"] = normal(181, D, D, scale=0.2)
    def skip(p):
        h = scores_of(p, x, tied=False)
        f = h * topk_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"] + x @ p["W_skip"].T
        return recon_loss("fvu", y, recon), {"recon/fvu": fvu(y, recon)}
    run("skip_transcoder", folder, "skip_transcoder", BASE, [x, y], p, STEP, skip)
    q = {k: v for k, v in p.items() if k != "W_skip"}
    dead = [2, 6]
    for k in dead:
        q["b_enc"] = q["b_enc"].clone()
        q["b_enc"][k] = -2.5
    def plain(p):
        h = scores_of(p, x, tied=False)
        f = h * topk_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        fired = set(torch.nonzero(f.detach().sum(0)).reshape(-1).tolist())
        now = [j for j in dead if j not in fired]
        aux = aux_loss(p, x, y, recon, now, 2, tied=False)
        return recon_loss("fvu", y, recon) + aux / 32, {"recon/fvu": fvu(y, recon), "loss/auxk": float(aux)}
    run("transcoder_auxk", folder, "transcoder", {**BASE, "auxkCoefficient": 1 / 32, "kAux": 2}, [x, y], q, STEP,
        plain, dead=dead)


def clt_cases(folder):
    layers = 3
    pts = points(190, 2 * layers)
    xs, ys = pts[:layers], pts[layers:]
    p = {"b_enc": normal(200, layers * F, scale=0.1)}
    for l in range(layers):
        p[f"W_enc_{l}"] = normal(201 + l, F, D, scale=0.5)
        p[f"W_dec_{l}"] = normal(211 + l, (l + 1) * F, D, scale=0.3)
        p[f"b_dec_{l}"] = normal(221 + l, D, scale=0.1)
    def scores(p):
        return [xs[l] @ p[f"W_enc_{l}"].T + p["b_enc"][l * F:(l + 1) * F] for l in range(layers)]
    def masks(h, gate):
        each = [s.detach() for s in h]
        joined = torch.cat(each, 1)
        if gate == "topk":
            return torch.cat([topk_mask(s, 4) for s in each], 1)
        if gate == "batchtopk":
            return torch.cat([batch_mask(s, 4 * ROWS) for s in each], 1)
        if gate == "layertopk":
            return topk_mask(joined, 4)
        if gate == "batchlayertopk":
            return batch_mask(joined, 4 * ROWS)
        return joined > 0
    for gate in ["topk", "batchtopk", "layertopk", "batchlayertopk"]:
        def forward(p, gate=gate):
            h = scores(p)
            f = torch.cat(h, 1) * masks(h, gate)
            loss, error, total, metrics = 0, 0, 0, {}
            for l in range(layers):
                recon = f[:, :(l + 1) * F] @ p[f"W_dec_{l}"] + p[f"b_dec_{l}"]
                loss = loss + recon_loss("fvu", ys[l], recon)
                metrics[f"recon/fvu_layer_{l}"] = fvu(ys[l], recon)
            metrics["sparsity/l0"] = float((f > 0).sum()) / ROWS
            return loss, metrics
        run(f"clt_{gate}", folder, "clt", {**BASE, "layers": layers, "activation": gate}, pts, p, STEP, forward)
    def penalised(p):
        h = scores(p)
        f = torch.relu(torch.cat(h, 1))
        norms = sum(torch.cat([p[f"W_dec_{l}"].pow(2).sum(1), torch.zeros((layers - 1 - l) * F)])
                    for l in range(layers)).sqrt()
        loss = 0
        for l in range(layers):
            recon = f[:, :(l + 1) * F] @ p[f"W_dec_{l}"] + p[f"b_dec_{l}"]
            loss = loss + recon_loss("sum_mean", ys[l], recon)
        pen = 0.2 * (torch.tanh(4 * f * norms)).sum() / ROWS
        return loss + pen, {"loss/sparsity": float(pen), "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("clt_relu_tanh", folder, "clt", {**BASE, "layers": layers, "activation": "relu", "loss": "sum_mean",
                                         "penaltyName": "tanh", "numbers": {"c": 4.0, "s": 0.01, "p": 1}}, pts, p,
        {**STEP, "coefficient": 0.2, "exponent": 1}, penalised)


def lorsa_cases(folder):
    context, heads, d_qk, latents = 8, 2, 4, 20
    x, y = points(230, 2)
    p = {
        "W_Q": normal(240, heads * d_qk, D, scale=0.4), "b_Q": normal(241, heads * d_qk, scale=0.1),
        "W_K": normal(242, heads * d_qk, D, scale=0.4), "b_K": normal(243, heads * d_qk, scale=0.1),
        "W_V": normal(244, latents, D, scale=0.5), "b_V": normal(245, latents, scale=0.1),
        "W_dec": normal(246, latents, D, scale=0.4), "b_dec": normal(247, D, scale=0.1),
    }

    def rotate(v, adjacent):
        # Pairs (2i, 2i + 1), or (i, i + dim / 2); angle position / base^(i / (dim / 2)).
        half = d_qk // 2
        position = torch.arange(context, dtype=v.dtype)[:, None]
        angle = position / (10000.0 ** (torch.arange(half, dtype=v.dtype) / half))[None, :]
        cos, sin = angle.cos(), angle.sin()
        a, b = (v[..., 0::2], v[..., 1::2]) if adjacent else (v[..., :half], v[..., half:])
        turned = [a * cos - b * sin, a * sin + b * cos]
        return torch.stack(turned, -1).reshape(v.shape) if adjacent else torch.cat(turned, -1)

    def scores(p, adjacent):
        seqs = x.reshape(-1, context, D)
        b = len(seqs)

        def side(letter):
            out = (seqs @ p[f"W_{letter}"].T + p[f"b_{letter}"]).reshape(b, context, heads, d_qk)
            gain = p.get(f"ln_{letter.lower()}")
            if gain is not None:
                scale = torch.rsqrt((out ** 2).mean(-1, keepdim=True) + 1e-6)
                out = out * scale * gain.reshape(heads, d_qk)
            return rotate(out.transpose(1, 2), adjacent)

        s = side("Q") @ side("K").transpose(-1, -2) / math.sqrt(d_qk)
        s = s.masked_fill(torch.triu(torch.ones(context, context, dtype=torch.bool), 1), -math.inf)
        v = seqs @ p["W_V"].T + p["b_V"]
        v = v.reshape(b, context, heads, latents // heads).transpose(1, 2)
        return (s.softmax(-1) @ v).transpose(1, 2).reshape(ROWS, latents)

    options = {**BASE, "context": context, "heads": heads, "dQk": d_qk, "unitRows": False}

    def forward(p):
        h = scores(p, True)
        f = h * topk_mask(h.detach(), 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        return recon_loss("fvu", y, recon), {"recon/fvu": fvu(y, recon), "sparsity/l0": float((f > 0).sum()) / ROWS}
    run("lorsa", folder, "lorsa", options, [x, y], p, STEP, forward)

    # Norms of queries and keys, rotated halves, a gate by decoder norms, and AuxK through attention.
    dead = [2, 9, 13]
    q = {**p, "b_V": p["b_V"].clone(), "ln_q": normal(250, heads * d_qk), "ln_k": normal(251, heads * d_qk)}
    for j in dead:
        q["b_V"][j] = -3

    def with_aux(p):
        h = scores(p, False)
        n = p["W_dec"].detach().norm(dim=1)
        f = h * topk_mask(h.detach() * n, 4)
        recon = f @ p["W_dec"] + p["b_dec"]
        fired = set(torch.nonzero(f.detach().sum(0)).reshape(-1).tolist())
        now = [j for j in dead if j not in fired]
        alive = torch.ones(latents, dtype=torch.bool)
        alive[now] = False
        target = (y - recon).detach()
        estimate = (h * topk_mask(h.masked_fill(alive, -math.inf).detach(), 2)) @ p["W_dec"]
        aux = ((target - estimate) ** 2).sum() / spread(target)
        loss = recon_loss("fvu", y, recon) + aux / 32
        return loss, {"recon/fvu": fvu(y, recon), "loss/auxk": float(aux), "sparsity/dead": len(now)}
    run("lorsa_auxk_norms", folder, "lorsa",
        {**options, "norms": True, "adjacentPairs": False, "gateByDecoderNorm": True, "auxkCoefficient": 1 / 32,
         "kAux": 2}, [x, y], q, STEP, with_aux, dead=dead)


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for cases in (topk_cases, selection_cases, penalty_cases, jumprelu_cases, more_jumprelu_cases, gated_cases,
                  matryoshka_cases,
                  pursuit_cases, pkm_cases, transcoder_cases, clt_cases, lorsa_cases):
        cases(out)
