"""Tiny random language models of every architecture, and where PyTorch holds what each hookpoint means.

`ARCHITECTURES` maps a name to a function that gives `Zoo(model, places, out)`. `places` maps a hookpoint to
`(module, "in" | "out", pick)`: the first argument or the result of that module, and what of it is meant.
"""

import dataclasses

import torch
import transformers as hf

VOCAB, CTX, WIDTH, LAYERS, HEADS, HIDDEN = 64, 32, 16, 2, 2, 40
HEAD = 16  # the least width of a head that ONNX Runtime's GroupQueryAttention takes


@dataclasses.dataclass
class Zoo:
    model: torch.nn.Module
    places: dict
    out: str = "logits"


def randomise(model, seed=0):
    """Gains near 1, everything else of a size that makes each sublayer count."""
    generator = torch.Generator().manual_seed(seed)
    zero_based = "gemma" in model.config.model_type  # its norms multiply by 1 + weight
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator) * 0.3
        gain = weight.dim() == 1 and name.endswith("weight") and not zero_based
        weight.data.copy_(noise + 1 if gain else noise)
    return model.eval()


def whole(value):
    return value


def third(index):
    """One of three equal parts of the last axis: GPT-2's joined queries, keys and values."""
    return lambda value: value.chunk(3, dim=-1)[index]


def third_of_heads(index):
    """GPT-NeoX joins them head by head."""
    def pick(value):
        parts = value.view(*value.shape[:-1], HEADS, -1).chunk(3, dim=-1)
        return parts[index].reshape(*value.shape[:-1], -1)

    return pick


def sublayers(i, block, attn, attn_last, mlp, mlp_last):
    """The hookpoints of a layer that mean the same in every causal architecture."""
    return {
        f"blocks.{i}.hook_resid_pre": (block, "in", whole),
        f"blocks.{i}.hook_resid_post": (block, "out", whole),
        f"blocks.{i}.attn.hook_in": (attn, "in", whole),
        f"blocks.{i}.attn.hook_z": (attn_last, "in", whole),
        f"blocks.{i}.hook_attn_out": (attn, "out", whole),
        f"blocks.{i}.mlp.hook_in": (mlp, "in", whole),
        f"blocks.{i}.mlp.hook_post": (mlp_last, "in", whole),
        f"blocks.{i}.hook_mlp_out": (mlp, "out", whole),
    }


def separate_qkv(i, attn):
    return {
        f"blocks.{i}.attn.hook_{letter}": (getattr(attn, f"{letter}_proj"), "out", whole)
        for letter in "qkv"
    }


def joined_qkv(i, module, part):
    return {
        f"blocks.{i}.attn.hook_{letter}": (module, "out", part(index))
        for index, letter in enumerate("qkv")
    }


def gpt2():
    config = hf.GPT2Config(
        vocab_size=VOCAB, n_positions=CTX, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    )
    model = randomise(hf.GPT2LMHeadModel(config))
    places = {}
    for i, block in enumerate(model.transformer.h):
        places |= sublayers(i, block, block.attn, block.attn.c_proj, block.mlp, block.mlp.c_proj)
        places |= joined_qkv(i, block.attn.c_attn, third)
        places[f"blocks.{i}.hook_resid_mid"] = (block.ln_2, "in", whole)
    return Zoo(model, places)


def neox(parallel):
    config = hf.GPTNeoXConfig(
        vocab_size=VOCAB, max_position_embeddings=CTX, hidden_size=WIDTH, intermediate_size=48,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, bos_token_id=0, eos_token_id=0,
        hidden_dropout=0.0, attention_dropout=0.0, use_parallel_residual=parallel,
    )
    model = randomise(hf.GPTNeoXForCausalLM(config))
    places = {}
    for i, block in enumerate(model.gpt_neox.layers):
        attn, mlp = block.attention, block.mlp
        places |= sublayers(i, block, attn, attn.dense, mlp, mlp.dense_4h_to_h)
        places |= joined_qkv(i, attn.query_key_value, third_of_heads)
        places[f"blocks.{i}.attn.hook_qkv"] = (attn.query_key_value, "out", whole)
        if not parallel:
            places[f"blocks.{i}.hook_resid_mid"] = (block.post_attention_layernorm, "in", whole)
    return Zoo(model, places)


def rotary(config_class, model_class, **more):
    """Llama and those that differ from it by details."""
    options = dict(
        vocab_size=VOCAB, max_position_embeddings=CTX, hidden_size=WIDTH, intermediate_size=HIDDEN,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=1,
        tie_word_embeddings=False, bos_token_id=0, eos_token_id=0, pad_token_id=0,
        head_dim=HEAD,
    )
    model = randomise(model_class(config_class(**(options | more))))
    places = {}
    for i, block in enumerate(model.model.layers):
        attn, mlp = block.self_attn, block.mlp
        places |= sublayers(i, block, attn, attn.o_proj, mlp, mlp.down_proj)
        places |= separate_qkv(i, attn)
        places[f"blocks.{i}.hook_resid_mid"] = (block.post_attention_layernorm, "in", whole)
    return Zoo(model, places)


