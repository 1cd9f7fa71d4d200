"""The bundled causal model in PyTorch: losses of next tokens as it is, and with an activation replaced.

    python losses.py STORE DICTIONARY HOOKPOINT

STORE is an activation store of all positions: its ids are the text, its activations are not read. DICTIONARY is a folder of a
TopK dictionary of HOOKPOINT. Prints one JSON object with the names of `sdm eval`, and the number of rows that count.
"""

import json
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel  # noqa: E402

from minilm import read  # noqa: E402

DEMO = pathlib.Path(__file__).parents[3] / "models" / "demo"
CONTEXTS_AT_ONCE = 16


def load():
    """transformers' GPT-2 with the weights of the ONNX file."""
    config = GPT2Config.from_pretrained(DEMO)
    model = GPT2LMHeadModel(config).eval()
    graph = onnx.load(DEMO / "model.onnx").graph
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    own = model.state_dict()
    weights = {name: weight for name, weight in weights.items() if name in own}
    missing, _ = model.load_state_dict(weights, strict=False)
    if set(missing) - {"lm_head.weight"}:
        raise SystemExit(f"the ONNX file has no {missing}")
    model.tie_weights()
    return model


def module_of(model, hookpoint):
    _, layer, name = hookpoint.split(".")
    block = model.transformer.h[int(layer)]
    return {"hook_resid_post": block, "hook_attn_out": block.attn, "hook_mlp_out": block.mlp}[name]


def first_of(output):
    return output[0] if isinstance(output, tuple) else output


def topk(folder):
    """Reconstruction by a dictionary of the SAELens layout."""
    config = json.loads(pathlib.Path(folder, "cfg.json").read_text())
    assert config["architecture"] == "topk" and config["apply_b_dec_to_input"]
    w = load_file(pathlib.Path(folder, "sae_weights.safetensors"))

    def run(x):
        codes = torch.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"])
        top, at = codes.topk(config["k"], dim=-1)
        return torch.zeros_like(codes).scatter(-1, at, top) @ w["W_dec"] + w["b_dec"]

    return run


def log_probs(model, module, ids, change=None):
    """log p of next tokens [contexts, length, vocab] with `change(activation)` in the place of a module's result."""
    def hook(_module, _args, output):
        value = change(first_of(output))
        return (value, *output[1:]) if isinstance(output, tuple) else value

    handle = module.register_forward_hook(hook) if change else None
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits
    if handle:
        handle.remove()
    return torch.log_softmax(logits.double(), dim=-1)


def activations(model, module, ids):
    seen = []
    handle = module.register_forward_hook(lambda _m, _a, output: seen.append(first_of(output)))
    with torch.no_grad():
        model(input_ids=ids, use_cache=False)
    handle.remove()
    return seen[0]


def losses(model, module, ids, counts, dictionary):
    """Means over the positions that count: first positions and the end of a text do not, nor keep reconstructions."""
    parts = list(zip(ids.split(CONTEXTS_AT_ONCE), counts.split(CONTEXTS_AT_ONCE)))
    rows = torch.cat([activations(model, module, some)[mask] for some, mask in parts])
    mean = rows.double().mean(0).float()
    sums = {}
    for some, mask in parts:
        def spliced(x, mask=mask):
            return torch.where(mask[..., None], dictionary(x), x)

        changes = {
            "": None, "_with_sae": spliced, "_with_zero": torch.zeros_like,
            "_with_mean": lambda x: mean.expand_as(x),
        }
        clean = log_probs(model, module, some)
        for name, change in changes.items():
            found = log_probs(model, module, some, change)
            ce = -found[:, :-1].gather(-1, some[:, 1:, None])[..., 0]
            kl = (clean.exp() * (clean - found)).sum(-1)
            ours = sums.setdefault(name, [0.0, 0.0])
            ours[0] += ce[mask[:, :-1]].sum().item()
            ours[1] += kl[mask].sum().item()
    with_next, all_of_them = counts[:, :-1].sum().item(), counts.sum().item()
    ce = {name: total[0] / with_next for name, total in sums.items()}
    return {f"model/ce_loss{name}": value for name, value in ce.items()} | {
        "model/kl_div_with_sae": sums["_with_sae"][1] / all_of_them,
        "model/kl_div_with_ablation": sums["_with_zero"][1] / all_of_them,
        "model/ce_loss_score": (ce["_with_zero"] - ce["_with_sae"]) / (ce["_with_zero"] - ce[""]),
        "model/tokens_eval_reconstruction": with_next,
        "rows": all_of_them,
    }


def main(store, folder, hookpoint):
    manifest = json.loads(pathlib.Path(store, "manifest.json").read_text())
    ids = read(store)["token"].astype(np.int64).reshape(-1, manifest["data"]["ctx_len"])
    ids = torch.from_numpy(ids)
    counts = torch.ones_like(ids, dtype=torch.bool)
    counts[:, 0] = False
    for special in manifest["tokenizer"]["special_ids"]:
        counts &= ids != special
    model = load()
    print(json.dumps(losses(model, module_of(model, hookpoint), ids, counts, topk(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
