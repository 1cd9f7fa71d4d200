"""What PyTorch computes at every hookpoint of a model, and the file that holds it."""

import json
import pathlib

import numpy as np
import torch


def watch(zoo, given):
    """Runs the model once; gives float32 tensors by hookpoint, the output, the losses."""
    seen = {}

    def keep(name, side, pick):
        def hook(_module, args, kwargs, output):
            value = output
            if side == "in":
                value = args[0] if args else kwargs["hidden_states"]
            value = value[0] if isinstance(value, tuple) else value
            seen[name] = pick(value.detach()).clone().float()

        return hook

    handles = [
        module.register_forward_hook(keep(name, side, pick), with_kwargs=True)
        for name, (module, side, pick) in zoo.places.items()
    ]
    with torch.no_grad():
        result = zoo.model(**given)
    for handle in handles:
        handle.remove()
    seen = {name: seen[name] for name in zoo.places}
    seen[zoo.out] = result[zoo.out].float()
    if zoo.out == "logits":
        seen["cross_entropy"] = token_losses(seen["logits"], given["input_ids"])
        for name in ("hook_attn_out", "hook_mlp_out", "hook_resid_post"):
            losses = replaced(zoo, given, f"blocks.0.{name}", torch.zeros_like)
            seen[f"cross_entropy without blocks.0.{name}"] = losses
    return seen


def replaced(zoo, given, hookpoint, change):
    """Losses of tokens with `change(value)` in the place of the activation of a hookpoint, for all who read it."""
    module, side, _pick = zoo.places[hookpoint]

    def out(_module, _args, output):
        if isinstance(output, tuple):
            return (change(output[0]), *output[1:])
        return change(output)

    def before(_module, args):
        return (change(args[0]), *args[1:])

    hook = module.register_forward_hook(out) if side == "out" else module.register_forward_pre_hook(before)
    with torch.no_grad():
        logits = zoo.model(**given).logits
    hook.remove()
    return token_losses(logits, given["input_ids"])


def token_losses(logits, ids):
    """Cross-entropy of each token after the first, in nats, [batch, length - 1]."""
    flat = logits[:, :-1].double().flatten(0, 1)
    losses = torch.nn.functional.cross_entropy(flat, ids[:, 1:].flatten(), reduction="none")
    return losses.view(ids.shape[0], -1).float()


def save(stem, ids, seen):
    """`<stem>.bin`: float32 arrays one after another; `<stem>.json`: ids, shapes and first elements."""
    index, parts, start = {}, [], 0
    for name, value in seen.items():
        flat = value.numpy().ravel()
        index[name] = {"shape": list(value.shape), "start": start}
        parts.append(flat)
        start += flat.size
    np.concatenate(parts).astype("<f4").tofile(f"{stem}.bin")
    body = {"ids": ids.tolist(), "arrays": index}
    pathlib.Path(f"{stem}.json").write_text(json.dumps(body) + "\n")
