"""``minigrad bench``: a training step of each workload, eager and compiled, beside the same step by hand in NumPy."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from ..benchmarks import blas
from ..benchmarks.compiled import CompiledStep
from ..benchmarks.eager import EagerStep
from ..benchmarks.handwritten import HandwrittenStep
from ..benchmarks.table import MICROSECONDS, cells, text_line
from ..benchmarks.timing import Disagreement, Measurement, check_agreement, let_threads_sleep, measure
from ..benchmarks.workloads import WORKLOADS
from ..compile.native import compiler
from .doctor import setting
from .errors import CommandError
from .options import one_of
from .progress import Plain, progress
from .results import Lines, Result

ROUNDS, BUDGET = 5, 0.1
STEPS = 3
"""After how many steps the losses of both are compared."""
STEADY = 1.3
"""A measurement is disturbed if the median of its rounds is so many times as long as the shortest."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad bench``."""
    command.add_argument(
        "--workload", type=one_of(WORKLOADS), action="append", metavar="NAME",
        help=f"only this one of {', '.join(WORKLOADS)}; several times: only these",
    )  # fmt: skip


def run(options: argparse.Namespace) -> Lines:
    """The lines of the table, as they are measured, and what is known of the BLAS."""
    compiled = "compiled, C" if compiler.found() else "compiled, NumPy"
    columns = ["by hand", "minigrad", compiled]
    yield text_line(["microseconds a step", *columns])
    names, rows = options.workload or list(WORKLOADS), []
    bar = progress(len(names) * len(columns) * ROUNDS, "measurement", options.quiet)
    try:
        for name in names:
            measurement = measured(name, columns, options.seed or 0, bar)
            rows.append(row_of(name, measurement))
            yield from bar.above([text_line(cells(measurement, MICROSECONDS))])
    except KeyboardInterrupt:
        if rows:
            yield Result(workloads=rows)
            raise stopped(names, len(rows), options) from None
        raise
    finally:
        bar.close()
    disturbed = [row["name"] for row in rows if row["disturbed"]]
    if disturbed:
        yield f"Something else was running: {', '.join(disturbed)} took much longer in some rounds. Measure again."
    explained, found = "Behind the name: widths, batch size. In brackets: as a multiple of the step by hand.", None
    multiplies = blas.describe_blas(blas.blas_in_use())
    yield f"{explained} {multiplies}."
    for found in advice():
        yield found
    yield Result(workloads=rows, blas=multiplies, advice=found)


def measured(name: str, columns: list[str], seed: int, bar: Plain) -> Measurement:
    """The steps of a workload, after a check that they reach the same losses."""
    kinds, chosen = (HandwrittenStep, EagerStep, CompiledStep), WORKLOADS[name]._replace(seed=seed)
    contenders = dict(zip(columns, (kind(chosen).step for kind in kinds)))

    def pause() -> None:
        bar.update()
        let_threads_sleep()

    losses = {who: [step() for _ in range(STEPS)] for who, step in contenders.items()}
    try:
        check_agreement(f"the loss of {name}", losses)
    except Disagreement as error:
        raise CommandError(f"{error} So their times are not compared.", code=1) from error
    return measure(f"{name} {net_of(name)}, {chosen.batch}", contenders, ROUNDS, BUDGET, pause=pause)


def stopped(names: list[str], done: int, options: argparse.Namespace) -> CommandError:
    """What is said after Ctrl-C: how to measure the other nets."""
    words = [word for name in names[done:] for word in ("--workload", name)]
    words += ["--seed", str(options.seed)] if options.seed is not None else []
    words += [f"--{name}" for name in ("quiet", "json") if getattr(options, name)]
    return CommandError(f"stopped after {done} of {len(names)} nets; go on with: minigrad bench {' '.join(words)}", 130)


def net_of(name: str) -> str:
    """The widths of a workload's net."""
    return "-".join(map(str, WORKLOADS[name].sizes))


def row_of(name: str, measurement: Measurement) -> dict[str, Any]:
    """A measurement for programs."""
    about = {"name": name, "net": net_of(name), "batch": WORKLOADS[name].batch, "seconds": measurement.medians}
    return {**about, "disturbed": unsteadiness(measurement) > STEADY}


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
