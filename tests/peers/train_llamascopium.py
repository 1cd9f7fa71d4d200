"""
Training steps of llamascopium (Language-Model-SAEs): dictionaries, cross-layer transcoders, low-rank sparse attention.

Its trainer runs a whole language model; here are its losses and PyTorch's Adam, which its trainer takes too.
"""
import warnings
from importlib.metadata import version

import torch

from train_imports import bare_package, stand_ins
from train_record import D, F, ROWS, adam_steps, fill, normal, record

PEER = f"llamascopium {version('llamascopium')}"
LAYERS, CONTEXT, HEADS, WIDTH = 3, 8, 2, 8

SUM = "10.3: the objective is the sum over layers, not their mean"
NORMS = "10.2: the norms of decoders have gradients, as those of dictionaries have"


def import_models():
    """The models alone: the package's own entry imports language models, a data base and a server."""
    warnings.filterwarnings("ignore", "CUDA is not available")
    bare_package("llamascopium")
    bare_package("llamascopium.backend")
    with stand_ins({"llamascopium.backend.language_model": {"LanguageModelConfig": object}}):
        from llamascopium.models import clt, lorsa, sae
    return clt, lorsa, sae


clt, lorsa, sae = import_models()


class NormedTranscoder(clt.CrossLayerTranscoder):
    """With gradients through the norms of decoders."""

    def decoder_norm_per_feature(self, layer=None):
        squares = [torch.stack([self.W_D[to][layer].square().sum(-1) for to in range(layer, LAYERS)]).sum(0)
                   for layer in range(LAYERS)]
        return torch.stack(squares).sqrt()


class ScalarSpecs(sae.SparseAutoEncoder.specs):
    """The peer stops at its own penalty tanh-quad, which is a single number already."""

    @staticmethod
    def loss(tensor):
        return () if tensor.ndim == 0 else sae.SparseAutoEncoder.specs.loss(tensor)


def steps_of(model, batch_of, factor=1, **loss):
    """Steps on the model's own loss, of which a factor is taken."""
    def loss_of(batch):
        return model.compute_loss(batch_of(batch), return_aux_data=False, **loss) * factor
    return adam_steps(model.parameters(), loss_of)


def sae_case(name, kind, config, options, step, loss):
    model = sae.SparseAutoEncoder(sae.SAEConfig(
        hook_point_in="x", hook_point_out="x", d_model=D, expansion_factor=F / D, dtype=torch.float64, top_k=5, **config))
    model.specs = ScalarSpecs
    fill(dict(model.named_parameters()), {"W_E": 0.3, "b_E": 0.1, "W_D": 0.3, "b_D": 0.1})
    names = {"W_enc": lambda: model.W_E.T, "b_enc": lambda: model.b_E, "W_dec": lambda: model.W_D,
             "b_dec": lambda: model.b_D, **threshold_of(model)}
    options = {"loss": "sum_mean", "unitRows": False, "inputBias": False, "k": 5, **options}
    head = {"name": name, "peer": PEER, "type": kind, "options": options, "step": {"k": 5, **step}, "clip": 0}
    return record(head, names, ["x0"], steps_of(model, lambda batch: {"x": batch[0]}, **loss))


def threshold_of(model):
    """The thresholds of a JumpReLU with their first values, by the program's name."""
    log = getattr(model.activation_function, "log_jumprelu_threshold", None)
    if log is None:
        return {}
    log.data = (normal(*log.shape).abs() * 0.1 + 0.3).log().float().double()
    return {"log_threshold": lambda: log}


def clt_case(name, activation, norm=False, options={}, step={}, reason=SUM, model_of=clt.CrossLayerTranscoder, config={},
             **loss):
    hooks = [[f"{side}{l}" for l in range(LAYERS)] for side in "xy"]
    model = model_of(clt.CLTConfig(
        hook_points_in=hooks[0], hook_points_out=hooks[1], d_model=D, expansion_factor=F / D, act_fn=activation, top_k=5,
        dtype=torch.float64, sparsity_include_decoder_norm=norm, **config))
    own = dict(model.named_parameters())
    fill(own, {n: 0.1 if n.startswith("b_") else 0.3 for n in own if n[:3] in ("W_E", "b_E", "W_D", "b_D")})
    names = {"b_enc": lambda: model.b_E, **threshold_of(model)}
    for l in range(LAYERS):
        names[f"W_enc_{l}"] = lambda l=l: model.W_E[l].T
        names[f"W_dec_{l}"] = lambda l=l: model.W_D[l]
        names[f"b_dec_{l}"] = lambda l=l: model.b_D[l]
    options = {"loss": "sum_mean", "layers": LAYERS, "activation": activation, "k": 5, "gateByDecoderNorm": norm, **options}
    head = {"name": name, "peer": PEER, "type": "clt", "options": options,
            "step": {"k": 5, "batchK": 5 * ROWS, **step}, "clip": 0}
    points = [*hooks[0], *hooks[1]]
    batch_of = lambda batch: dict(zip(points, batch))
    return record(head, names, points, steps_of(model, batch_of, LAYERS, **loss), reason)


