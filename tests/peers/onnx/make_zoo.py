"""Exports every tiny model through every exporter: OUT/<architecture>-<exporter>/{model.onnx,oracle.json,oracle.bin}.

    python make_zoo.py OUT [--only ARCHITECTURE[-EXPORTER] …]

What an exporter cannot do is written to OUT/<architecture>-<exporter>/failure.txt.
"""

import argparse
import json
import logging
import os
import pathlib
import re
import shutil
import sys
import time
import traceback
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)  # an import of one of the exporters turns it all on

import torch  # noqa: E402

import oracle  # noqa: E402
from architectures import ARCHITECTURES, VOCAB, make  # noqa: E402
from exporters import EXPORTERS, ONLY, PREPARE, inputs_of  # noqa: E402

IDS = torch.randint(0, VOCAB, (2, 7), generator=torch.Generator().manual_seed(1))


def export(architecture, exporter, folder):
    """One model; the reason when the exporter fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    zoo = make(architecture, exporter)
    PREPARE.get(exporter, lambda model: None)(zoo.model)
    oracle.save(folder / "oracle", IDS, oracle.watch(zoo, inputs_of(zoo, IDS)))
    (folder / "config.json").write_text(json.dumps(zoo.model.config.to_dict(), indent=1, default=str))
    try:
        EXPORTERS[exporter](zoo, IDS, folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the exporter's answer
        if os.environ.get("ZOO_TRACE"):
            traceback.print_exc()
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        words = re.sub(r"/\S*/model", "<model>", lines[0] if lines else "")
        return f"{type(error).__name__}: {words}"
    return None if (folder / "model.onnx").exists() else "no model.onnx was written"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    failures = 0
    for exporter in EXPORTERS:
        for architecture in ARCHITECTURES:
            name = f"{architecture}-{exporter}"
            if architecture not in ONLY.get(exporter, ARCHITECTURES):
                continue
            if options.only and not {architecture, exporter, name} & set(options.only):
                continue
            started = time.time()
            failure = export(architecture, exporter, options.out / name)
            if failure:
                failures += 1
                (options.out / name / "failure.txt").write_text(failure + "\n")
            print(f"{name:34} {time.time() - started:5.1f} s {failure or 'ok'}", flush=True)
    print(f"{failures} failures", file=sys.stderr)


if __name__ == "__main__":
    main()
