"""Runs a command and prints one line of JSON: wall and CPU seconds, peak RSS in bytes, exit status.

usage: measure.py COMMAND [ARG ...]   (what the command prints is thrown away)
"""

import json
import os
import subprocess
import sys
import time

start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(
    json.dumps(
        {
            "wallSeconds": time.perf_counter() - start,
            "cpuSeconds": usage.ru_utime + usage.ru_stime,
            # Linux counts kibibytes.
            "peakBytes": usage.ru_maxrss * 1024,
            "status": os.waitstatus_to_exitcode(status),
        }
    )
)
