"""Training steps of sae-lens, by its own trainer: standard, topk, batchtopk, matryoshka_batchtopk, jumprelu, gated,
matching pursuit."""
import warnings

import sae_lens
import torch
from sae_lens.config import SAETrainerConfig
from sae_lens.saes import jumprelu_sae
from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.saes.gated_sae import GatedTrainingSAE, GatedTrainingSAEConfig
from sae_lens.saes.jumprelu_sae import JumpReLUTrainingSAE, JumpReLUTrainingSAEConfig
from sae_lens.saes.matching_pursuit_sae import MatchingPursuitTrainingSAE, MatchingPursuitTrainingSAEConfig
from sae_lens.saes.matryoshka_batchtopk_sae import MatryoshkaBatchTopKTrainingSAE, MatryoshkaBatchTopKTrainingSAEConfig
from sae_lens.saes.standard_sae import StandardTrainingSAE, StandardTrainingSAEConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

from train_record import D, F, LR, ROWS, STEPS, exact, fill, normal, record

PEER = f"sae-lens {sae_lens.__version__}"
COMMON = dict(d_in=D, d_sae=F, dtype="float64", device="cpu", apply_b_dec_to_input=True, normalize_activations="none")
BASE = {"loss": "sum_mean", "unitRows": False}

CLIPPED = "4.2: thresholds are left out of the clipping"
WINDOW = "4.1: a window reaches no negative score"
FROZEN = "5: the decoder is frozen in the third term, as in the paper"


class GatedFrozen(GatedTrainingSAE):
    """The third term with the decoder as data."""

    def calculate_aux_loss(self, step_input, feature_acts, hidden_pre, sae_out):
        losses = super().calculate_aux_loss(step_input, feature_acts, hidden_pre, sae_out)
        x = step_input.sae_in
        acts = torch.relu((x - self.b_dec) @ self.W_enc + self.b_gate)
        frozen = acts @ self.W_dec.detach() + self.b_dec.detach()
        losses["auxiliary_reconstruction_loss"] = (frozen - x).square().sum(dim=-1).mean()
        return losses


class PositiveJumpReLU(jumprelu_sae.JumpReLU):
    """The estimator for positive scores only."""

    @staticmethod
    def backward(ctx, grad_output):
        x, threshold = ctx.saved_tensors
        near = jumprelu_sae.rectangle((x - threshold) / ctx.bandwidth) * (x > 0)
        ste = threshold / ctx.bandwidth * near * grad_output
        x_grad = (x > threshold) * grad_output + (ste if ctx.ste_to_input else 0)
        return x_grad, -ste.sum(dim=0), None, None


def start(sae, scale):
    """First values: an encoder that is nearly the decoder transposed, biases that are not zero."""
    own = dict(sae.named_parameters())
    biases = ("b_enc", "b_dec", "b_gate", "b_mag", "r_mag")
    fill(own, {"W_dec": scale, **{name: 0.1 for name in biases if name in own}})
    with torch.no_grad():
        if "W_enc" in own:
            sae.W_enc.copy_(exact(sae.W_dec.T + 0.05 * normal(D, F)))
        if "threshold" in own:
            sae.threshold.copy_(normal(F).abs() * 0.1 + 0.3)


def case(name, kind, sae, options, step, scale=0.3, **more):
    """Steps of the peer's trainer. It makes gradients no longer than 1; those of thresholds are left out of that."""
    start(sae, scale)
    trainer = SAETrainer(
        SAETrainerConfig(total_training_samples=ROWS * STEPS, train_batch_size_samples=ROWS, lr=LR, lr_end=LR),
        sae, iter(()))
    others = [p for n, p in sae.named_parameters() if n != "threshold"]
    # The optimiser has its parameters by now; this is what the trainer clips.
    sae.parameters = lambda recurse=True: iter(others)

    def one(batch):
        loss = trainer.step(batch[0]).loss
        trainer.n_training_steps += 1
        return loss
    names = {n: (lambda p=p, flip=n == "W_enc": p.T if flip else p) for n, p in sae.named_parameters()}
    head = {"name": name, "peer": PEER, "type": kind, "options": {**BASE, **options}, "step": step, "clip": 1}
    return record(head, names, ["x0"], one, **more)


