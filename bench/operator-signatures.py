"""Writes server/src/core/onnx/operator-signatures.json from the operator schemas of the installed onnx package.

    python bench/operator-signatures.py

Facts of the ONNX standard (Apache-2.0): which inputs, outputs and attributes each operator has since which opset.

The file: {"onnx": version, "opsets": {domain: newest}, "operators": {domain: {name: [[since, inputs, outputs, attributes], …]}}}
- inputs, outputs: one character per formal parameter: 1 needed, ? optional, and at the end *N for a variadic one
  with at least N entries
- attributes: "name:kind name:kind! …"; kinds as in `kinds` below, ! when the attribute is required
- a version that changes none of these is left out; [since] alone: removed (deprecated) in that opset
"""

import json
from pathlib import Path

import onnx
from onnx.defs import OpSchema

domains = {"": "", "ai.onnx.ml": "ai.onnx.ml"}
kinds = {
    "FLOAT": "f",
    "INT": "i",
    "STRING": "s",
    "TENSOR": "t",
    "GRAPH": "g",
    "SPARSE_TENSOR": "z",
    "TYPE_PROTO": "p",
    "FLOATS": "F",
    "INTS": "I",
    "STRINGS": "S",
    "TENSORS": "T",
    "GRAPHS": "G",
    "SPARSE_TENSORS": "Z",
    "TYPE_PROTOS": "P",
}


def parameters(formals):
    text = ""
    for formal in formals:
        if formal.option == OpSchema.FormalParameterOption.Variadic:
            text += f"*{formal.min_arity}"
        else:
            text += "?" if formal.option == OpSchema.FormalParameterOption.Optional else "1"
    return text


def attributes(schema):
    return " ".join(
        f"{name}:{kinds[attribute.type.name]}{'!' if attribute.required else ''}"
        for name, attribute in sorted(schema.attributes.items())
    )


def limits(text):
    """Minimum and maximum count as OpSchema::Finalize computes them, to prove that nothing is lost."""
    fixed, star, arity = text.partition("*")
    minimum = len(fixed) + int(arity) if star else fixed.rfind("1") + 1
    return minimum, (2**31 - 1 if star else len(fixed))


def signatures(domain):
    operators = {}
    schemas = [s for s in onnx.defs.get_all_schemas_with_history() if s.domain == domain]
    for schema in sorted(schemas, key=lambda s: (s.name, s.since_version)):
        versions = operators.setdefault(schema.name, [])
        if schema.deprecated:
            versions.append([schema.since_version])
            continue
        inputs, outputs = parameters(schema.inputs), parameters(schema.outputs)
        assert limits(inputs) == (schema.min_input, schema.max_input), schema.name
        assert limits(outputs) == (schema.min_output, schema.max_output), schema.name
        entry = [inputs, outputs, attributes(schema)]
        if not versions or versions[-1][1:] != entry:
            versions.append([schema.since_version, *entry])
    return operators


def main():
    table = {
        "onnx": onnx.__version__,
        "opsets": {
            domain: max(s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.domain == domain)
            for domain in domains
        },
        "operators": {domain: signatures(domain) for domain in domains},
    }
    table["opsets"][""] = onnx.defs.onnx_opset_version()
    target = Path(__file__).parent.parent / "server/src/core/onnx/operator-signatures.json"
    text = json.dumps(table, separators=(",", ":"), ensure_ascii=True)
    # One operator a line keeps differences readable.
    text = text.replace(']],"', ']],\n"').replace('{"":{"', '{"":{\n"')
    target.write_text(text + "\n", encoding="utf-8")
    count = sum(len(operators) for operators in table["operators"].values())
    print(f"{count} operators, {target.stat().st_size} bytes")


main()
