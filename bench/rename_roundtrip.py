"""Compares models before and after one node was renamed; called by rename-roundtrip.ts.

    python rename_roundtrip.py LIST.json

LIST holds [{original, renamed, node, to}]. Prints {equal, unparsed, differences} as JSON.
"""

import json
import sys

import onnx


def parse(path):
    model = onnx.ModelProto()
    with open(path, "rb") as file:
        model.ParseFromString(file.read())
    return model


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        renames = json.load(file)
    equal, unparsed, differences = 0, 0, []
    for rename in renames:
        try:
            before = parse(rename["original"])
        except Exception:
            unparsed += 1
            continue
        after = parse(rename["renamed"])
        old, new = before.graph.node[rename["node"]], after.graph.node[rename["node"]]
        if new.name != rename["to"]:
            differences.append(f"{rename['original']}: the name is {new.name!r}")
            continue
        new.ClearField("name")
        if old.HasField("name"):
            new.name = old.name
        # As bytes: unknown fields are compared too.
        if before.SerializeToString(deterministic=True) == after.SerializeToString(deterministic=True):
            equal += 1
        else:
            differences.append(f"{rename['original']}: more than the name differs")
    json.dump({"equal": equal, "unparsed": unparsed, "differences": differences}, sys.stdout)


main()
