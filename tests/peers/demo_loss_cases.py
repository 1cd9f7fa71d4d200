"""Writes tests/golden/demo_loss.json: next-token losses of the bundled language model by PyTorch in float64, as it is and with
the residual stream behind block 2 shortened, and zeroed.

    pip install "torch==2.13.0" "transformers==4.57.6" onnx numpy
    python demo_loss_cases.py

The weights are read out of models/demo/model.onnx. The text is the first lines of the held-out part.
"""

import gzip
import json
import pathlib

import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

TESTS = pathlib.Path(__file__).parent.parent
DEMO = TESTS.parent / "models/demo"
LAYER, SHARE, CONTEXTS, LENGTH = 2, 0.8, 8, 64


def load_model():
    config = json.loads((DEMO / "config.json").read_text())
    config.pop("architectures", None)
    model = GPT2LMHeadModel(GPT2Config(**config))
    graph = onnx.load(DEMO / "model.onnx").graph
    weights = {w.name: torch.tensor(numpy_helper.to_array(w)) for w in graph.initializer}
    own = model.state_dict()
    missing = [name for name in own if name not in weights and name != "lm_head.weight"]
    assert not missing, missing
    state = {name: weights.get(name, weights["transformer.wte.weight"]) for name in own}
    model.load_state_dict(state)
    return model.eval().double()


def main():
    model = load_model()
    with gzip.open(DEMO / "corpus/heldout.jsonl.gz", "rt") as lines:
        text = json.loads(next(lines))["text"]
    encoded = Tokenizer.from_file(str(DEMO / "tokenizer.json")).encode(text).ids
    ids = torch.tensor(encoded[: CONTEXTS * LENGTH]).view(CONTEXTS, LENGTH)
    mask = torch.ones_like(ids).bool()
    mask[:, 0] = False

    def run(change):
        def hook(_module, _args, output):
            stream = output[0] if isinstance(output, tuple) else output
            new = change(stream)
            return (new, *output[1:]) if isinstance(output, tuple) else new

        handle = model.transformer.h[LAYER].register_forward_hook(hook)
        with torch.no_grad():
            log_probs = model(input_ids=ids).logits.log_softmax(-1)
        handle.remove()
        return -log_probs[:, :-1].gather(-1, ids[:, 1:, None])[..., 0], log_probs

    ce, clean = run(lambda x: x)
    short, short_probs = run(lambda x: torch.where(mask[..., None], SHARE * x, x))
    zero, _ = run(torch.zeros_like)
    mean = lambda losses: losses[mask[:, :-1]].mean().item()
    kl = (clean.exp() * (clean - short_probs)).sum(-1)[mask].mean().item()
    golden = {
        "hookpoint": f"blocks.{LAYER}.hook_resid_post",
        "share": SHARE,
        "ids": ids.tolist(),
        "ce": {"clean": mean(ce), "short": mean(short), "zero": mean(zero)},
        "kl": {"short": kl},
        "first_context": ce[0].tolist(),
    }
    (TESTS / "golden/demo_loss.json").write_text(json.dumps(golden) + "\n")
    print(golden["ce"], golden["kl"])


if __name__ == "__main__":
    main()
