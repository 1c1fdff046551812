"""Every operation of the registry with its derivatives as C: on the numbers of the capture, and on others."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from minigrad.compile import capture
from tests.compile.native.programs import built, run
from tests.compile.test_stand_in import NOT_REPEATED, as_arrays, others, with_derivatives
from tests.helpers.inputs import leaves
from tests.ops.samples.table import every_sample

TOGETHER = 76
"""Samples of one C file."""

SAMPLES = {}
for each in every_sample.args[1]:
    sample = getattr(each, "values", [each])[0]
    if not any(name in sample.name for name in NOT_REPEATED):
        SAMPLES.setdefault(sample.name.split()[0], sample)
NAMES = sorted(SAMPLES)


@functools.cache
def executions(start):
    """The programs of some samples by their names."""
    names = NAMES[start : start + TOGETHER]
    programs = [capture(with_derivatives(SAMPLES[name].function), *leaves(SAMPLES[name].inputs))[0] for name in names]
    return dict(zip(names, built(programs, "-O1")))


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_in_c_computes_what_the_program_computes(name):
    execution = executions(NAMES.index(name) // TOGETHER * TOGETHER)[name]
    sample = SAMPLES[name]
    for given in (sample.inputs, [others(x) for x in sample.inputs]):
        inputs = leaves(given)
        expected = as_arrays(execution.program.run(*inputs))
        for y, right in zip(run(execution, *inputs), expected, strict=True):
            assert (y.shape, y.dtype) == (right.shape, right.dtype)
            np.testing.assert_allclose(y, right, rtol=1e-9, atol=1e-9 * max(1, np.abs(right).max(initial=0)))
