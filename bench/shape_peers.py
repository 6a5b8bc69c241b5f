"""What others know of the shapes in ONNX models, and what ONNX Runtime sees when it runs them.

usage: shape_peers.py < paths    (one per line; answers are lines of JSON in the same order)

Each answer: {"onnx", "symbolic": value -> [dtype code, dims or null], "seen": value -> [dtype name, dims],
"sizes": symbol or "input.axis" -> size, "error": why it did not run}. Every model has a process of its own.
"""

import json
import logging
import os
import resource
import signal
import sys
import warnings

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, shape_inference
from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

SECONDS = 120
BYTES = 8 * 2**30
# Sizes of free dims, tried in turn until one runs: different ones tell most.
ATTEMPTS = [[3, 5, 7, 4, 6], [2], [1], [4], [8], [16], [32], [64], [224]]


def types_of(graph):
    found = {}
    for info in [*graph.value_info, *graph.output]:
        kind = info.type.WhichOneof("value")
        if kind not in ("tensor_type", "sparse_tensor_type"):
            if kind:
                found[info.name] = [-1, []]
            continue
        tensor = getattr(info.type, kind)
        dims = None
        if tensor.HasField("shape"):
            dims = [
                d.dim_value if d.HasField("dim_value") else (d.dim_param or None) for d in tensor.shape.dim
            ]
        found[info.name] = [tensor.elem_type, dims]
    return found


def by_onnx(path):
    model = onnx.load(path)
    inferred = shape_inference.infer_shapes(model, check_type=False, strict_mode=False, data_prop=True)
    return types_of(inferred.graph)


def by_symbolic(path):
    model = onnx.load(path)
    inferred = SymbolicShapeInference.infer_shapes(model, auto_merge=True, guess_output_rank=False, verbose=0)
    return types_of(inferred.graph)


def value(dtype, dims, fill):
    random = numpy.random.default_rng(0)
    if dtype == "string":
        return numpy.full(dims, "a", dtype=object)
    if dtype == "bool":
        return numpy.ones(dims, dtype=bool)
    kind = numpy.dtype(helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(dtype.upper())))
    if kind.kind in "iu":
        return numpy.full(dims, fill, dtype=kind)
    return random.random(dims).astype(kind)


def feeds_of(graph, sizes, fill):
    """Inputs of these sizes; `bound` tells which symbol or unnamed dim has which."""
    given = {tensor.name for tensor in graph.initializer}
    feeds, bound = {}, {}
    for info in graph.input:
        if info.name in given:
            continue
        tensor = info.type.tensor_type
        if info.type.WhichOneof("value") != "tensor_type" or not tensor.HasField("shape"):
            raise ValueError(f"input {info.name} is no tensor of known rank")
        dims = []
        for axis, dim in enumerate(tensor.shape.dim):
            if dim.HasField("dim_value"):
                dims.append(dim.dim_value)
                continue
            name = dim.dim_param or f"{info.name}.{axis}"
            bound.setdefault(name, sizes[len(bound) % len(sizes)])
            dims.append(bound[name])
        feeds[info.name] = value(TensorProto.DataType.Name(tensor.elem_type).lower(), dims, fill)
    return feeds, bound


def by_running(path):
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    declared = {info.name for info in graph.output}
    names = [name for node in graph.node for name in node.output if name]
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in declared)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if any(tensor.external_data for tensor in graph.initializer):
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.path.dirname(path))
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = [output.name for output in session.get_outputs()]
    last = None
    for sizes in ATTEMPTS:
        for fill in (1, 0, 2):
            feeds, bound = feeds_of(graph, sizes, fill)
            try:
                results = session.run(wanted, feeds)
            except Exception as problem:
                last = problem
                continue
            types = {output.name: output.type for output in session.get_outputs()}
            seen = {
                name: [types[name], list(result.shape)]
                for name, result in zip(wanted, results)
                if isinstance(result, numpy.ndarray) and types[name].startswith("tensor")
            }
            return seen, bound
    raise last


def answer(path):
    result = {"onnx": {}, "symbolic": {}, "seen": {}, "sizes": {}, "error": None}
    for name, infer in (("onnx", by_onnx), ("symbolic", by_symbolic)):
        try:
            result[name] = infer(path)
        except BaseException as problem:
            result[f"{name}Error"] = f"{type(problem).__name__}: {problem}"[:200]
    try:
        result["seen"], result["sizes"] = by_running(path)
    except BaseException as problem:
        result["error"] = f"{type(problem).__name__}: {problem}"[:300]
    return result


def in_own_process(path):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        with os.fdopen(write, "w") as out:
            out.write(json.dumps(answer(path)))
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as source:
        text = source.read()
    os.waitpid(child, 0)
    return text or json.dumps({"onnx": {}, "symbolic": {}, "seen": {}, "sizes": {}, "error": "crashed or too slow"})


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        print(in_own_process(line.strip()), flush=True)


main()
