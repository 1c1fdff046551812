"""Medians, ratios and budgets of measurements, by a clock that the test sets."""

from __future__ import annotations

import gc

import pytest

from minigrad.benchmarks import timing


class Clock:
    """A clock that only contenders move on, each by its own times in turn."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def contender(self, name, *seconds):
        def call():
            self.now += seconds[min(self.calls.count(name), len(seconds) - 1)]
            self.calls.append(name)

        return call


def test_medians_and_ratios_of_rounds_in_turn():
    clock = Clock()
    # the first two calls are a warm-up, and an estimate
    contenders = {"a": clock.contender("a", 9, 9, 2, 1, 30), "b": clock.contender("b", 9, 9, 5, 6, 4)}
    pauses = []
    measured = timing.measure("it", contenders, 3, budget=1, clock=clock, pause=lambda: pauses.append(clock.calls[-1]))
    assert measured == ("it", {"a": [2, 1, 30], "b": [5, 6, 4]})
    assert clock.calls == [*"aabb", *"abbaab"]  # every second round backwards
    assert pauses == [*"babbaa"]
    assert measured.medians == {"a": 2, "b": 5}
    assert measured.ratios == {"a": 1, "b": 2.5}


@pytest.mark.parametrize(
    ("seconds", "calls"), [(0.25, 4), (0.75, 1), (2.0, 1), (0.0, timing.MOST_CALLS), (1e-9, timing.MOST_CALLS)]
)
def test_a_measurement_takes_its_budget_but_not_more_calls_than_make_sense(seconds, calls):
    clock = Clock()
    measured = timing.measure("it", {"a": clock.contender("a", seconds)}, 2, budget=1, clock=clock, pause=int)
    assert measured.samples["a"] == pytest.approx([seconds] * 2)
    cold = 1 if calls > 1 else 0
    assert len(clock.calls) == 2 + 2 * (cold + calls)


def test_what_was_made_before_is_not_collected_meanwhile():
    frozen = []
    timing.measure("it", {"a": lambda: frozen.append(gc.get_freeze_count())}, 1, budget=1e-9)
    assert min(frozen) > 0 and gc.get_freeze_count() == 0
