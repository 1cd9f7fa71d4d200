"""
Training steps of a peer on request, for main.ts.

    python bench/peers/worker.py SPEC.json

The spec names the peer, the method, sizes, and files of float32: first weights and points of all batches. A line on the
standard input with a number of steps is answered with their seconds and losses; in between the process sleeps.
"""
import importlib
import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tests" / "peers")]


def main(path):
    # What packages print goes elsewhere: the standard output is for answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    import torch

    spec = json.loads(Path(path).read_text())

    def load(entry):
        return torch.from_numpy(np.fromfile(entry["file"], dtype=np.float32).reshape(entry["shape"]))
    spec["weights"] = {name: load(entry) for name, entry in spec["weights"].items()}
    points = [load(entry) for entry in spec["points"]]
    batches = list(zip(*points))
    peer = importlib.import_module(f"peer_{spec['peer']}")
    step = peer.make(spec)

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)
    answer(peer=peer.NAME, torch=torch.__version__, threads=torch.get_num_threads())
    at = 0
    for line in sys.stdin:
        losses = []
        started = time.perf_counter()
        busy = time.process_time()
        for _ in range(int(line)):
            losses.append(step(batches[at % len(batches)]))
            at += 1
        # Losses are numbers by now: everything before them has been computed.
        losses = [float(loss) for loss in losses]
        answer(seconds=time.perf_counter() - started, cpuSeconds=time.process_time() - busy, losses=losses)


if __name__ == "__main__":
    main(sys.argv[1])
