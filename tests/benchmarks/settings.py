"""What every section is given: how long to measure, which workloads, and who competes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import minigrad
from minigrad.benchmarks.table import Unit
from minigrad.benchmarks.timing import Measurement, measure
from tests.benchmarks.peers import Peers


class Settings(NamedTuple):
    """The settings of a run."""

    rounds: int
    budget: float
    workloads: list[str]
    threads: int
    peers: Peers

    def measure(self, name: str, contenders: dict[str, Callable[[], Any]]) -> Measurement:
        """The time of a call of each contender."""
        return measure(name, contenders, self.rounds, self.budget)

    @property
    def frameworks(self) -> dict[str, Any]:
        """Those with PyTorch's vocabulary: one code uses either."""
        return {"minigrad": minigrad, **({"PyTorch": self.peers.torch} if self.peers.torch else {})}


class Section(NamedTuple):
    """A table: ``rows`` yields its measurements, and remarks, as they are made."""

    title: str
    unit: Unit
    rows: Callable[[Settings], Iterator[Measurement | str]]