def cases():
    warnings.simplefilter("ignore")
    l1 = {"coefficient": 0.2, "exponent": 1}
    yield case("standard", "relu", StandardTrainingSAE(StandardTrainingSAEConfig(**COMMON, l1_coefficient=0.2)),
               {"k": 1, "penaltyName": "l1"}, l1)
    yield case("standard, p-norm", "relu",
               StandardTrainingSAE(StandardTrainingSAEConfig(**COMMON, l1_coefficient=0.02, lp_norm=0.75)),
               {"k": 1, "penaltyName": "lp_norm"}, {"coefficient": 0.02, "exponent": 0.75})
    yield case("topk", "topk", TopKTrainingSAE(TopKTrainingSAEConfig(**COMMON, k=5)),
               {"k": 5, "gateByDecoderNorm": True}, {"k": 5})
    yield case("topk, scores without norms", "topk",
               TopKTrainingSAE(TopKTrainingSAEConfig(**COMMON, k=5, rescale_acts_by_decoder_norm=False)),
               {"k": 5}, {"k": 5})
    batch = {"k": 5, "batchK": 5 * ROWS}
    yield case("batchtopk", "batchtopk", BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**COMMON, k=5)),
               {"k": 5, "gateByDecoderNorm": True}, batch)
    yield case("matryoshka_batchtopk", "matryoshka",
               MatryoshkaBatchTopKTrainingSAE(MatryoshkaBatchTopKTrainingSAEConfig(
                   **COMMON, k=5, matryoshka_widths=[12, 24, F])),
               {"k": 5, "activation": "batchtopk", "gateByDecoderNorm": True, "bounds": [12, 24, F],
                "weights": [1, 1, 1]}, batch)
    yield from jumprelu_cases()
    yield case("gated", "gated", GatedFrozen(GatedTrainingSAEConfig(**COMMON, l1_coefficient=0.1)),
               {"k": 1, "penaltyName": "l1"}, {"coefficient": 0.1, "exponent": 1}, reason=FROZEN)
    yield pursuit_case("matching pursuit, static", 0.0, 5, False)
    yield pursuit_case("matching pursuit, dynamic", 1.5, 12, True)


def pursuit_case(name, threshold, iterations, duplicates):
    sae = MatchingPursuitTrainingSAE(MatchingPursuitTrainingSAEConfig(
        **COMMON, residual_threshold=threshold, max_iterations=iterations, stop_on_duplicate_support=duplicates))
    pursuit = {"mode": "dynamic" if duplicates else "static", "maxIterations": iterations, "residualThreshold": threshold,
               "stopOnDuplicateSupport": duplicates, "relu": True, "normaliseOnAccess": False}
    return case(name, "matching_pursuit", sae, {"k": iterations, "pursuit": pursuit}, {"k": iterations}, scale=0.22)


def jumprelu_cases():
    def sae(mode, width, **more):
        return JumpReLUTrainingSAE(JumpReLUTrainingSAEConfig(
            **COMMON, jumprelu_bandwidth=width, jumprelu_sparsity_loss_mode=mode, l0_coefficient=0.1, **more))

    def options(penalty, width, **more):
        return {"k": 1, "penaltyName": penalty, "bandwidth": width, "numbers": {"c": 4.0, "s": 0.01, "p": 1}, **more}
    step = {"coefficient": 0.1, "exponent": 1}
    # Thresholds stay above 0.28 in twenty steps: windows of this width reach no negative score.
    yield case("jumprelu, step", "jumprelu", sae("step", 0.5), options("l0", 0.5), step, reason=CLIPPED)
    yield case("jumprelu, tanh", "jumprelu", sae("tanh", 0.5), options("tanh", 0.5), step, reason=CLIPPED)
    yield case("jumprelu, tanh, gradients of windows to scores", "jumprelu",
               sae("tanh", 0.5, jumprelu_ste_to_input=True), options("tanh", 0.5, steToInput=True), step, reason=CLIPPED)
    whole = jumprelu_sae.JumpReLU
    jumprelu_sae.JumpReLU = PositiveJumpReLU
    try:
        yield case("jumprelu, tanh, a wide window", "jumprelu", sae("tanh", 2.0), options("tanh", 2.0), step,
                   reason=f"{CLIPPED}; {WINDOW}")
    finally:
        jumprelu_sae.JumpReLU = whole
