"""Parameters and gradients in every memory layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.helpers.layouts import LAYOUTS

OPTIMISERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True, weight_decay=0.1),
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"read-only"}))
@pytest.mark.parametrize("kind", OPTIMISERS)
def test_an_optimiser_does_not_depend_on_the_layout_of_parameters_and_gradients(kind, layout):
    random = np.random.default_rng(0)
    starts = [random.standard_normal(shape) for shape in [(), (5,), (4, 3), (2, 3, 4)]]
    ends = []
    for arrange in (np.copy, LAYOUTS[layout]):
        steps = np.random.default_rng(1)
        parameters = [nn.Parameter(mg.from_numpy(arrange(start))) for start in starts]
        optimizer = OPTIMISERS[kind](parameters)
        for _ in range(3):
            for p in parameters:
                p.grad = mg.from_numpy(LAYOUTS[layout](steps.standard_normal(p.shape)).astype(p.dtype, copy=False))
            optimizer.step()
        ends.append([p.numpy() for p in parameters])
    for found, expected, start in zip(*ends, starts, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        assert not np.allclose(found, start)
