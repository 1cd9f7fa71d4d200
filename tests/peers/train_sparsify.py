"""
Training steps of eai-sparsify: TopK and GroupMax dictionaries, transcoders, skip transcoders.

Its trainer runs a whole language model, so that the steps of its loop are written out here: the decoder's rows to length 1,
loss and gradients, the gradient's part along the rows away, optimiser.
"""
import os
from importlib.metadata import version

import torch

from train_imports import bare_package, stand_ins
from train_record import D, F, adam_steps, fill, record

# Its kernels for accelerators have no place here.
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"
PEER = f"eai-sparsify {version('eai-sparsify')}"


def import_coder():
    """SparseCoder alone: the package's own entry imports trainers and their accelerators."""
    # Before the stand-ins, or it looks for the version of one.
    from transformers import PreTrainedModel  # noqa: F401
    bare_package("sparsify")
    with stand_ins({"accelerate": {}, "accelerate.utils": {"send_to_device": None}}):
        from sparsify.config import SparseCoderConfig
        from sparsify.sparse_coder import SparseCoder
    return SparseCoder, SparseCoderConfig


SparseCoder, SparseCoderConfig = import_coder()


def case(name, kind, options, reason="", **config):
    config = SparseCoderConfig(**{"num_latents": F, "normalize_decoder": False, **config})
    coder = SparseCoder(D, config, dtype=torch.float64)
    own = dict(coder.named_parameters())
    scales = {"encoder.weight": 0.3, "encoder.bias": 0.1, "W_dec": 0.3, "b_dec": 0.1, "W_skip": 0.1}
    fill(own, {n: s for n, s in scales.items() if n in own})
    # Where scores are all negative the peer trains the encoder on values of zero (spec 2): there are none.
    coder.encoder.bias.data.add_(0.5)
    unit = config.normalize_decoder
    if unit:
        coder.W_dec.data = torch.nn.functional.normalize(coder.W_dec.data).float().double()

    def loss_of(batch):
        if unit:
            coder.set_decoder_norm_to_unit_norm()
        out = coder(*batch)
        assert (out.latent_acts > 0).all()
        return out.fvu

    def w_dec():
        # Rows are put back to length 1 when they are next used.
        return torch.nn.functional.normalize(coder.W_dec) if unit else coder.W_dec
    names = {"W_enc": lambda: coder.encoder.weight, "b_enc": lambda: coder.encoder.bias, "W_dec": w_dec,
             "b_dec": lambda: coder.b_dec}
    if config.skip_connection:
        names["W_skip"] = lambda: coder.W_skip
    project = coder.remove_gradient_parallel_to_decoder_directions if unit else None
    head = {"name": name, "peer": PEER, "type": kind, "options": {"k": config.k, "unitRows": unit, **options},
            "step": {"k": config.k}, "clip": 0}
    points = ["x0", "y0"] if config.transcode else ["x0"]
    return record(head, names, points, adam_steps(coder.parameters(), loss_of, before=project), reason)


def cases():
    yield case("topk", "topk", {}, k=5)
    yield case("topk, unit rows", "topk", {}, k=5, normalize_decoder=True,
               reason="2: rows have length 1 after the step, not before the next one")
    yield case("groupmax", "groupmax", {}, k=4, activation="groupmax")
    yield case("transcoder", "transcoder", {}, k=5, transcode=True)
    yield case("skip transcoder", "skip_transcoder", {}, k=5, transcode=True, skip_connection=True)
    yield case("skip transcoder, groupmax", "skip_transcoder", {"activation": "groupmax"}, k=4, transcode=True,
               skip_connection=True, activation="groupmax")
