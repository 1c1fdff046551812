"""How long the import takes."""

from __future__ import annotations

import json
import subprocess
import sys

from minigrad.benchmarks.timing import Measurement

CODE = """
import json, time
times = [time.perf_counter()]
import numpy
times.append(time.perf_counter())
import minigrad
times.append(time.perf_counter())
print(json.dumps([times[1] - times[0], times[2] - times[1]]))
"""


def imports(settings):
    """NumPy first, then minigrad, in the same fresh process."""
    rounds = [json.loads(subprocess.check_output([sys.executable, "-c", CODE])) for _ in range(settings.rounds)]
    numpy, minigrad = map(list, zip(*rounds))
    yield Measurement("import", {"numpy": numpy, "then minigrad": minigrad})
