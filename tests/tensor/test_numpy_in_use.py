"""What people run into between NumPy, Python's numbers and texts, and tensors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.inputs import leaf

LOSSES: dict[str, Callable[[Any], Any]] = {
    "np.sum of squares": lambda x: np.sum(x**2),
    "np.mean": lambda x: np.mean(x * 2.5),
    "np.exp and np.sqrt": lambda x: np.sum(np.exp(x) / np.sqrt(4)),
    "np.var": lambda x: np.var(x, ddof=1),
    "np.max": lambda x: np.max(x),
    "sum of rows": lambda x: sum(x).sum(),
    "array @ tensor": lambda x: (np.eye(10, dtype=x.dtype) @ x).sum(),
    "array - tensor": lambda x: np.mean((np.ones((10, 10), x.dtype) - x) ** 2),
}


TOLERANCES = {np.float16: 1e-2, np.float32: 1e-5, np.float64: 1e-12}


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_written_with_numpy_keeps_the_dtype_and_the_gradient(name, dtype):
    """Its value is the one that NumPy gives for an array, and its gradient that of finite differences."""
    values = np.random.default_rng(0).standard_normal((10, 10)).astype(dtype)
    x = leaf(values)
    loss = LOSSES[name](x)
    loss.backward()
    assert isinstance(loss, mg.Tensor) and (loss.dtype, x.grad.dtype) == (dtype, dtype)
    exact = values.astype(np.float64)
    direction = np.random.default_rng(1).standard_normal((10, 10))
    ahead, behind = (LOSSES[name](exact + step * direction) for step in (1e-6, -1e-6))
    rtol = TOLERANCES[dtype]
    np.testing.assert_allclose(loss.item(), LOSSES[name](exact), rtol=rtol, atol=rtol)
    slope = (x.grad.numpy().astype(np.float64) * direction).sum()
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=max(rtol, 1e-6), atol=max(rtol, 1e-6))


# -- numbers and texts ---------------------------------------------------------------------------


def test_numbers_for_a_log_are_pythons_own():
    loss = (mg.tensor([1.0, 2.0], requires_grad=True) * 0.5).sum()
    assert (type(loss.item()), type(loss.tolist()), type(mg.arange(2).tolist()[0])) == (float, float, int)
    line = {"loss": loss.item(), "n": mg.tensor(3).item(), "all": loss.reshape(1).tolist(), "good": (loss > 1).item()}
    assert json.loads(json.dumps(line)) == {"loss": 1.5, "n": 3, "all": [1.5], "good": True}
    assert "np." not in repr(loss) + str(loss.item()) + f"{loss}"


def test_a_single_number_is_formatted_as_a_number():
    loss = (mg.tensor([1.0, 2.0], requires_grad=True) * 0.1).sum()
    assert (f"{loss:.3f}", f"{loss:8.2e}", f"{mg.tensor(3):05d}") == ("0.300", "3.00e-01", "00003")
    assert "%.2f" % loss == "0.30"  # noqa: UP031 (old programs say it so)
    assert math.isclose(math.sqrt(loss), math.sqrt(0.3), rel_tol=1e-6)


def test_a_tensor_is_no_json():
    with pytest.raises(TypeError, match="Tensor"):
        json.dumps({"loss": mg.tensor(1.0)})


@pytest.mark.parametrize("text", [".2f", "d", ">10.3e"])
def test_a_vector_has_no_format_of_a_number(text):
    with pytest.raises(TypeError, match=r"\(2,\) float32"):
        format(mg.ones(2), text)


# -- plots ---------------------------------------------------------------------------------------

PLOTS: dict[str, Callable[[Any, Any, Any], Any]] = {
    # what matplotlib has kept of y, drawn over x
    "plot": lambda axes, x, y: axes.plot(x, y)[0].get_ydata(),
    "step": lambda axes, x, y: axes.step(x, y)[0].get_ydata(),
    "scatter": lambda axes, x, y: axes.scatter(x, y).get_offsets()[:, 1],
    "imshow": lambda axes, x, y: axes.imshow(y[None]).get_array()[0],
    "errorbar": lambda axes, x, y: axes.errorbar(x, y, yerr=y)[0].get_ydata(),
}


@pytest.mark.parametrize("name", PLOTS)
def test_matplotlib_draws_the_values_of_detached_tensors(name):
    axes = pytest.importorskip("matplotlib.figure").Figure().add_subplot()
    x, y = mg.linspace(0, 1, 5), mg.tensor([0.5, 2.0, 1.0, 4.0, 3.0], requires_grad=True)
    drawn = PLOTS[name](axes, x, (y * 2).detach())
    np.testing.assert_array_equal(np.asarray(drawn), [1, 4, 2, 8, 6])
    axes.figure.draw_without_rendering()
