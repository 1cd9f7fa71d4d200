"""One and twenty training steps of the peers' own code, from given weights on given batches, for train_run.ts.

    python tests/peers/train_steps.py OUT.json [peer…]

Writes the points of all batches, and of every case the options in the program's words, the first weights, the loss of
every step and the weights after 1 and 20 steps. Where the program differs on purpose the peer is changed here in that one
thing, and the case names the section of the architectures specification that says why.
"""
import importlib
import json
import sys

import torch

from train_record import D, F, LR, POINTS, ROWS, STEPS, numbers, reseed

PEERS = ("sae_lens", "overcomplete", "sparsify", "llamascopium", "product_keys")


def main(path, peers):
    torch.set_num_threads(2)
    cases = []
    for peer in peers or PEERS:
        reseed(peer)
        cases.extend(importlib.import_module(f"train_{peer}").cases())
    points = {name: [numbers(x) for x in xs] for name, xs in POINTS.items()}
    sizes = {"rows": ROWS, "d": D, "latents": F, "steps": STEPS, "lr": LR}
    with open(path, "w") as file:
        json.dump({**sizes, "points": points, "cases": cases}, file, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
