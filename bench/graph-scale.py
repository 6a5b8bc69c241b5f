"""Python's side of graph-scale.ts.

    python graph-scale.py run COMMAND...    runs it; prints its figures as a whole process
    python graph-scale.py infer FILE        onnx.load and onnx.shape_inference.infer_shapes
    python graph-scale.py version           the version of onnx

Figures are JSON: {seconds, userSeconds, peakBytes}; those of `run` are of the process that ends.
"""

import json
import os
import subprocess
import sys
import time


def run(command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    # 1 means findings.
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with status {status}")
    unit = 1 if sys.platform == "darwin" else 1024
    json.dump(
        {"seconds": seconds, "userSeconds": usage.ru_utime, "peakBytes": usage.ru_maxrss * unit},
        sys.stdout,
    )


def main():
    what, *rest = sys.argv[1:]
    if what == "run":
        run(rest)
        return
    import onnx

    if what == "version":
        print(onnx.__version__)
    else:
        onnx.shape_inference.infer_shapes(onnx.load(rest[0]))


main()
