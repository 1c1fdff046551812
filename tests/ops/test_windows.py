"""Convolution, pooling and padding beyond the table of samples: indices, integers, sizes of 0, settings, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.compile import capture
from tests.helpers.inputs import leaf
from tests.ops.edges import inf, nan


def row(*numbers: float) -> mg.Tensor:
    return mg.tensor([[float(number) for number in numbers]])


# -- indices of the largest elements -------------------------------------------------------------

INDICES: dict[str, tuple[Any, mg.Tensor, dict[str, Any], list[Any]]] = {
    # the function, its input, its settings, the indices (PyTorch's)
    "windows": (F.max_pool1d, row(0, 1, 2, 3, 4), {"kernel_size": 2}, [[1, 3]]),
    "ties": (F.max_pool1d, row(2, 2, 1, 1), {"kernel_size": 2}, [[0, 2]]),
    "padding": (F.max_pool1d, row(0, 1, 2, 3, 4), {"kernel_size": 2, "padding": 1}, [[0, 2, 4]]),
    "the last NaN": (F.max_pool1d, row(1, nan, 2, nan), {"kernel_size": 4}, [[3]]),
    "-inf": (F.max_pool1d, row(-inf, -inf, -inf, -inf), {"kernel_size": 2}, [[0, 2]]),
    "-inf and padding": (F.max_pool1d, row(*[-inf] * 4), {"kernel_size": 2, "padding": 1}, [[0, 1, 3]]),
    "-inf, padding and dilation": (
        F.max_pool1d, row(*[-inf] * 9), {"kernel_size": 4, "padding": 2, "dilation": 2}, [[0, 2]],
    ),
    "-inf in images": (
        F.max_pool2d, mg.full((1, 5, 5), -inf), {"kernel_size": 3, "padding": 1, "dilation": 2}, [[[6]]],
    ),
    "images": (
        F.max_pool2d, mg.arange(25.0).reshape(1, 5, 5),
        {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True}, [[[1, 3, 4], [16, 18, 19]]],
    ),
    "integers": (F.max_pool1d, mg.tensor([[-5, -3, -3, -7]]), {"kernel_size": 2, "padding": 1}, [[0, 1, 3]]),
    "adaptive": (F.adaptive_max_pool1d, row(0, 1, 2, 3, 4), {"output_size": 3}, [[1, 3, 4]]),
    "adaptive images": (
        F.adaptive_max_pool2d, mg.arange(12.0).reshape(1, 3, 4), {"output_size": (2, 2)}, [[[5, 7], [9, 11]]],
    ),
    "adaptive NaN": (F.adaptive_max_pool1d, row(nan, 1, nan, 2, nan), {"output_size": 2}, [[2, 4]]),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_the_largest_elements(name):
    function, x, settings, expected = INDICES[name]
    y, indices = function(x, **settings, return_indices=True)
    assert (indices.tolist(), indices.dtype) == (expected, np.int64)
    flat = x.numpy().reshape(len(x), -1)
    np.testing.assert_array_equal(y.numpy(), flat[:, indices.numpy()[0]].reshape(y.shape))


@pytest.mark.parametrize("name", INDICES)
def test_indices_of_a_captured_step(name):
    function, x, settings, expected = INDICES[name]
    _, indices = capture(lambda x: function(x, **settings, return_indices=True)[1], x)
    assert indices.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("stride", [2, 1])
def test_an_infinite_gradient_stays_with_its_element(dtype, stride):
    x = leaf([[1.0, 2.0, 0.0, 4.0]], dtype)
    dy = np.array([[inf, 1.0] if stride == 2 else [inf, 0.0, 1.0]], dtype)
    (dx,) = mg.grad(F.max_pool1d(x, 2, stride), x, dy)
    assert (dx.tolist(), dx.dtype) == ([[0, inf, 0, 1]], dtype)


# -- integers ------------------------------------------------------------------------------------


def test_integers():
    ints = mg.tensor([[-3, 0, 5, 2]])
    assert F.max_pool1d(ints, 2).tolist() == [[0, 5]]
    assert F.avg_pool1d(ints, 2).tolist() == [[-1, 3]]  # rounded towards 0
    assert F.conv1d(ints, mg.tensor([[[1, 10]]])).tolist() == [[-3, 50, 25]]
    assert F.conv_transpose1d(ints, mg.tensor([[[1, 10]]])).tolist() == [[-3, -30, 5, 52, 20]]
    assert F.pad(ints, (1, 0), value=1.7).tolist() == [[1, -3, 0, 5, 2]]
    assert F.pad(ints > 0, (1, 1), value=0.5).tolist() == [[True, False, False, True, True, True]]
    for y in (F.max_pool1d(ints, 2), F.avg_pool1d(ints, 2), F.conv1d(ints, mg.tensor([[[1]]])), F.pad(ints, (1, 1))):
        assert y.dtype == np.int64


# -- sizes ---------------------------------------------------------------------------------------


def test_a_batch_and_its_samples():
    """A sample without the axis N gives what it gives in a batch."""
    x, w = mg.randn(3, 2, 6, 5), mg.randn(4, 2, 3, 2)
    for function in (
        lambda x: F.conv2d(x, w, padding=1), lambda x: F.conv_transpose2d(x, w.swapaxes(0, 1)),
        lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2, padding=1), lambda x: F.adaptive_avg_pool2d(x, 4),
        lambda x: F.max_pool2d(x, 2, return_indices=True)[1],
    ):  # fmt: skip
        np.testing.assert_allclose(function(x)[1].numpy(), function(x[1]).numpy(), rtol=1e-5)


def test_a_convolution_of_no_channels_is_the_bias():
    bias = leaf([1.0, 2.0])
    y = F.conv1d(leaf(np.zeros((3, 0, 5))), leaf(np.zeros((2, 0, 2))), bias)
    assert y.shape == (3, 2, 4) and y[0].tolist() == [[1.0] * 4, [2.0] * 4]
    y.sum().backward()
    assert bias.grad.tolist() == [12, 12]


@pytest.mark.parametrize("function", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
def test_adaptive_pooling_to_nothing(function):
    x = leaf(np.ones((2, 3, 4, 5)))
    y = function(x, (0, 2))
    assert y.shape == (2, 3, 0, 2)
    y.sum().backward()
    assert not x.grad.numpy().any()


# -- sums in float16 -----------------------------------------------------------------------------


def test_sums_of_products_in_float16_do_not_stop_growing():
    """Added up in float16, ones stop at 2048."""
    x, w = leaf(np.ones((1, 4096, 2)), np.float16), leaf(np.ones((1, 4096, 1)), np.float16)
    y = F.conv1d(x, w)
    assert y.tolist() == [[[4096, 4096]]]
    many = leaf(np.ones((4096, 1, 1)), np.float16)
    one = leaf(np.ones((1, 1, 1)), np.float16)
    F.conv1d(many, one).sum().backward()
    assert one.grad.item() == 4096
    back = F.conv_transpose1d(mg.ones(1, 4096, 1, dtype=np.float16), mg.ones(4096, 1, 1, dtype=np.float16))
    assert back.item() == 4096
    assert F.avg_pool2d(mg.full((1, 64, 64), 60000.0, dtype=np.float16), 64).item() == 60000
    assert F.avg_pool1d(mg.full((1, 9), 60000.0, dtype=np.float16), 8, 1).tolist() == [[60000, 60000]]
    narrow = leaf(np.ones((1, 2)), np.float16)
    F.pad(narrow, (0, 0, 4095, 0), "replicate").sum().backward()
    assert narrow.grad.tolist() == [[4096, 4096]]


# -- memory --------------------------------------------------------------------------------------

SAME = {
    "pad by nothing": lambda x: F.pad(x, ()),
    "reflect by nothing": lambda x: F.pad(x, (0, 0), "reflect"),
    "max_pool1d of single elements": lambda x: F.max_pool1d(x, 1),
    "avg_pool1d of single elements": lambda x: F.avg_pool1d(x, 1),
    "adaptive_avg_pool1d of all elements": lambda x: F.adaptive_avg_pool1d(x, 3),
}


@pytest.mark.parametrize("name", SAME)
def test_a_result_has_memory_of_its_own(name):
    x = mg.tensor([[1.0, 2.0, 3.0]])
    y = SAME[name](x)
    assert y.tolist() == x.tolist() and not np.shares_memory(x.numpy(), y.numpy())
    _, captured = capture(SAME[name], x)
    assert captured.tolist() == x.tolist() and not np.shares_memory(x.numpy(), captured.numpy())


# -- identities ----------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}])
def test_the_transposed_convolution_is_the_adjoint(settings):
    """<conv(x), y> = <x, conv_transpose(y)>, for the same filters."""
    x, w = mg.randn(2, 4, 9, 7, dtype=np.float64), mg.randn(6, 4 // settings.get("groups", 1), 3, 3, dtype=np.float64)
    y = F.conv2d(x, w, **settings)
    z = mg.randn(*y.shape, dtype=np.float64)
    back = F.conv_transpose2d(z, w, **settings)
    assert back.shape == x.shape
    np.testing.assert_allclose((y * z).sum().item(), (x * back).sum().item(), rtol=1e-12)


def test_a_convolution_by_a_kernel_of_one_is_linear():
    x, w, b = mg.randn(2, 3, 4, 5), mg.randn(6, 3), mg.randn(6)
    found = F.conv2d(x, w.reshape(6, 3, 1, 1), b)
    expected = F.linear(x.permute(0, 2, 3, 1), w, b).permute(0, 3, 1, 2)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


def test_settings_as_one_number_and_as_several():
    """One number, and one for each axis, also as NumPy's integers and in lists, mean the same."""
    x, w = mg.randn(1, 2, 8, 8), mg.randn(2, 2, 3, 3)
    expected = F.conv2d(x, w, None, (2, 2), (1, 1), (1, 1)).numpy()
    for two, one in [(2, 1), ([2, 2], [1]), (np.int64(2), np.int32(1)), ((2,), (1, 1))]:
        np.testing.assert_array_equal(F.conv2d(x, w, stride=two, padding=one, dilation=one).numpy(), expected)


def test_settings_in_pictures():
    y = F.max_pool2d(F.conv2d(leaf(np.ones((1, 1, 8, 8))), leaf(np.ones((1, 1, 3, 3))), stride=(2, 1), padding=1), 2)
    assert repr(y.grad_fn.attributes[0]) == "2 x 2, stride 2"
    assert repr(y.grad_fn.inputs[0].attributes[0]) == "3 x 3, stride 2 x 1, padding 1"
