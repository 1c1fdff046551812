"""Convolutions as modules: text, state, initial values, and the functions they are."""

import inspect
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

pytestmark = pytest.mark.usefixtures("seeded")

CONV = (
    "(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, "
    "padding_mode='zeros', device=None, dtype=None)"
)
TRANSPOSED = (
    "(in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, "
    "padding_mode='zeros', device=None, dtype=None)"
)


def arguments(kind):
    """The signature of a class without its types."""
    signature = inspect.signature(kind)
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))


@pytest.mark.parametrize(
    ("kind", "text"),
    [(nn.Conv1d, CONV), (nn.Conv2d, CONV), (nn.ConvTranspose1d, TRANSPOSED), (nn.ConvTranspose2d, TRANSPOSED)],
)
def test_arguments_are_pytorchs(kind, text):
    assert arguments(kind) == text


# what PyTorch 2.14.1 prints, and the shape of its weight
LAYERS = [
    (nn.Conv1d(4, 6, 3), "Conv1d(4, 6, kernel_size=(3,), stride=(1,))", (6, 4, 3)),
    (
        nn.Conv1d(4, 6, 3, padding="valid"),
        "Conv1d(4, 6, kernel_size=(3,), stride=(1,), padding=valid)",
        (6, 4, 3),
    ),
    (
        nn.Conv2d(4, 6, (3, 2), 2, (1, 0)),
        "Conv2d(4, 6, kernel_size=(3, 2), stride=(2, 2), padding=(1, 0))",
        (6, 4, 3, 2),
    ),
    (
        nn.Conv2d(4, 6, 3, padding="same", bias=False, groups=2, dilation=(2, 1), padding_mode="reflect"),
        "Conv2d(4, 6, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 1), groups=2, bias=False, "
        "padding_mode=reflect)",
        (6, 2, 3, 3),
    ),
    (nn.ConvTranspose1d(4, 6, 3), "ConvTranspose1d(4, 6, kernel_size=(3,), stride=(1,))", (4, 6, 3)),
    (
        nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, padding=1, groups=2, dilation=2, bias=False),
        "ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), "
        "output_padding=(1, 1), groups=2, bias=False)",
        (4, 3, 3, 3),
    ),
]


@pytest.mark.parametrize(("layer", "text", "shape"), LAYERS, ids=[text for _, text, _ in LAYERS])
def test_text_and_state_are_pytorchs(layer, text, shape):
    assert repr(layer) == text
    shapes = {"weight": shape} | ({} if layer.bias is None else {"bias": (6,)})
    assert {name: value.shape for name, value in layer.state_dict().items()} == shapes


@pytest.mark.parametrize(
    ("layer", "fan"),
    [
        (nn.Conv1d(8, 64, 5), 40),
        (nn.Conv2d(8, 64, (3, 2), groups=2), 24),
        (nn.ConvTranspose1d(64, 8, 5), 40),
        (nn.ConvTranspose2d(64, 8, (3, 2), groups=2), 24),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_parameters_start_even_within_one_over_the_root_of_fan_in(layer, fan):
    bound = 1 / math.sqrt(fan)
    weight = layer.weight.numpy()
    assert 0.98 * bound < np.abs(weight).max() <= bound * (1 + 1e-6)
    assert weight.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert 0 < np.abs(layer.bias.numpy()).max() <= bound * (1 + 1e-6)
    mg.manual_seed(0)
    layer.reset_parameters()
    again = layer.weight.numpy().copy()
    mg.manual_seed(0)
    layer.reset_parameters()
    np.testing.assert_array_equal(layer.weight.numpy(), again)


def test_dtype_and_device():
    layer = nn.Conv1d(1, 1, 1, device="cpu", dtype=mg.float64)
    assert layer.weight.dtype == layer.bias.dtype == np.float64
    with pytest.raises(ValueError, match="there is no device 'cuda'"):
        nn.Conv1d(1, 1, 1, device="cuda")


ONE, TWO = (2, 4, 9), (2, 4, 9, 8)
FORWARD = [
    (nn.Conv1d(4, 6, 3, 2, 1, 2, 2), ONE, lambda x, w, b: F.conv1d(x, w, b, 2, 1, 2, 2)),
    (nn.Conv1d(4, 6, 4, padding="same"), ONE, lambda x, w, b: F.conv1d(F.pad(x, (1, 2)), w, b)),
    (
        nn.Conv1d(4, 6, 4, padding="same", padding_mode="circular"),
        ONE,
        lambda x, w, b: F.conv1d(F.pad(x, (1, 2), mode="circular"), w, b),
    ),
    (nn.Conv1d(4, 6, 4, padding="valid", padding_mode="reflect"), ONE, F.conv1d),
    (nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), bias=False), TWO, lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 0))),
    (
        nn.Conv2d(4, 6, 3, 2, (2, 1), padding_mode="replicate"),
        TWO,
        lambda x, w, b: F.conv2d(F.pad(x, (1, 1, 2, 2), mode="replicate"), w, b, 2),
    ),
    (
        nn.Conv2d(4, 6, (1, 4), padding="same", padding_mode="reflect"),
        TWO,
        lambda x, w, b: F.conv2d(F.pad(x, (1, 2, 0, 0), mode="reflect"), w, b),
    ),
    (
        nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, dilation=2),
        ONE,
        lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1, 2, 2),
    ),
    (
        nn.ConvTranspose2d(4, 6, 3, (2, 3), 1, (1, 0)),
        TWO,
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), 1, (1, 0)),
    ),
]


