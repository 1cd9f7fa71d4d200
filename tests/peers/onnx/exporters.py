"""The programs that turn PyTorch models into ONNX, each as a function (zoo, ids, folder of the result)."""

import contextlib
import io
import pathlib
import tempfile

import onnx
import torch

OPSET = 18


def saved(model, folder):
    """The model as a Hugging Face folder with a tokenizer that the exporters can load."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    model.config.architectures = [type(model).__name__]
    model.save_pretrained(folder)
    vocab = {f"t{i}": i for i in range(model.config.vocab_size)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="t0"))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="t0", pad_token="t0", bos_token="t0", eos_token="t0"
    ).save_pretrained(folder)
    return folder


def task_of(zoo):
    return "text-generation" if zoo.out == "logits" else "feature-extraction"


def optimum(zoo, _ids, out, task=None, opset=OPSET):
    """
    The classic exporter (a TorchScript trace) as optimum calls it. The model is handed over: were it loaded by optimum, it
    would get transformers' sdpa attention, which leaves out Gemma 2's cap of the scores.
    """
    from optimum.exporters.onnx import onnx_export_from_model

    onnx_export_from_model(
        zoo.model, out, task=task or task_of(zoo), opset=opset, do_validation=False,
        no_post_process=True,
    )


def optimum_past(zoo, ids, out):
    optimum(zoo, ids, out, task="text-generation-with-past")


def inputs_of(zoo, ids):
    """What a caller of the model gives: ids and a mask, for BERT token types too."""
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if zoo.out != "logits":
        given["token_type_ids"] = torch.zeros_like(ids)
    return given


def classic(zoo, ids, out):
    """torch.onnx.export's TorchScript trace, without optimum; it cannot trace vmap, of which masks are made today."""
    from optimum.exporters.onnx import model_patcher
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS as masks

    given = inputs_of(zoo, ids)
    wrapper = Plain(zoo, list(given))
    axes = {name: {0: "batch", 1: "sequence"} for name in [*given, zoo.out]}
    before = dict(masks.items())
    masks.register("sdpa", model_patcher.sdpa_mask_without_vmap)
    masks.register("eager", model_patcher.eager_mask_without_vmap)
    try:
        torch.onnx.export(
            wrapper, tuple(given.values()), str(out / "model.onnx"), dynamo=False,
            opset_version=17, input_names=list(given), output_names=[zoo.out], dynamic_axes=axes,
        )
    finally:
        for name in ("sdpa", "eager"):
            masks.register(name, before[name])


class Plain(torch.nn.Module):
    """Positional inputs, one output, no cache."""

    def __init__(self, zoo, names):
        super().__init__()
        self.inner, self.names, self.out = zoo.model, names, zoo.out

    def forward(self, *values):
        more = {"use_cache": False} if self.out == "logits" else {}
        return self.inner(**dict(zip(self.names, values)), **more)[self.out]


def dynamo(zoo, ids, out, external=False):
    """torch.onnx.export through torch.export: values have numbers, the path is in the nodes' metadata."""
    given = inputs_of(zoo, ids)
    dynamic = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence", max=32)}
    given |= {"use_cache": False} if zoo.out == "logits" else {}
    shapes = {name: None if isinstance(v, bool) else dynamic for name, v in given.items()}
    torch.onnx.export(
        zoo.model, (), str(out / "model.onnx"), kwargs=given, dynamo=True, dynamic_shapes=shapes,
        output_names=[zoo.out], opset_version=OPSET, external_data=external, verbose=False,
    )


def dynamo_external(zoo, ids, out):
    dynamo(zoo, ids, out, external=True)


def dynamo_fp16(zoo, ids, out):
    zoo.model.half()
    dynamo(zoo, ids, out)
    zoo.model.float()


def genai(zoo, _ids, out, precision="fp32", provider="cpu", **options):
    """The builder of onnxruntime-genai, which makes most decoders of onnx-community."""
    from onnxruntime_genai.models.builder import create_model

    with tempfile.TemporaryDirectory() as work, contextlib.redirect_stdout(io.StringIO()):
        folder = saved(zoo.model, f"{work}/model")
        create_model("", folder, f"{work}/out", precision, provider, f"{work}/cache", **options)
        onnx.save(onnx.load(f"{work}/out/model.onnx"), out / "model.onnx")


