"""Pooling and padding as modules: text, and the functions they are."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.nn.layers.test_convolution import arguments

pytestmark = pytest.mark.usefixtures("seeded")

MAX = "(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False)"


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ((nn.MaxPool1d, nn.MaxPool2d), MAX),
        ((nn.AvgPool1d,), "(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True)"),
        (
            (nn.AvgPool2d,),
            "(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None)",
        ),
        ((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d), "(output_size)"),
        ((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d), "(output_size, return_indices=False)"),
        ((nn.ZeroPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.CircularPad2d), "(padding)"),
        ((nn.ConstantPad1d, nn.ConstantPad2d), "(padding, value)"),
    ],
)
def test_arguments_are_pytorchs(kinds, text):
    assert [arguments(kind) for kind in kinds] == [text] * len(kinds)


def padded(mode, *widths, value=None):
    """A function that pads."""
    return lambda x: F.pad(x, widths, mode, value)


# what PyTorch 2.14.1 prints, and the same as a function
LAYERS = [
    (
        nn.MaxPool1d(2),
        "MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        lambda x: F.max_pool1d(x, 2),
    ),
    (
        nn.MaxPool1d(3, 2, 1, 2, ceil_mode=True),
        "MaxPool1d(kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True)",
        lambda x: F.max_pool1d(x, 3, 2, 1, 2, True),
    ),
    (
        nn.MaxPool2d((2, 3), 1, 1, ceil_mode=True),
        "MaxPool2d(kernel_size=(2, 3), stride=1, padding=1, dilation=1, ceil_mode=True)",
        lambda x: F.max_pool2d(x, (2, 3), 1, 1, 1, True),
    ),
    (
        nn.AvgPool1d(2),
        "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))",
        lambda x: F.avg_pool1d(x, 2),
    ),
    (
        nn.AvgPool1d(3, 2, 1, True, False),
        "AvgPool1d(kernel_size=(3,), stride=(2,), padding=(1,))",
        lambda x: F.avg_pool1d(x, 3, 2, 1, True, False),
    ),
    (
        nn.AvgPool2d(2, (1, 2), 1, True, False),
        "AvgPool2d(kernel_size=2, stride=(1, 2), padding=1)",
        lambda x: F.avg_pool2d(x, 2, (1, 2), 1, True, False),
    ),
    (
        nn.AvgPool2d(2, divisor_override=3),
        "AvgPool2d(kernel_size=2, stride=2, padding=0)",
        lambda x: F.avg_pool2d(x, 2, divisor_override=3),
    ),
    (nn.AdaptiveAvgPool1d(4), "AdaptiveAvgPool1d(output_size=4)", lambda x: F.adaptive_avg_pool1d(x, 4)),
    (
        nn.AdaptiveAvgPool2d((None, 3)),
        "AdaptiveAvgPool2d(output_size=(None, 3))",
        lambda x: F.adaptive_avg_pool2d(x, (None, 3)),
    ),
    (nn.AdaptiveMaxPool1d(2), "AdaptiveMaxPool1d(output_size=2)", lambda x: F.adaptive_max_pool1d(x, 2)),
    (nn.AdaptiveMaxPool2d(3), "AdaptiveMaxPool2d(output_size=3)", lambda x: F.adaptive_max_pool2d(x, 3)),
    (nn.ZeroPad1d(1), "ZeroPad1d((1, 1))", padded("constant", 1, 1)),
    (nn.ZeroPad2d((1, 2, -3, 4)), "ZeroPad2d((1, 2, -3, 4))", padded("constant", 1, 2, -3, 4)),
    (
        nn.ConstantPad1d((0, 2), 0.5),
        "ConstantPad1d(padding=(0, 2), value=0.5)",
        padded("constant", 0, 2, value=0.5),
    ),
    (
        nn.ConstantPad2d(1, -3),
        "ConstantPad2d(padding=(1, 1, 1, 1), value=-3)",
        padded("constant", 1, 1, 1, 1, value=-3),
    ),
    (nn.ReflectionPad1d([1, 2]), "ReflectionPad1d((1, 2))", padded("reflect", 1, 2)),
    (nn.ReflectionPad2d(2), "ReflectionPad2d((2, 2, 2, 2))", padded("reflect", 2, 2, 2, 2)),
    (nn.ReplicationPad1d(3), "ReplicationPad1d((3, 3))", padded("replicate", 3, 3)),
    (nn.ReplicationPad2d((1, 0, 2, 0)), "ReplicationPad2d((1, 0, 2, 0))", padded("replicate", 1, 0, 2, 0)),
    (nn.CircularPad1d((2, 0)), "CircularPad1d((2, 0))", padded("circular", 2, 0)),
    (nn.CircularPad2d(2), "CircularPad2d((2, 2, 2, 2))", padded("circular", 2, 2, 2, 2)),
]


@pytest.mark.parametrize(("layer", "text", "function"), LAYERS, ids=[text for _, text, _ in LAYERS])
def test_a_layer_is_its_function_and_prints_as_in_pytorch(layer, text, function):
    assert repr(layer) == text and layer.state_dict() == {}
    shape = (2, 3, 7, 6) if "2d" in text else (2, 3, 7)
    x = mg.randn(shape, dtype=mg.float64).requires_grad_()
    np.testing.assert_array_equal(layer(x).numpy(), function(x).numpy())
    np.testing.assert_array_equal(layer(x[0]).numpy(), function(x[0]).numpy())
    assert mg.gradcheck(layer, (x[:1, :2].detach().requires_grad_(),))


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.MaxPool1d(2, return_indices=True), lambda x: F.max_pool1d(x, 2, return_indices=True)),
        (nn.MaxPool2d(2, 1, return_indices=True), lambda x: F.max_pool2d(x, 2, 1, return_indices=True)),
        (nn.AdaptiveMaxPool1d(3, True), lambda x: F.adaptive_max_pool1d(x, 3, return_indices=True)),
        (nn.AdaptiveMaxPool2d(3, True), lambda x: F.adaptive_max_pool2d(x, 3, return_indices=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_indices_are_returned_when_asked_for(layer, function):
    x = mg.randn((2, 3, 7, 6) if layer._dims == 2 else (2, 3, 7))
    for ours, expected in zip(layer(x), function(x), strict=True):
        np.testing.assert_array_equal(ours.numpy(), expected.numpy())


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.MaxPool1d(0), ValueError, "MaxPool1d: kernel_size must be at least 1, got 0"),
        (lambda: nn.MaxPool2d((2, 2, 2)), ValueError, "kernel_size must be an integer, or one for each of 2 axes"),
        (lambda: nn.MaxPool2d(2, 0), ValueError, "stride must be at least 1"),
        (lambda: nn.MaxPool2d(2, dilation=0), ValueError, "dilation must be at least 1"),
        (lambda: nn.MaxPool2d("2"), TypeError, "kernel_size must be of integers, got '2'"),
        (lambda: nn.AvgPool1d(2, padding=2), ValueError, "AvgPool1d: padding must be at most half of the kernel"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), ValueError, "divisor_override must be other than 0"),
        (lambda: nn.AdaptiveAvgPool2d((1, 2, 3)), ValueError, "output_size must be an integer, or one for each of 2"),
        (lambda: nn.AdaptiveAvgPool1d(-1), ValueError, "output_size must be at least 0"),
        (lambda: nn.AdaptiveMaxPool1d(None), TypeError, "output_size must be of integers"),
        (lambda: nn.ZeroPad2d((1, 2)), ValueError, r"padding must be an integer or \(left, right, top, bottom\)"),
        (lambda: nn.ReflectionPad1d((1, 2, 3)), ValueError, r"padding must be an integer or \(left, right\), got"),
        (lambda: nn.CircularPad1d(0.5), TypeError, r"CircularPad1d: padding must be an integer or \(left, right\)"),
        (lambda: nn.ReflectionPad1d(3)(mg.ones(1, 3)), ValueError, "mode 'reflect' can pad an axis of 3 elements"),
        (lambda: nn.ConstantPad1d(1, "x")(mg.ones(1, 3)), TypeError, "value must be a number"),
    ],
)
def test_bad_settings_are_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()
