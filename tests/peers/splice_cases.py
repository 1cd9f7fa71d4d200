"""Writes tests/golden/splice.json: losses of the tiny GPT-2 of tests/onnx/fixtures with a cross-layer transcoder, zero and
the mean in the place of its MLP outputs, by PyTorch hooks in float64.

    pip install "torch==2.13.0" "transformers==4.57.6" onnx numpy
    python splice_cases.py

The weights are read out of gpt2.onnx. Masked positions keep what the model computes there.
"""

import json
import pathlib

import onnx
import torch
from onnx import numpy_helper
from transformers import GPT2Config, GPT2LMHeadModel

TESTS = pathlib.Path(__file__).parent.parent
LAYERS, WIDTH, LATENTS = 2, 16, 6


def load_model():
    config = GPT2Config(
        vocab_size=64, n_positions=32, n_embd=WIDTH, n_layer=LAYERS, n_head=2,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    )
    model = GPT2LMHeadModel(config)
    graph = onnx.load(TESTS / "onnx/fixtures/gpt2.onnx").graph
    weights = {w.name: torch.tensor(numpy_helper.to_array(w)) for w in graph.initializer}
    own = model.state_dict()
    state = {name: weights[name] for name in own if name in weights}
    missing = [name for name in own if name not in state and name != "lm_head.weight"]
    assert not missing, missing
    model.load_state_dict({**own, **state, "lm_head.weight": state["transformer.wte.weight"]})
    return model.eval().double()


def run(model, ids, replace, mask):
    """Losses with replace[l](inputs so far) in the place of layer l's MLP output where the mask is 1."""
    seen, handles = {}, []
    for l, block in enumerate(model.transformer.h):
        def hook(_module, args, output, l=l):
            seen[f"in{l}"], seen[f"out{l}"] = args[0].clone(), output.clone()
            if replace[l] is None:
                return None
            return torch.where(mask[..., None], replace[l](seen), output)
        handles.append(block.mlp.register_forward_hook(hook))
    with torch.no_grad():
        log_probs = model(input_ids=ids).logits.log_softmax(-1)
    for handle in handles:
        handle.remove()
    ce = -log_probs[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]
    return ce, log_probs, seen


def main():
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: (torch.randn(shape, generator=generator) * 0.4).float()
    model = load_model()
    ids = torch.randint(0, 64, (3, 9), generator=generator)
    ids[0, 4] = ids[2, 7] = 0
    excluded = [0]
    mask = ids != 0
    mask[:, 0] = False
    everywhere = torch.ones_like(mask)
    w_enc = [draw(LATENTS, WIDTH) for _ in range(LAYERS)]
    b_enc = [draw(LATENTS) for _ in range(LAYERS)]
    w_dec = [draw((l + 1) * LATENTS, WIDTH) for l in range(LAYERS)]
    b_dec = [draw(WIDTH) for _ in range(LAYERS)]
    means = [draw(WIDTH) for _ in range(LAYERS)]

    def output(l, seen):
        codes = [
            (seen[f"in{i}"] @ w_enc[i].double().T + b_enc[i].double()).relu() for i in range(l + 1)
        ]
        return torch.cat(codes, -1) @ w_dec[l].double() + b_dec[l].double()

    ce, clean, seen = run(model, ids, [None] * LAYERS, everywhere)
    fixed = lambda l: (lambda _: output(l, seen))
    zero = lambda l: (lambda now: torch.zeros_like(now[f"out{l}"]))
    mean = lambda l: (lambda now: means[l].double().expand_as(now[f"out{l}"]))
    cases = {
        "sae": ([fixed(l) for l in range(LAYERS)], mask),
        "zero": ([zero(l) for l in range(LAYERS)], everywhere),
        "mean": ([mean(l) for l in range(LAYERS)], everywhere),
        "zero_kept": ([zero(l) for l in range(LAYERS)], mask),
        "mean_kept": ([mean(l) for l in range(LAYERS)], mask),
        "running": ([(lambda now, l=l: output(l, now)) for l in range(LAYERS)], mask),
    }
    for l in range(LAYERS):
        cases[f"layer_{l}"] = ([fixed(i) if i == l else None for i in range(LAYERS)], mask)
    mean_ce = lambda losses: losses[mask[:, :-1]].mean().item()
    figures = {"ce": {"clean": mean_ce(ce)}, "kl": {}}
    for name, (replace, where) in cases.items():
        losses, log_probs, _ = run(model, ids, replace, where)
        kl = (clean.exp() * (clean - log_probs)).sum(-1)
        figures["ce"][name] = mean_ce(losses)
        figures["kl"][name] = kl[mask].mean().item()
    flat = lambda tensors: [t.flatten().tolist() for t in tensors]
    golden = {
        "ids": ids.tolist(),
        "excluded": excluded,
        "layers": LAYERS,
        "d": WIDTH,
        "latents": LATENTS,
        "w_enc": flat(w_enc),
        "b_enc": flat(b_enc),
        "w_dec": flat(w_dec),
        "b_dec": flat(b_dec),
        "means": flat(means),
        "clean_ce": ce.tolist(),
        "tokens": int(mask[:, :-1].sum()),
        **figures,
    }
    (TESTS / "golden/splice.json").write_text(json.dumps(golden) + "\n")
    print({**figures["ce"]}, figures["kl"])


if __name__ == "__main__":
    main()
