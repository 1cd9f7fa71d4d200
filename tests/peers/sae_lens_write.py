"""Writes dictionaries with sae-lens, and beside each what sae-lens computes with it: `expected.safetensors`.

Argument: a folder. Each of its new sub-folders is one dictionary that our reader has to open with equal outputs.
"""

import json
import sys
from pathlib import Path

import torch
from sae_lens import (
    SAE,
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    JumpReLUSAE,
    JumpReLUSAEConfig,
    JumpReLUTrainingSAE,
    JumpReLUTrainingSAEConfig,
    MatryoshkaBatchTopKTrainingSAE,
    MatryoshkaBatchTopKTrainingSAEConfig,
    StandardSAE,
    StandardSAEConfig,
    StandardTrainingSAE,
    StandardTrainingSAEConfig,
    TopKSAE,
    TopKSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from safetensors.torch import save_file

D_IN, D_SAE, K, ROWS = 24, 120, 6, 64


def randomise(sae: torch.nn.Module) -> None:
    """Fills every parameter; decoder rows get norms away from one."""
    generator = torch.Generator().manual_seed(len(list(sae.parameters())))
    for name, parameter in sorted(sae.named_parameters()):
        values = torch.randn(parameter.shape, generator=generator) * 0.3
        parameter.data = values.abs() if name == "threshold" else values
    if hasattr(sae, "topk_threshold"):
        sae.topk_threshold.fill_(1.5)


def main(folder: Path) -> None:
    sizes = {"d_in": D_IN, "d_sae": D_SAE}
    saes = {
        "standard": StandardSAE(StandardSAEConfig(**sizes)),
        "standard_no_b_dec": StandardSAE(StandardSAEConfig(**sizes, apply_b_dec_to_input=False)),
        "topk": TopKSAE(TopKSAEConfig(**sizes, k=K)),
        "topk_by_norm": TopKSAE(TopKSAEConfig(**sizes, k=K, rescale_acts_by_decoder_norm=True)),
        "topk_trained": TopKTrainingSAE(TopKTrainingSAEConfig(**sizes, k=K)),
        "jumprelu": JumpReLUSAE(JumpReLUSAEConfig(**sizes)),
        "topk_token_norm": TopKSAE(TopKSAEConfig(**sizes, k=K, normalize_activations="constant_norm_rescale")),
        "standard_layer_norm": StandardSAE(StandardSAEConfig(**sizes, normalize_activations="layer_norm")),
        "standard_trained": StandardTrainingSAE(StandardTrainingSAEConfig(**sizes)),
        "jumprelu_trained": JumpReLUTrainingSAE(JumpReLUTrainingSAEConfig(**sizes)),
        "batchtopk_trained": BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**sizes, k=K)),
        "matryoshka_batchtopk_trained": MatryoshkaBatchTopKTrainingSAE(
            MatryoshkaBatchTopKTrainingSAEConfig(**sizes, k=K, matryoshka_widths=[30, D_SAE])
        ),
    }
    x = torch.randn(ROWS, D_IN, generator=torch.Generator().manual_seed(1))
    for name, sae in saes.items():
        randomise(sae)
        sae.cfg.metadata.hook_name = "blocks.1.hook_resid_post"
        path = folder / name
        save = getattr(sae, "save_inference_model", sae.save_model)
        save(str(path))
        loaded = SAE.load_from_disk(str(path))
        with torch.no_grad():
            latents = loaded.encode(x)
            reconstruction = loaded.decode(latents)
        tensors = {"x": x, "latents": latents, "reconstruction": reconstruction}
        save_file({key: value.contiguous() for key, value in tensors.items()}, path / "expected.safetensors")
    print(json.dumps(list(saes)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
