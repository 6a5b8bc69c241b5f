"""What the official parser and printer make of texts of ONNX models.

usage: text_peers.py < requests    (one line of JSON each; one line of JSON answers each)

{"model", "text"}: the model's file and our text of it. Answers {"error": why the parser refuses our text, "different":
where what it reads differs from the model, "official": the printer's text, "officialError": why the parser refuses
that}. {"model", "official", "encoded"}: what we read from the official text, as base64 of a ModelProto. Answers
{"reader": where it differs from what the official parser reads, "different": where it differs from the model}.
Every request has a process of its own.
"""

import base64
import json
import os
import re
import resource
import signal
import struct
import sys

import onnx
import onnx.parser
import onnx.printer
from onnx import AttributeProto, numpy_helper

SECONDS = 120
BYTES = 6 * 2**30
SHOWN = 6


def is_identifier(name):
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def domain(text):
    return "" if text == "ai.onnx" else text


def type_of(proto):
    """What the syntax can say of a TypeProto; None when it has no word for an element type."""
    kind = proto.WhichOneof("value")
    if kind in ("tensor_type", "sparse_tensor_type"):
        tensor = getattr(proto, kind)
        if tensor.elem_type == 0:
            return None
        return [kind, tensor.elem_type, dims_of(tensor)]
    if kind in ("sequence_type", "optional_type"):
        inner = type_of(getattr(proto, kind).elem_type)
        return inner and [kind, inner]
    if kind == "map_type":
        value = type_of(proto.map_type.value_type)
        return value and [kind, proto.map_type.key_type, value]
    if kind == "opaque_type":
        return [kind, proto.opaque_type.domain, proto.opaque_type.name]
    return None


def dims_of(tensor):
    """A negative size and an empty name say nothing, as no dim at all does."""
    if not tensor.HasField("shape"):
        return None
    return [
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else (dim.dim_param or None)
        for dim in tensor.shape.dim
    ]


