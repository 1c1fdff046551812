"""``step.source``: it runs by itself, bit for bit as the step, and reads as the formulas of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.passes import improved
from minigrad.compile.program import tree_leaves
from minigrad.compile.reading import Reading
from tests.compile.test_numpy_execution import STEPS, prepared
from tests.compile.trainings import FOUND, TRAININGS, Training, batch, everything, leaves_of, pair


def run_text(step: Any, *inputs: Any) -> dict[str, Any]:
    """One step by the text of a compiled step, in a namespace with NumPy and arrays alone."""
    reading = Reading(improved(step.program))
    named = reading.names.known
    names = {**step.given, **{named[value]: inputs[number].array for number, value in reading.program.inputs}}
    for each in reading.program.instructions:
        made = [value for value in tree_leaves(each.results) if named.get(value) in reading.drawn]
        if each.kind == "host" and made:
            drawn = each.function(*each.args)
            names.update(zip([named[value] for value in made], drawn if len(made) > 1 else [drawn]))
    assert {k: v for k, v in names.items() if not isinstance(v, (np.ndarray, int, float))} == {}
    with np.errstate(all="ignore"):
        exec(compile(step.source, "step.source", "exec"), names)
    return names


def compiled_pair(name: str) -> tuple[tuple[Training, Any], tuple[Training, Any]]:
    """Twice the same training, compiled, after three steps."""
    pairs = []
    for training in trainings(name):
        step = mg.compile(training.step, backend="numpy")
        mg.manual_seed(1)
        for seed in range(3):
            step(*batch_of(name, training, seed))
        pairs.append((training, step))
    return pairs[0], pairs[1]


def trainings(name: str) -> list[Training]:
    if name in STEPS:
        return [Training(*prepared(name)[:3]) for _ in range(2)]
    return list(pair(name))


def batch_of(name: str, training: Training, seed: int) -> Any:
    return prepared(name)[3][seed] if name in STEPS else batch(seed, training)


@pytest.mark.parametrize("name", [*TRAININGS, *FOUND, "cnn", "layer norm", "rmsprop", "adamw"])
def test_the_text_runs_by_itself_and_gives_the_bits_of_the_step(name):
    (first, run), (other, step) = compiled_pair(name)
    inputs = batch_of(name, first, 4)
    mg.manual_seed(2)
    expected = leaves_of(run(*inputs))
    mg.manual_seed(2)
    names = run_text(step, *inputs)
    returned = names["returned"]
    found = returned.values() if isinstance(returned, dict) else returned if isinstance(returned, tuple) else [returned]
    for one, two in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, two)
        assert one.dtype == np.asarray(two).dtype
    kept = everything(other)
    for key, one in everything(first).items():
        if not key.startswith("gradient") and not key.endswith(" step"):
            np.testing.assert_array_equal(one, kept[key], err_msg=key)
