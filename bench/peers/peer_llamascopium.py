"""
llamascopium: cross-layer transcoders and low-rank sparse attention, its losses and PyTorch's Adam, which its trainer takes
too; the trainer itself runs a whole language model. Its Triton kernels need a CUDA device.
"""
import torch

from train_llamascopium import PEER, clt, lorsa

NAME = PEER


def clt_of(spec, weights):
    layers = spec["layers"]
    hooks = [[f"{side}{l}" for l in range(layers)] for side in "xy"]
    model = clt.CrossLayerTranscoder(clt.CLTConfig(
        hook_points_in=hooks[0], hook_points_out=hooks[1], d_model=spec["d"], expansion_factor=spec["latents"] / spec["d"],
        act_fn="topk", top_k=spec["k"], dtype=torch.float32, sparsity_include_decoder_norm=False))
    with torch.no_grad():
        model.b_E.copy_(weights["b_enc"].reshape(model.b_E.shape))
        for l in range(layers):
            model.W_E[l].copy_(weights[f"W_enc_{l}"].T)
            model.W_D[l].copy_(weights[f"W_dec_{l}"].reshape(model.W_D[l].shape))
            model.b_D[l].copy_(weights[f"b_dec_{l}"].reshape(model.b_D[l].shape))
    names = [*hooks[0], *hooks[1]]
    # The peer takes the mean over layers, the program their sum.
    return model, lambda batch: dict(zip(names, batch)), layers


def lorsa_of(spec, weights):
    heads, width, context, d = spec["heads"], spec["width"], spec["context"], spec["d"]
    model = lorsa.LowRankSparseAttention(lorsa.LorsaConfig(
        hook_point_in="x", hook_point_out="y", d_model=d, expansion_factor=spec["latents"] / d, act_fn="topk",
        top_k=spec["k"], dtype=torch.float32, sparsity_include_decoder_norm=False, n_qk_heads=heads, d_qk_head=width,
        n_ctx=context, rotary_dim=width, rotary_adjacent_pairs=True, use_post_qk_ln=False, normalization_type=None))
    with torch.no_grad():
        for name in ("W_Q", "W_K"):
            getattr(model, name).copy_(weights[name].reshape(heads, width, d).transpose(1, 2))
        for name, own in (("b_Q", model.b_Q), ("b_K", model.b_K), ("W_V", model.W_V), ("b_V", model.b_V),
                          ("W_dec", model.W_O), ("b_dec", model.b_D)):
            own.copy_(weights[name].reshape(own.shape))

    def batch_of(batch):
        return {"x": batch[0].reshape(-1, context, d), "y": batch[1].reshape(-1, context, d)}
    return model, batch_of, 1


def make(spec):
    model, batch_of, factor = {"clt": clt_of, "lorsa": lorsa_of}[spec["method"]](spec, spec["weights"])
    optimizer = torch.optim.Adam(model.parameters(), lr=spec["lr"], betas=(0.9, 0.999), eps=1e-8)

    def step(batch):
        optimizer.zero_grad()
        loss = model.compute_loss(batch_of(batch), return_aux_data=False) * factor
        loss.backward()
        optimizer.step()
        return loss.item()
    return step
