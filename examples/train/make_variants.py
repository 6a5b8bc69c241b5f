"""Derive two more examples from the exported graphs, without retraining.

tabular-mlp-external is tabular-mlp with its weights moved to a separate data file.

digits-cnn-leftovers is digits-cnn with leftovers put in on purpose: no exporter produced them.
They are the kinds found in graphs that were edited or converted after training, and none of them
changes a result: a Dropout that does nothing at inference, two Identity nodes, an auxiliary head
whose output nobody reads, and a weight that no node uses.
"""

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from common import EXAMPLES_DIR, SEED, heldout_files, model_path, record_accuracy

EXTERNAL_THRESHOLD_BYTES = 1024
AUXILIARY_CHANNELS = 32  # channels of the map that the first MaxPool returns


def copy_heldout(source: Path, target: Path) -> None:
    """Give the graph at `target` the held-out files of the graph at `source`."""
    for source_file, target_file in zip(heldout_files(source), heldout_files(target), strict=True):
        shutil.copyfile(source_file, target_file)


def make_external() -> None:
    """Save tabular-mlp again with its larger tensors in model.onnx.data."""
    source = model_path("tabular-mlp")
    target = EXAMPLES_DIR / "tabular-mlp-external" / "model.onnx"
    target.parent.mkdir(exist_ok=True)
    data_file = target.with_name("model.onnx.data")
    data_file.unlink(missing_ok=True)  # onnx appends to a data file that is already there
    onnx.save_model(
        onnx.load(source),
        target,
        save_as_external_data=True,
        location=data_file.name,
        size_threshold=EXTERNAL_THRESHOLD_BYTES,
    )
    data_file.chmod(0o644)  # onnx makes it readable by its owner only
    copy_heldout(source, target)
    record_accuracy(target)


def random_tensor(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> TensorProto:
    """A float32 tensor of small random values."""
    return numpy_helper.from_array(rng.normal(0, 0.1, shape).astype(np.float32), name)


def first_node(graph: GraphProto, op_type: str) -> NodeProto:
    """The first node of this kind."""
    return next(node for node in graph.node if node.op_type == op_type)


def insert_before(graph: GraphProto, reader: NodeProto, added: list[NodeProto]) -> None:
    """Put a chain of one-input nodes between the first input of `reader` and `reader`."""
    position = list(graph.node).index(reader)
    previous = reader.input[0]
    for node in added:
        node.input.insert(0, previous)
        previous = node.output[0]
    reader.input[0] = previous
    for offset, node in enumerate(added):
        graph.node.insert(position + offset, node)


def pass_through(op_type: str, name: str) -> NodeProto:
    """A node that returns its input, to be connected by insert_before."""
    return helper.make_node(op_type, [], [f"{name}_output_0"], name=name)


def add_auxiliary_head(graph: GraphProto, rng: np.random.Generator) -> None:
    """Add Conv -> GlobalAveragePool on the first pooled map [rows, 32, 16, 16]; nobody reads it."""
    weight = random_tensor("auxiliary.weight", (10, AUXILIARY_CHANNELS, 1, 1), rng)
    graph.initializer.append(weight)
    pooled = first_node(graph, "MaxPool").output[0]
    conv_output, head_output = "/auxiliary/Conv_output_0", "/auxiliary/GlobalAveragePool_output_0"
    graph.node.extend(
        [
            helper.make_node("Conv", [pooled, weight.name], [conv_output], name="/auxiliary/Conv"),
            helper.make_node(
                "GlobalAveragePool", [conv_output], [head_output], name="/auxiliary/Pool"
            ),
        ]
    )


def make_leftovers() -> None:
    """Save digits-cnn again with the leftovers described at the top of this file."""
    source, target = model_path("digits-cnn"), model_path("digits-cnn-leftovers")
    model = onnx.load(source)
    graph = model.graph
    rng = np.random.default_rng(SEED)

    insert_before(graph, first_node(graph, "Conv"), [pass_through("Identity", "/stem/Identity")])
    insert_before(
        graph,
        first_node(graph, "Gemm"),
        [pass_through("Dropout", "/head/Dropout"), pass_through("Identity", "/head/Identity")],
    )
    add_auxiliary_head(graph, rng)
    graph.initializer.append(random_tensor("old_head.weight", (10, 128), rng))

    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, target)
    copy_heldout(source, target)
    record_accuracy(target)


def main() -> None:
    """Write both variants."""
    make_external()
    make_leftovers()


if __name__ == "__main__":
    main()
