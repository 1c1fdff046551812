"""Scales, leaves and the error of a failing check."""

import numpy as np
import pytest

import minigrad as mg

SCALES = (1e-4, 1e-2, 1.0, 1e2, 1e4)
CHECKS = (mg.gradcheck, mg.gradgradcheck)


def leaf(*shape, scale=1.0, seed=0):
    """A float64 tensor of random numbers that requires grad."""
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape) * scale, requires_grad=True)


def error_of(function, inputs, check=mg.gradcheck, **options):
    """The message of a check that must fail, raised and returned."""
    with pytest.raises(mg.GradcheckError) as caught:
        check(function, inputs, **options)
    assert not check(function, inputs, raise_exception=False, **options)
    return str(caught.value)


def array_of(x):
    """The values of a tensor without its graph; anything else as it is."""
    return x.detach().numpy() if isinstance(x, mg.Tensor) else x
