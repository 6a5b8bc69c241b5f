"""Compares int8 weights with those of ONNX Runtime's quantiser; called by quantize-dynamic-parity.ts.

    python bench/quantize-dynamic-parity.py FOLDER

FOLDER holds NAME.onnx and NAME.int8.onnx, what green-ai made of it. Each NAME.onnx is quantised with
onnxruntime.quantization.quantize_dynamic (int8 weights, one scale a column), and for every MatMul and
Gemm that green-ai changed the codes, scales and zero points of both are compared bit by bit.
Prints one JSON line a model: {"model", "layers", "codes", "scales", "zeroPoints"} with counts of
identical tensors, and last {"onnxruntime": version}.
"""

import json
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

logging.disable(logging.WARNING)


class Graph:
    def __init__(self, path: Path):
        graph = onnx.load(path).graph
        self.nodes = list(graph.node)
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.producer = {name: node for node in graph.node for name in node.output}

    def array(self, name: str):
        return numpy_helper.to_array(self.initializers[name])

    def layer(self, output: str):
        """Codes, scales and zero points of the MatMulInteger behind a float value, or None."""
        scales = None
        pending = [output]
        while pending:
            node = self.producer.get(pending.pop())
            if node is None:
                continue
            if node.op_type == "MatMulInteger":
                codes = self.array(node.input[1])
                zero_point = node.input[3] if len(node.input) > 3 else ""
                zeros = self.array(zero_point) if zero_point else np.zeros(1, codes.dtype)
                return codes, scales, zeros
            if node.op_type == "Mul":
                known = [name for name in node.input if name in self.initializers]
                if known:
                    scales = self.array(known[0])
            if node.op_type in ("Add", "Mul", "Cast"):
                # The scales' own product first: the integer product must be found last.
                products = [name for name in node.input if name in self.producer]
                products.sort(key=lambda name: self.producer[name].op_type == "Mul")
                pending.extend(products)
        return None


def signed(codes, zeros):
    """uint8 codes around 128 as the int8 codes that they stand for."""
    if codes.dtype == np.uint8 and (zeros == 128).all():
        return (codes ^ 128).view(np.int8), zeros ^ 128
    return codes, zeros


def same(left, right) -> bool:
    return left.dtype == right.dtype and left.tobytes() == right.tobytes()


def compare(original: Path, ours: Path, scratch: Path) -> dict:
    peer = scratch / "peer.onnx"
    quantize_dynamic(
        original,
        peer,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    before, mine, theirs = Graph(original), Graph(ours), Graph(peer)
    counts = {"model": original.stem, "layers": 0, "codes": 0, "scales": 0, "zeroPoints": 0}
    for node in before.nodes:
        if node.op_type not in ("MatMul", "Gemm"):
            continue
        found = mine.layer(node.output[0])
        if found is None:
            continue
        counts["layers"] += 1
        expected = theirs.layer(node.output[0])
        if expected is None:
            continue
        codes, zeros = signed(found[0], found[2])
        counts["codes"] += same(codes, expected[0])
        counts["scales"] += same(found[1].ravel(), expected[1].ravel())
        counts["zeroPoints"] += bool((zeros == 0).all() and (expected[2] == 0).all())
    return counts


def main() -> None:
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        for ours in sorted(folder.rglob("*.int8.onnx")):
            original = ours.with_name(ours.name.replace(".int8.onnx", ".onnx"))
            print(json.dumps(compare(original, ours, Path(scratch))), flush=True)
    print(json.dumps({"onnxruntime": onnxruntime.__version__}))


main()
