"""Contenders measured beside each other: in turn, so that a change of the machine's speed meets all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .blas import blas_in_use

MOST_CALLS = 1000
"""More calls per measurement make it longer, not better."""


class Measurement(NamedTuple):
    """What was measured of each contender, round by round; the first contender is the one to compare with."""

    name: str
    samples: dict[str, list[float]]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each contender's rounds."""
        return {name: statistics.median(values) for name, values in self.samples.items()}

    @property
    def ratios(self) -> dict[str, float]:
        """Each median as a multiple of the first contender's."""
        medians = self.medians
        first = next(iter(medians.values()))
        return {name: median / first for name, median in medians.items()}


class Disagreement(Exception):  # noqa: N818 - it is a finding
    """Contenders do not compute the same, so that comparing their times means nothing."""


def check_agreement(name: str, results: Mapping[str, Any], tolerance: float = 1e-3) -> None:
    """Refuse contenders whose results differ.

    Args:
        name: what they compute.
        results: numbers or arrays, by contender; the first is compared with.
        tolerance: the largest difference, as a part of the first result's largest value.

    Raises:
        Disagreement: naming a contender that differs, or has no finite result.
    """
    arrays = {contender: np.asarray(result) for contender, result in results.items()}
    first, expected = next(iter(arrays.items()))
    for contender, array in arrays.items():
        if array.shape != expected.shape:
            raise Disagreement(f"{name}: {contender} has shape {array.shape}, {first} {expected.shape}.")
        if not np.isfinite(array).all():
            raise Disagreement(f"{name}: the result of {contender} is not finite.")
        difference, scale = abs(array - expected).max(), abs(expected).max()
        if difference > tolerance * scale:
            raise Disagreement(
                f"{name}: {contender} differs from {first} by {difference:.3g}, at values of {scale:.3g}."
            )


def in_turn(
    measures: Mapping[str, Callable[[], float]], rounds: int, pause: Callable[[], Any]
) -> dict[str, list[float]]:
    """What each function returns in each round; every second round goes backwards, to change who follows whom."""
    samples: dict[str, list[float]] = {name: [] for name in measures}
    for i in range(rounds):
        for name in list(measures)[:: -1 if i % 2 else 1]:
            pause()
            samples[name].append(measures[name]())
    return samples


def let_threads_sleep() -> None:
    """Wait until the threads of a BLAS are asleep: after a product they keep the cores busy for a tenth of a second."""
    if blas_in_use().threads != 1:
        time.sleep(0.15)


def seconds_per_call(call: Callable[[], Any], calls: int, clock: Callable[[], float]) -> float:
    """The mean time of some calls in a row; one before them, if they are many, finds the caches cold."""
    if calls > 1:
        call()
    start = clock()
    for _ in range(calls):
        call()
    return (clock() - start) / calls


def measure(
    name: str,
    contenders: Mapping[str, Callable[[], Any]],
    rounds: int,
    budget: float,
    clock: Callable[[], float] = time.perf_counter,
    pause: Callable[[], Any] = let_threads_sleep,
) -> Measurement:
    """The time of a call of each contender.

    Args:
        name: what they compute.
        contenders: functions without arguments, the one to compare with first.
        rounds: measurements of each, in turn.
        budget: the seconds one measurement may take, unless a single call takes longer.
        clock: the time in seconds.
        pause: what is done before each measurement.
    """
    # what was imported and made before is not for the cycle collector to walk while a contender runs
    gc.freeze()
    try:
        measures = {}
        for contender, call in contenders.items():
            call()  # the first one may compile, and allocate
            calls = int(budget / max(seconds_per_call(call, 1, clock), budget / MOST_CALLS))
            measures[contender] = partial(seconds_per_call, call, max(1, calls), clock)
        return Measurement(name, in_turn(measures, rounds, pause))
    finally:
        gc.unfreeze()
