"""``minigrad bench``: a training step of each workload, eager and compiled, beside the same step by hand in NumPy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ..benchmarks import blas
from ..benchmarks.compiled import CompiledStep
from ..benchmarks.eager import EagerStep
from ..benchmarks.handwritten import HandwrittenStep
from ..benchmarks.table import MICROSECONDS, cells, text_line
from ..benchmarks.timing import Measurement, check_agreement, measure
from ..benchmarks.workloads import WORKLOADS
from ..compile.native import compiler
from .doctor import setting

ROUNDS, BUDGET = 5, 0.1
STEPS = 3
"""After how many steps the losses of both are compared."""
STEADY = 1.3
"""A measurement is disturbed if the median of its rounds is so many times as long as the shortest."""


def workload(name: str) -> str:
    """The type of an option that names a workload."""
    if name not in WORKLOADS:
        raise argparse.ArgumentTypeError(f"unknown workload {name!r}: there are {', '.join(WORKLOADS)}")
    return name


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad bench``."""
    command.add_argument(
        "--workload", type=workload, action="append", metavar="NAME", help=f"only this one of {', '.join(WORKLOADS)}"
    )


def run(options: argparse.Namespace) -> Iterator[str]:
    """The lines of the table, as they are measured, and what is known of the BLAS."""
    compiled = "compiled, C" if compiler.found() else "compiled, NumPy"
    columns = ["by hand", "minigrad", compiled]
    yield text_line(["microseconds a step", *columns])
    disturbed = []
    for name in options.workload or WORKLOADS:
        contenders = dict(
            zip(columns, (kind(WORKLOADS[name]).step for kind in (HandwrittenStep, EagerStep, CompiledStep)))
        )
        losses = {who: [step() for _ in range(STEPS)] for who, step in contenders.items()}
        check_agreement(f"the loss of {name}", losses)
        net = "-".join(map(str, WORKLOADS[name].sizes))
        measurement = measure(f"{name} {net}, {WORKLOADS[name].batch}", contenders, ROUNDS, BUDGET)
        disturbed += [name] * (unsteadiness(measurement) > STEADY)
        yield text_line(cells(measurement, MICROSECONDS))
    if disturbed:
        yield f"Something else was running: {', '.join(disturbed)} took much longer in some rounds. Measure again."
    explained = "Behind the name: widths, batch size. In brackets: as a multiple of the step by hand."
    yield f"{explained} {blas.describe_blas(blas.blas_in_use())}."
    yield from advice()


def unsteadiness(measurement: Measurement) -> float:
    """How many times as long as the shortest round the median is, of the contender that was disturbed most."""
    medians = measurement.medians
    return max(medians[name] / min(rounds) for name, rounds in measurement.samples.items())


def advice() -> Iterator[str]:
    """The setting that makes matrix products faster here, if there is a safe one and it pays."""
    alternative = blas.alternative()
    if not alternative:
        return
    speeds = blas.measure({"usual": {}, "other": alternative})
    usual, other = speeds.get("usual"), speeds.get("other")
    if not usual or not other or other.blas.kernels == usual.blas.kernels:  # a build may be without them
        return
    gain = other.gain(usual)
    if gain >= blas.PAYS:
        cure = " ".join(setting(*item) for item in alternative.items())
        yield f"{other.blas.kernels} kernels multiply matrices {gain:.2f} times as fast: before Python starts, {cure}"