def lorsa_case(name, activation, adjacent=True, norms=False, rotary=WIDTH, by_norm=True):
    model = lorsa.LowRankSparseAttention(lorsa.LorsaConfig(
        hook_point_in="x", hook_point_out="y", d_model=D, expansion_factor=F / D, act_fn=activation, top_k=5,
        dtype=torch.float64, sparsity_include_decoder_norm=by_norm, n_qk_heads=HEADS, d_qk_head=WIDTH, n_ctx=CONTEXT,
        rotary_dim=rotary, rotary_adjacent_pairs=adjacent, use_post_qk_ln=norms, normalization_type="RMS" if norms else None))
    own = dict(model.named_parameters())
    fill(own, {n: 0.1 if n.startswith("b_") else 0.4 for n in own if n[0] in "Wb"})
    for n, p in own.items():
        if n.startswith("ln_"):
            p.data = (1 + normal(*p.shape, scale=0.2)).float().double()
    # Peers' queries and keys are [heads, d, width]; ours [heads · width, d].
    flat = lambda w: w.transpose(1, 2).reshape(-1, D)
    names = {"W_Q": lambda: flat(model.W_Q), "b_Q": lambda: model.b_Q, "W_K": lambda: flat(model.W_K),
             "b_K": lambda: model.b_K, "W_V": lambda: model.W_V, "b_V": lambda: model.b_V, "W_dec": lambda: model.W_O,
             "b_dec": lambda: model.b_D}
    if norms:
        names |= {"ln_q": lambda: model.ln_q.w, "ln_k": lambda: model.ln_k.w}
    options = {"loss": "sum_mean", "activation": activation, "k": 5, "context": CONTEXT, "gateByDecoderNorm": by_norm,
               "heads": HEADS, "dQk": WIDTH, "norms": norms, "adjacentPairs": adjacent}
    head = {"name": name, "peer": PEER, "type": "lorsa", "options": options, "step": {"k": 5, "batchK": 5 * ROWS}, "clip": 0}
    sequences = lambda x: x.reshape(-1, CONTEXT, D)
    batch_of = lambda batch: {"x": sequences(batch[0]), "y": sequences(batch[1])}
    return record(head, names, ["x0", "y0"], steps_of(model, batch_of))


def cases():
    numbers = {"c": 4.0, "s": 0.01, "p": 1}
    plain = {"sparsity_include_decoder_norm": False}
    jump = {"act_fn": "jumprelu", "jumprelu_threshold_window": 2.0, **plain}
    step = {"coefficient": 0.1, "exponent": 1}
    yield sae_case("relu, tanh-quad", "relu", {"act_fn": "relu", **plain}, {"penaltyName": "tanh_quad", "numbers": numbers},
                   {**step, "coefficient": 0.01}, dict(sparsity_loss_type="tanh-quad", l1_coefficient=0.01))
    yield sae_case("jumprelu, tanh and pre-activations", "jumprelu", jump,
                   {"penaltyName": "tanh", "numbers": numbers, "bandwidth": 2.0, "log": True, "preActCoefficient": 0.01},
                   {**step, "preActCoefficient": 0.01},
                   dict(sparsity_loss_type="tanh", l1_coefficient=0.1, lp_coefficient=0.01))
    yield sae_case("topk by norm", "topk", {"act_fn": "topk"}, {"gateByDecoderNorm": True}, {}, {})
    yield clt_case("clt, topk", "topk")
    yield clt_case("clt, batchtopk", "batchtopk")
    yield clt_case("clt, layertopk", "layertopk")
    yield clt_case("clt, layertopk by norm", "layertopk", norm=True)
    yield clt_case("clt, batchlayertopk by norm", "batchlayertopk", norm=True)
    # The peer's mean over layers is undone for the penalty as for the errors.
    yield clt_case("clt, relu, L1", "relu", options={"penaltyName": "l1"}, step=step, reason=f"{SUM}; {NORMS}",
                   model_of=NormedTranscoder, sparsity_loss_type="power", l1_coefficient=0.1)
    yield clt_case("clt, jumprelu, tanh", "jumprelu", reason=f"{SUM}; {NORMS}", model_of=NormedTranscoder, step=step,
                   options={"penaltyName": "tanh", "numbers": numbers, "bandwidth": 2.0, "log": True},
                   config={"jumprelu_threshold_window": 2.0}, sparsity_loss_type="tanh", l1_coefficient=0.1)
    yield lorsa_case("lorsa, topk", "topk")
    yield lorsa_case("lorsa, topk, halves, norms of queries and keys", "topk", adjacent=False, norms=True)
    yield lorsa_case("lorsa, batchtopk, scores without norms", "batchtopk", by_norm=False)
