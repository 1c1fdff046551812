"""The memory of a training step, in a fresh process for each contender.

Counted is what Python and NumPy allocate (``tracemalloc``): batch, parameters, optimiser and all.
"""

from __future__ import annotations

import tracemalloc

from minigrad.benchmarks.eager import EagerStep
from minigrad.benchmarks.handwritten import HandwrittenStep
from minigrad.benchmarks.timing import Measurement
from minigrad.benchmarks.workloads import WORKLOADS
from tests.benchmarks.processes import in_fresh_process

CONTENDERS = {"by hand": HandwrittenStep, "minigrad": EagerStep}
STEPS = 3


def peak_and_steady(contender, workload):
    """The bytes in use at most during a step, and between steps."""
    tracemalloc.start()
    try:
        step = CONTENDERS[contender](WORKLOADS[workload]).step
        for _ in range(STEPS):
            tracemalloc.reset_peak()
            step()
            steady, peak = tracemalloc.get_traced_memory()
        return peak, steady
    finally:
        tracemalloc.stop()


def memory(_settings):
    """A step of the workload ``large``."""
    found = {who: in_fresh_process(peak_and_steady, who, "large") for who in CONTENDERS}
    for i, name in enumerate(("peak of large", "between steps of large")):
        yield Measurement(name, {who: [float(values[i])] for who, values in found.items()})
