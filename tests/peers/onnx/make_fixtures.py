"""Makes tests/onnx/fixtures/zoo: of the many exported models one of every shape of graph, made small.

    python make_fixtures.py && deno fmt ../../onnx/fixtures/zoo
"""

import pathlib
import shutil

import onnx

import architectures
import make_zoo

TARGET = pathlib.Path(__file__).parents[2] / "onnx" / "fixtures" / "zoo"

# name: layers
FIXTURES = {
    "llama-dynamo-external": 2,
    "gemma2-dynamo": 2,
    "gemma3-dynamo": 2,
    "phi-dynamo": 2,
    "bert-dynamo-fp16": 2,
    "bert-optimum": 2,
    "bert-optimum-int8": 2,
    "neox_sequential-optimum": 2,
    "gpt2-optimum-merged": 1,
    "qwen2-optimum-past": 1,
    "gemma3-genai": 2,
    "phi-genai": 2,
    "llama-genai-fp16": 2,
    "qwen3-genai-int4": 2,
}
FILES = {"model.onnx", "model.onnx.data", "oracle.json", "oracle.bin"}
# The path of the module, by which dynamo's values can be told apart; its stack traces name files of the machine.
KEPT = {"pkg.torch.onnx.name_scopes"}


def all_graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from all_graphs(attribute.g)


def slim(path):
    """Drops what only people read."""
    model = onnx.load(path, load_external_data=False)
    for graph in all_graphs(model.graph):
        parts = [graph.node, graph.value_info, graph.input, graph.output, graph.initializer]
        for item in [graph, *(item for part in parts for item in part)]:
            item.doc_string = ""
            kept = [entry for entry in item.metadata_props if entry.key in KEPT]
            del item.metadata_props[:]
            item.metadata_props.extend(kept)
    path.write_bytes(model.SerializeToString())


def main():
    shutil.rmtree(TARGET, ignore_errors=True)
    for name, layers in FIXTURES.items():
        architectures.LAYERS = layers
        folder = TARGET / name
        failure = make_zoo.export(*name.split("-", 1), folder)
        if failure:
            raise SystemExit(f"{name}: {failure}")
        slim(folder / "model.onnx")
        for path in folder.iterdir():
            if path.name not in FILES:
                path.unlink()
        print(f"{name:26}", {path.name: path.stat().st_size for path in sorted(folder.iterdir())})


if __name__ == "__main__":
    main()
