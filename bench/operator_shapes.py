"""Infers the models of one node that operator-shapes.ts wrote, and compares with what the tests expect.

ONNX Runtime has no inference to call. A model whose outputs declare an impossible shape makes it say what it inferred:
"source:{-1,64} target:{...}" in a warning, or both types in an error.
"""

import json
import os
import re
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, shape_inference

DTYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float8e4m3fn": TensorProto.FLOAT8E4M3FN,
}
IMPOSSIBLE = 99991


def split(text):
    """dtype and dims of `float32[N, 3]`; dims None when there are none, an unknown dim is None."""
    match = re.fullmatch(r"([a-z0-9?]+)(?:\[(.*)\])?", text)
    if not match:
        return None, None
    dims = match[2]
    if dims is None:
        return match[1], None
    depth, parts, last = 0, [], ""
    for char in dims:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(last.strip())
            last = ""
        else:
            last += char
    if last.strip():
        parts.append(last.strip())
    return match[1], [int(part) if part.isdigit() else None for part in parts]


def code_of(dtype):
    return DTYPES.get(dtype) or TensorProto.DataType.Value(dtype.upper())


def by_onnx(model):
    """name -> (elem_type, dims or None) of the outputs."""
    inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    found = {}
    for output in inferred.graph.output:
        tensor = output.type.tensor_type
        dims = None
        if tensor.HasField("shape"):
            dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        found[output.name] = (tensor.elem_type, dims)
    return found


def stderr_of(action):
    """What a native library writes to stderr meanwhile."""
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            action()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        file.seek(0)
        return file.read().decode(errors="replace")


def by_runtime(model, gives):
    found = {}
    for output, text in zip(model.graph.output, gives):
        dtype, dims = split(text)
        if dtype is None or dtype == "?":
            continue
        output.type.tensor_type.elem_type = code_of(dtype)
        for _ in range(len(dims) if dims else 1):
            output.type.tensor_type.shape.dim.add().dim_value = IMPOSSIBLE
    error = []

    def load():
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 2
        try:
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as problem:
            error.append(str(problem))

    log = stderr_of(load)
    for name, source in re.findall(r"output\. '(\w+)' source:\{([-\d,]*)\} target", log):
        dims = [int(dim) for dim in source.split(",") if dim]
        found[name] = (None, [None if dim < 0 else dim for dim in dims])
    if error and "NOT_IMPLEMENTED" not in error[0]:
        found["error"] = (None, error[0])
    return found


def main(folder):
    counts = {"agree": 0, "theirs unknown": 0, "ours unknown": 0, "contradiction": 0, "refused": 0}
    with open(os.path.join(folder, "rows.json"), encoding="utf-8") as file:
        rows = json.load(file)
    for row in rows:
        model = onnx.load(row["file"])
        is_standard = all(node.domain in ("", "ai.onnx.ml") for node in model.graph.node)
        try:
            if is_standard:
                for output in model.graph.output:
                    output.ClearField("type")
                found = by_onnx(model)
            else:
                found = by_runtime(model, row["gives"])
        except Exception as problem:
            found = {"error": (None, str(problem))}
        if "error" in found:
            counts["refused"] += 1
            print(f"refused  {row['title']}: {found['error'][1][:160]}")
            continue
        for index, text in enumerate(row["gives"]):
            if text == "-":
                continue
            dtype, ours = split(text)
            their_dtype, theirs = found.get(f"y{index}", (None, None))
            verdict = compare(dtype, ours, their_dtype, theirs)
            counts[verdict] += 1
            if verdict in ("contradiction", "ours unknown"):
                print(f"{verdict}  {row['title']}: y{index} is {text}, they say {their_dtype} {theirs}")
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    return 1 if counts["contradiction"] else 0


def compare(dtype, ours, their_dtype, theirs):
    if dtype is None:
        return "agree"
    if their_dtype and dtype != "?" and their_dtype != code_of(dtype):
        return "contradiction"
    if theirs is None:
        return "theirs unknown"
    if ours is None:
        return "ours unknown"
    if len(ours) != len(theirs):
        return "contradiction"
    if any(a is not None and b is not None and a != b for a, b in zip(ours, theirs)):
        return "contradiction"
    if any(a is None and b is not None for a, b in zip(ours, theirs)):
        return "ours unknown"
    return "agree"


numpy.seterr(all="ignore")
sys.exit(main(sys.argv[1]))