def gemma(config_class, model_class, **more):
    """Gemma 2 and 3: norms after the sublayers too, whose results are what is added."""
    options = dict(
        tie_word_embeddings=True, sliding_window=5, query_pre_attn_scalar=HEAD,
        attn_implementation="eager",
    )
    zoo = rotary(config_class, model_class, **(options | more))
    for i, block in enumerate(zoo.model.model.layers):
        zoo.places |= {
            f"blocks.{i}.hook_attn_out": (block.post_attention_layernorm, "out", whole),
            f"blocks.{i}.hook_resid_mid": (block.pre_feedforward_layernorm, "in", whole),
            f"blocks.{i}.mlp.hook_in": (block.pre_feedforward_layernorm, "out", whole),
            f"blocks.{i}.hook_mlp_out": (block.post_feedforward_layernorm, "out", whole),
        }
    return zoo


def phi(**more):
    """Attention and MLP side by side, behind one norm."""
    config = hf.PhiConfig(
        vocab_size=VOCAB, max_position_embeddings=CTX, hidden_size=HEADS * HEAD, intermediate_size=48,
        num_hidden_layers=LAYERS, num_attention_heads=HEADS, bos_token_id=0, eos_token_id=0,
        resid_pdrop=0.0, embd_pdrop=0.0, attention_dropout=0.0, **more,
    )
    model = randomise(hf.PhiForCausalLM(config))
    places = {}
    for i, block in enumerate(model.model.layers):
        places |= sublayers(i, block, block.self_attn, block.self_attn.dense, block.mlp, block.mlp.fc2)
        places |= separate_qkv(i, block.self_attn)
    return Zoo(model, places)


def bert(hidden_layers=LAYERS, **more):
    """Norms behind the sums: the stream is what leaves them, and there is no other."""
    config = hf.BertConfig(
        vocab_size=VOCAB, max_position_embeddings=CTX, hidden_size=WIDTH, intermediate_size=48,
        num_hidden_layers=hidden_layers, num_attention_heads=HEADS, hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0, **more,
    )
    return bert_places(randomise(hf.BertModel(config, add_pooling_layer=False)))


def bert_places(model):
    places = {}
    for i, block in enumerate(model.encoder.layer):
        attn, out = block.attention, block.output
        places |= {
            f"blocks.{i}.hook_resid_pre": (block, "in", whole),
            f"blocks.{i}.attn.hook_in": (attn, "in", whole),
            f"blocks.{i}.attn.hook_z": (attn.output.dense, "in", whole),
            f"blocks.{i}.hook_attn_out": (attn.output.dense, "out", whole),
            f"blocks.{i}.hook_resid_mid": (attn.output.LayerNorm, "out", whole),
            f"blocks.{i}.mlp.hook_in": (block.intermediate, "in", whole),
            f"blocks.{i}.mlp.hook_post": (out.dense, "in", whole),
            f"blocks.{i}.hook_mlp_out": (out.dense, "out", whole),
            f"blocks.{i}.hook_resid_post": (block, "out", whole),
        }
        for letter, word in zip("qkv", ("query", "key", "value")):
            places[f"blocks.{i}.attn.hook_{letter}"] = (getattr(attn.self, word), "out", whole)
    return Zoo(model, places, out="last_hidden_state")


def smollm2():
    """A Llama with tied embeddings and three query heads to a key head."""
    return rotary(
        hf.LlamaConfig, hf.LlamaForCausalLM, hidden_size=48, num_attention_heads=3,
        tie_word_embeddings=True,
    )


ARCHITECTURES = {
    "gpt2": gpt2,
    "neox": lambda: neox(parallel=True),
    "neox_sequential": lambda: neox(parallel=False),
    "llama": lambda: rotary(hf.LlamaConfig, hf.LlamaForCausalLM),
    "smollm2": smollm2,
    "qwen2": lambda: rotary(hf.Qwen2Config, hf.Qwen2ForCausalLM),
    "qwen3": lambda: rotary(hf.Qwen3Config, hf.Qwen3ForCausalLM),
    "mistral": lambda: rotary(hf.MistralConfig, hf.MistralForCausalLM, sliding_window=5),
    "gemma2": lambda: gemma(hf.Gemma2Config, hf.Gemma2ForCausalLM),
    "gemma3": lambda: gemma(
        hf.Gemma3TextConfig, hf.Gemma3ForCausalLM,
        layer_types=["sliding_attention", "full_attention"],
    ),
    "phi": phi,
    "bert": bert,
    # all-MiniLM is a BERT of six layers whose heads are 32 wide.
    "minilm": lambda: bert(hidden_layers=3, hidden_act="gelu"),
}

# What the builder of onnxruntime-genai makes otherwise than transformers has it, and the model where both agree:
FOR_GENAI = {
    # Windows are given to the odd layers, where transformers gives them to the even ones.
    "gemma2": lambda: gemma(hf.Gemma2Config, hf.Gemma2ForCausalLM, sliding_window=CTX),
    # The kind of a layer is not read from the configuration: every sixth layer has no window.
    "gemma3": lambda: gemma(hf.Gemma3TextConfig, hf.Gemma3ForCausalLM, sliding_window=CTX),
    # ONNX Runtime's kernel rotates a multiple of 16 numbers of a head; gelu_new becomes the exact Gelu, and Phi's
    # epsilon is not read: it is 1e-6.
    "phi": lambda: phi(partial_rotary_factor=1.0, hidden_act="gelu", layer_norm_eps=1e-6),
}


def make(architecture, exporter):
    other = FOR_GENAI if exporter.startswith("genai") else {}
    return other.get(architecture, ARCHITECTURES[architecture])()