def genai_int4(zoo, ids, out):
    genai(zoo, ids, out, precision="int4", int4_accuracy_level=1)


def genai_fp16(zoo, ids, out):
    genai(zoo, ids, out, precision="fp16", provider="webgpu")


def merged(zoo, _ids, out):
    """Both decoders in one graph, behind an If on `use_cache_branch`, as optimum made them for years."""
    from optimum.exporters.onnx import export_models
    from optimum.exporters.tasks import TasksManager
    from optimum.onnx.graph_transformations import merge_decoders

    make = TasksManager.get_exporter_config_constructor(
        exporter="onnx", model=zoo.model, task="text-generation", library_name="transformers"
    )
    first, names = make(zoo.model.config, use_past=True, use_past_in_inputs=False), ["a.onnx", "b.onnx"]
    later = make(zoo.model.config, use_past=True, use_past_in_inputs=True)
    with tempfile.TemporaryDirectory() as work:
        export_models(
            {"decoder_model": (zoo.model, first), "decoder_with_past_model": (zoo.model, later)},
            pathlib.Path(work), opset=OPSET, output_names=names,
        )
        paths = [pathlib.Path(work, name) for name in names]
        merge_decoders(*paths, save_path=out / "model.onnx")


def optimum_external(zoo, ids, out):
    """Weights in `model.onnx_data`, as optimum saves models over 2 GB."""
    optimum(zoo, ids, out)
    graph = onnx.load(out / "model.onnx")
    onnx.save(
        graph, str(out / "model.onnx"), save_as_external_data=True, location="model.onnx_data",
        size_threshold=100, convert_attribute=True,
    )


def optimum_fp16(zoo, ids, out):
    from onnxruntime.transformers.float16 import convert_float_to_float16

    optimum(zoo, ids, out)
    graph = onnx.load(out / "model.onnx")
    onnx.save(convert_float_to_float16(graph, keep_io_types=False), out / "model.onnx")


def optimum_int8(zoo, ids, out):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as work:
        optimum(zoo, ids, pathlib.Path(work))
        quantize_dynamic(
            f"{work}/model.onnx", str(out / "model.onnx"), weight_type=QuantType.QInt8,
            extra_options={"EnableSubgraph": True},
        )


def optimum_opset14(zoo, ids, out):
    optimum(zoo, ids, out, opset=14)


def snap_to_int4(model, block=32):
    """
    Moves the weights to where 4 bits hold them: in a block one of them is -8, the others -7 to 7 of a step. What remains
    between PyTorch and the quantised graph is rounding.
    """
    embedding = model.get_input_embeddings()
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if weight is None or weight.dim() != 2 or module is embedding:
            continue
        for columns in weight.data.split(block, dim=1):
            top, at = columns.abs().max(dim=1, keepdim=True)
            step = torch.exp2(torch.floor(torch.log2(top))) / 8
            steps = torch.round(columns / step).clamp(-7, 7).scatter(1, at, -8.0)
            columns.copy_(steps * step)


def snap_to_fp16(model):
    """Moves the weights to where 16 bits hold them."""
    for weight in model.parameters():
        weight.data.copy_(weight.data.half().float())


PREPARE = {
    "genai-int4": snap_to_int4,
    "genai-fp16": snap_to_fp16,
    "dynamo-fp16": snap_to_fp16,
    "optimum-fp16": snap_to_fp16,
}

EXPORTERS = {
    "optimum": optimum,
    "optimum-past": optimum_past,
    "classic": classic,
    "dynamo": dynamo,
    "genai": genai,
    "optimum-fp16": optimum_fp16,
    "optimum-int8": optimum_int8,
    "optimum-external": optimum_external,
    "optimum-opset14": optimum_opset14,
    "optimum-merged": merged,
    "dynamo-external": dynamo_external,
    "dynamo-fp16": dynamo_fp16,
    "genai-int4": genai_int4,
    "genai-fp16": genai_fp16,
}

# The slow ones, for as many architectures as show something new.
ONLY = {
    "dynamo-external": ("gpt2", "llama", "bert"),
    "dynamo-fp16": ("gpt2", "llama", "gemma3", "bert"),
}
