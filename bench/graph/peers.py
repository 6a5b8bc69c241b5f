"""What Python's tools say about a model; each mode is one process, so that its time and memory can be measured.

    python peers.py onnx-tool FILE     profiles it; prints {op, macs} per node, by its first output, as JSON
    python peers.py infer FILE         onnx.load and strict shape inference with data propagation; prints nothing
    python peers.py import-onnx        imports what `infer` imports
    python peers.py import-onnx-tool   imports what `onnx-tool` imports
    python peers.py versions           prints the versions of the packages as JSON
"""

import contextlib
import json
import math
import sys


def profile(path):
    import onnx
    import onnx_tool

    model = onnx.load(path)
    for given in model.graph.input:
        # It takes numbers only.
        for dim in given.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                dim.dim_value = 1
    # Its progress goes to stdout.
    with contextlib.redirect_stdout(sys.stderr):
        graph = onnx_tool.Model(model, {"verbose": False}).graph
        graph.graph_reorder_nodes()
        graph.shape_infer(None)
        graph.profile()
    nodes = {
        node.output[0]: {"op": node.op_type, "macs": number(node.macs[0])}
        for node in graph.nodemap.values()
        if node.output
    }
    json.dump(nodes, sys.stdout)


def number(macs):
    """JSON has no NaN, which stands for what is not known."""
    return None if math.isnan(macs) else float(macs)


def infer(path):
    import onnx

    onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True)


def versions():
    from importlib.metadata import version

    names = ["torch", "transformers", "onnx", "onnx-tool", "onnxruntime"]
    json.dump({name: version(name) for name in names}, sys.stdout)


def main():
    mode, *arguments = sys.argv[1:]
    if mode == "import-onnx":
        import onnx.shape_inference  # noqa: F401
    elif mode == "import-onnx-tool":
        import onnx_tool  # noqa: F401
    else:
        {"onnx-tool": profile, "infer": infer, "versions": versions}[mode](*arguments)


main()