@pytest.mark.parametrize(("layer", "shape", "function"), FORWARD, ids=[repr(layer) for layer, *_ in FORWARD])
def test_a_layer_is_its_function(layer, shape, function):
    x = mg.randn(shape)
    np.testing.assert_array_equal(layer(x).numpy(), function(x, layer.weight, layer.bias).numpy())
    np.testing.assert_allclose(layer(x[0]).numpy(), layer(x)[0].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(2, 3, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(2, 2, 2, groups=2, padding="same"),
        nn.ConvTranspose1d(2, 3, 3, 2),
        nn.ConvTranspose2d(2, 3, 2, 2),
    ],
    ids=repr,
)
def test_gradients(layer):
    layer.double()
    x = mg.randn((2, 2, *(4,) * len(layer.kernel_size)), dtype=mg.float64).requires_grad_()

    def function(x, weight, bias):
        return mg.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    assert mg.gradcheck(function, (x, layer.weight, layer.bias))


def test_an_output_size_chooses_one_of_the_lengths_a_stride_leaves_open():
    down, up = nn.Conv2d(1, 2, 3, 3, padding=1), nn.ConvTranspose2d(2, 1, 3, 3, padding=1)
    for shape in ((7, 9), (8, 7), (9, 8)):
        x = mg.randn(2, 1, *shape)
        y = down(x)
        assert up(y, output_size=shape).shape == up(y, output_size=x.shape).shape == x.shape
        assert up(y[0], output_size=list(shape)).shape == x.shape[1:]
    assert nn.ConvTranspose1d(1, 1, 2, 2, output_padding=1)(mg.ones(1, 1, 3), output_size=[6]).shape == (1, 1, 6)
    for size, message in [
        ((10, 7), r"output_size must be from \(7, 7\) to \(9, 9\) for an input \(2, 2, 3, 3\), got \(10, 7\)"),
        ((7, 6), "output_size must be from"),
        ((7,), "must have 2 lengths, or those of all axes"),
    ]:
        with pytest.raises(ValueError, match=message):
            up(mg.ones(2, 2, 3, 3), output_size=size)
    with pytest.raises(TypeError, match="must be of integers"):
        up(mg.ones(2, 2, 3, 3), output_size=(7.5, 7))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv1d(0, 1, 1), "Conv1d: in_channels must be an integer of at least 1, got 0"),
        (lambda: nn.Conv1d(1, 2.0, 1), "out_channels must be an integer of at least 1, got 2.0"),
        (lambda: nn.Conv1d(4, 6, 3, groups=0), "groups must be an integer of at least 1, got 0"),
        (lambda: nn.Conv1d(4, 6, 3, groups=3), "in_channels 4 must be divisible by groups 3"),
        (lambda: nn.ConvTranspose2d(3, 5, 3, groups=3), "out_channels 5 must be divisible by groups 3"),
        (lambda: nn.Conv2d(3, 5, (3, 3, 3)), "kernel_size must be an integer, or one for each of 2 axes"),
        (lambda: nn.Conv2d(3, 5, 0), "kernel_size must be at least 1, got 0"),
        (lambda: nn.Conv2d(3, 5, 3, stride=0), "stride must be at least 1"),
        (lambda: nn.Conv2d(3, 5, 3, dilation=0), "dilation must be at least 1"),
        (lambda: nn.Conv2d(3, 5, 3, padding=-1), "padding must be at least 0"),
        (lambda: nn.Conv2d(3, 5, 3, padding="full"), "padding must be integers, 'same' or 'valid', got 'full'"),
        (lambda: nn.Conv2d(3, 5, 3, 2, "same"), "padding='same' is for stride 1"),
        (lambda: nn.Conv1d(3, 5, 3, padding_mode="mirror"), "padding_mode must be 'zeros' or 'reflect' or .*'mirror'"),
        (lambda: nn.ConvTranspose1d(3, 5, 3, padding_mode="reflect"), "padding_mode must be 'zeros', got 'reflect'"),
        (lambda: nn.ConvTranspose1d(3, 5, 3, padding="same"), "padding must be of integers, got 'same'"),
        (lambda: nn.ConvTranspose1d(3, 5, 3, output_padding=1), "output_padding must be less than stride or dilation"),
    ],
)
def test_settings_that_fit_no_input_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_kernel_that_is_no_number_is_a_type_error():
    with pytest.raises(TypeError, match=r"kernel_size must be of integers, got 1\.5"):
        nn.Conv1d(1, 1, 1.5)


def test_an_input_that_does_not_fit_names_the_layer():
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    with pytest.raises(ValueError, match="wants 3 channels, got 2"):
        model(mg.ones(1, 2, 5, 5))
