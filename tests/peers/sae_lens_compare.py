"""Loads dictionaries with sae-lens and compares its latents and reconstructions with ours.

Standard input: a JSON list of {"name", "dictionary", "expected"}; `expected` is a safetensors file with `x` [n, d],
`latents` [n, F] and `reconstruction` [n, d]. One JSON object a case goes to standard output. The tolerance is relative
to the largest absolute value of a row. Where two scores tie to within the tolerance, either may be among the k
largest: such rows are counted and left out.
"""

import json
import sys

import torch
from sae_lens import SAE
from safetensors.torch import load_file

TOLERANCE = 1e-4


def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference, in units of the largest value of its row."""
    scale = wanted.abs().amax(dim=-1, keepdim=True).clamp_min(1e-30)
    return ((found - wanted).abs() / scale).max().item() if len(wanted) else 0.0


def tied_rows(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Rows whose supports differ only in latents of nearly one value."""
    differs = (found != 0) != (wanted != 0)
    values = torch.maximum(found, wanted)
    high = torch.where(differs, values, -torch.inf).amax(dim=-1)
    low = torch.where(differs, values, torch.inf).amin(dim=-1)
    # Where one latent alone differs it lies at zero or at a threshold: its value is compared with nothing.
    alone = differs.sum(dim=-1) == 1
    spread = torch.where(alone, high, high - low)
    return differs.any(dim=-1) & (spread <= TOLERANCE * wanted.amax(dim=-1))


def compare(case: dict) -> dict:
    sae = SAE.load_from_disk(case["dictionary"], device="cpu", dtype="float32")
    expected = load_file(case["expected"])
    with torch.no_grad():
        latents = sae.encode(expected["x"])
        reconstruction = sae.decode(latents)
    ties = tied_rows(latents, expected["latents"])
    kept = ~ties
    result = {
        "name": case["name"],
        "architecture": sae.cfg.architecture(),
        "rows": len(ties),
        "tied_rows": int(ties.sum()),
        "l0": (latents > 0).sum(dim=-1).float().mean().item(),
        "latents": relative(latents[kept], expected["latents"][kept]),
        "reconstruction": relative(reconstruction[kept], expected["reconstruction"][kept]),
    }
    result["passed"] = (
        result["latents"] <= TOLERANCE
        and result["reconstruction"] <= TOLERANCE
        and result["tied_rows"] <= 0.01 * result["rows"]
        and result["l0"] > 0
    )
    return result


def main() -> None:
    torch.set_num_threads(2)
    for case in json.load(sys.stdin):
        print(json.dumps(compare(case)), flush=True)


if __name__ == "__main__":
    main()
