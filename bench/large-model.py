"""The models of large-model.ts: writes them, reads them, measures who reads them.

    python large-model.py write FOLDER COUNT   a chain of COUNT MatMuls with 16 MiB of float32 each; prints its path
    python large-model.py load FILE            onnx.load; prints {seconds, peakBytes} as JSON
    python large-model.py infer FILE           onnx.load and infer_shapes, the same
    python large-model.py run COMMAND...       runs it; prints {seconds, peakBytes} of the whole process
"""

import json
import os
import resource
import subprocess
import sys
import time

SIZE = 2048


def varint(value):
    data = bytearray()
    while value >= 128:
        data.append(value % 128 | 128)
        value //= 128
    return bytes(data + bytes([value]))


def field(number, content):
    return varint(number * 8 + 2) + varint(len(content)) + content


def write(folder, count):
    layers = int(count)
    from onnx import TensorProto, helper

    names = [f"h{index}" for index in range(layers + 1)]
    nodes = [
        helper.make_node("MatMul", [names[index], f"w{index}"], [names[index + 1]], name=f"layer{index}")
        for index in range(layers)
    ]
    shape = ["batch", SIZE]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, shape)],
    ).SerializeToString()
    payload = os.urandom(4096) * (SIZE * SIZE * 4 // 4096)
    heads = []
    for index in range(layers):
        tensor = TensorProto(name=f"w{index}", dims=[SIZE, SIZE], data_type=TensorProto.FLOAT)
        head = tensor.SerializeToString() + varint(9 * 8 + 2) + varint(len(payload))
        heads.append(varint(5 * 8 + 2) + varint(len(head) + len(payload)) + head)
    model = helper.make_model(helper.make_graph([], "", [], []), opset_imports=[helper.make_opsetid("", 17)])
    model.ClearField("graph")
    length = len(graph) + sum(len(head) + len(payload) for head in heads)
    path = os.path.join(folder, "large.onnx")
    with open(path, "wb") as file:
        file.write(model.SerializeToString() + varint(7 * 8 + 2) + varint(length) + graph)
        for head in heads:
            file.write(head)
            file.write(payload)
    print(path)


def load(path, infers=False):
    import onnx

    start = time.perf_counter()
    model = onnx.load(path)
    if infers:
        onnx.shape_inference.infer_shapes(model)
    report(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def infer(path):
    load(path, infers=True)


def run(command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{command[0]} ended with status {status}")
    report(seconds, usage.ru_maxrss)


def report(seconds, peak):
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    json.dump({"seconds": seconds, "peakBytes": peak * unit}, sys.stdout)


def main():
    mode, *arguments = sys.argv[1:]
    if mode == "run":
        run(arguments)
    else:
        {"write": write, "load": load, "infer": infer}[mode](*arguments)


main()
