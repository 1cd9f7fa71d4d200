"""
eai-sparsify: its coder, with the loop of its trainer written out around it, since that one runs a whole language model. On
a CPU it decodes by PyTorch's embedding bag and adds up the encoder's gradient by its own sparse backward pass; its Triton
kernels need a CUDA device. Adam in place of its default signum, so that both train the same.
"""
import torch

from train_sparsify import PEER, SparseCoder, SparseCoderConfig

NAME = PEER


def make(spec):
    coder = SparseCoder(spec["d"], SparseCoderConfig(num_latents=spec["latents"], k=spec["k"]))
    weights = spec["weights"]
    with torch.no_grad():
        coder.encoder.weight.copy_(weights["W_enc"])
        coder.encoder.bias.copy_(weights["b_enc"])
        coder.W_dec.copy_(weights["W_dec"])
        coder.b_dec.copy_(weights["b_dec"])
    optimizer = torch.optim.Adam(coder.parameters(), lr=spec["lr"])
    since_fired = torch.zeros(coder.num_latents, dtype=torch.long)
    fired = torch.zeros(coder.num_latents, dtype=torch.bool)
    torch.set_float32_matmul_precision("high")

    def step(batch):
        x = batch[0]
        coder.set_decoder_norm_to_unit_norm()
        total_variance = (x - x.mean(0)).pow(2).sum()
        out = coder(x=x, y=x, dead_mask=None, total_variance=total_variance)
        fired[out.latent_indices.flatten()] = True
        loss = float(out.fvu.detach())
        (out.fvu + 0.0 * out.auxk_loss + out.multi_topk_fvu / 8).backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            since_fired.add_(len(x))
            since_fired[fired] = 0
            fired.zero_()
        return loss
    return step