def data_of(tensor, folder):
    """Bytes of a tensor's elements, from the file that it refers to if any."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        try:
            with open(os.path.join(folder, entries["location"]), "rb") as file:
                file.seek(int(entries.get("offset", 0)))
                return file.read(int(entries["length"]) if "length" in entries else -1).hex()
        except (OSError, ValueError, KeyError):
            return ["not there", entries.get("location", "").lstrip("./")]
    if tensor.data_type == onnx.TensorProto.STRING:
        return [bytes(text).hex() for text in tensor.string_data]
    if tensor.raw_data:
        return tensor.raw_data.hex()
    if tensor.float_data:
        return struct.pack(f"<{len(tensor.float_data)}f", *tensor.float_data).hex()
    try:
        return numpy_helper.to_array(tensor).tobytes().hex() if tensor.data_type else ""
    except Exception:
        # Fewer elements than the dims say, or a type that numpy has no form for.
        return [list(getattr(tensor, field)) for field in ("float_data", "int32_data", "int64_data", "double_data")]


def tensor_of(tensor, folder):
    return {
        "name": tensor.name,
        "type": tensor.data_type,
        "dims": list(tensor.dims),
        "data": data_of(tensor, folder),
    }


def attribute_of(attribute, folder):
    kind = attribute.type
    said = {"type": kind, "ref": attribute.ref_attr_name}
    if attribute.ref_attr_name:
        return said

    # Names of subgraphs and of tensors in attributes take no quotes.
    def tensor(one):
        return {**tensor_of(one, folder), "name": one.name if is_identifier(one.name) else ""}

    def graph(one):
        return {**graph_of(one, folder), "name": re.sub("[^A-Za-z0-9_]", "_", one.name)}

    readers = {
        AttributeProto.FLOAT: lambda: repr(attribute.f),
        AttributeProto.INT: lambda: attribute.i,
        AttributeProto.STRING: lambda: attribute.s.hex(),
        AttributeProto.TENSOR: lambda: tensor(attribute.t),
        AttributeProto.GRAPH: lambda: graph(attribute.g),
        AttributeProto.FLOATS: lambda: [repr(one) for one in attribute.floats],
        AttributeProto.INTS: lambda: list(attribute.ints),
        AttributeProto.STRINGS: lambda: [one.hex() for one in attribute.strings],
        AttributeProto.TENSORS: lambda: [tensor(one) for one in attribute.tensors],
        AttributeProto.GRAPHS: lambda: [graph(one) for one in attribute.graphs],
        AttributeProto.TYPE_PROTO: lambda: type_of(attribute.tp),
        AttributeProto.TYPE_PROTOS: lambda: [type_of(one) for one in attribute.type_protos],
    }
    return {**said, "value": readers[kind]() if kind in readers else None}


def node_of(node, folder):
    return {
        "name": node.name,
        "operator": [domain(node.domain), node.op_type, node.overload],
        "inputs": list(node.input),
        "outputs": list(node.output),
        "attributes": {one.name: attribute_of(one, folder) for one in reversed(node.attribute)},
    }


def values_of(infos):
    return [[info.name, type_of(info.type)] for info in infos]


def graph_of(graph, folder):
    return {
        "name": graph.name,
        "inputs": values_of(graph.input),
        "outputs": values_of(graph.output),
        "values": values_of(graph.value_info),
        "initializers": [tensor_of(one, folder) for one in graph.initializer],
        "nodes": [node_of(one, folder) for one in graph.node],
    }


def function_of(one, folder):
    return {
        "name": [domain(one.domain), one.name, one.overload],
        "doc": one.doc_string,
        "inputs": list(one.input),
        "outputs": list(one.output),
        "attributes": list(one.attribute),
        "defaults": [[default.name, attribute_of(default, folder)] for default in one.attribute_proto],
        "opsets": opsets_of(one),
        "values": values_of(one.value_info),
        "nodes": [node_of(node, folder) for node in one.node],
    }


def opsets_of(proto):
    return {domain(one.domain): one.version for one in proto.opset_import}


def model_of(model, folder):
    """Everything that the syntax has a place for."""
    return {
        "ir": model.ir_version,
        "opsets": opsets_of(model),
        "producer": [model.producer_name, model.producer_version],
        "domain": model.domain,
        "version": model.model_version,
        "doc": model.doc_string,
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
        "graph": graph_of(model.graph, folder),
        "functions": [function_of(one, folder) for one in model.functions],
    }


def differences(one, other, at=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from differences(one.get(key), other.get(key), f"{at}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other)):
            yield from differences(*pair, f"{at}[{index}]")
    elif one != other:
        yield f"{at}: {str(one)[:60]} / {str(other)[:60]}"


def first_differences(one, other):
    found = list(differences(one, other))
    return found[:SHOWN] + ([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])


def error_text(problem):
    text = problem.args[0] if problem.args else ""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    lines = [line for line in text.splitlines() if not line.startswith("Error context")]
    return f"{type(problem).__name__}: {' '.join(lines)}"[:300]


def of_our_text(request, folder):
    model = onnx.load(request["model"], load_external_data=False)
    want = model_of(model, folder)
    result = {"error": None, "different": [], "official": None, "officialError": None}
    try:
        read = onnx.parser.parse_model(request["text"])
        result["different"] = first_differences(want, model_of(read, folder))
    except Exception as problem:
        result["error"] = error_text(problem)
    try:
        result["official"] = onnx.printer.to_text(model)
        onnx.parser.parse_model(result["official"])
    except Exception as problem:
        result["officialError"] = error_text(problem)
    return result


def of_official_text(request, folder):
    ours = onnx.load_model_from_string(base64.b64decode(request["encoded"]))
    read = onnx.parser.parse_model(request["official"])
    model = onnx.load(request["model"], load_external_data=False)
    plain = model_of(ours, folder)
    return {
        "reader": first_differences(model_of(read, folder), plain),
        "different": first_differences(model_of(model, folder), plain),
    }


def answer(request):
    folder = os.path.dirname(request["model"])
    return of_our_text(request, folder) if "text" in request else of_official_text(request, folder)


def in_own_process(request):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        with os.fdopen(write, "w") as out:
            try:
                out.write(json.dumps(answer(request)))
            except BaseException as problem:
                out.write(json.dumps({"failed": error_text(problem)}))
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as source:
        text = source.read()
    os.waitpid(child, 0)
    return text or json.dumps({"failed": "crashed or too slow"})


def main():
    for line in sys.stdin:
        print(in_own_process(json.loads(line)), flush=True)


main()
