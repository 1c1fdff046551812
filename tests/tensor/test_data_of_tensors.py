"""What tensors are made of: dtypes of data, buffers, and PyTorch's constructor."""

import array

import numpy as np
import pytest

import minigrad as mg
from tests.helpers.dtypes import F4, F8


class Column:
    """Like a column of a table: values behind ``__array__`` only."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


class Interface:
    """Values behind ``__array_interface__`` only."""

    def __init__(self, values):
        self.values = values
        self.__array_interface__ = values.__array_interface__


THIRD = 1 / 3

PRECISE = {
    "array.array": lambda: array.array("d", [THIRD]),
    "memoryview": lambda: memoryview(np.array([THIRD])),
    "column": lambda: Column(np.array([THIRD])),
    "interface": lambda: Interface(np.array([THIRD])),
    "list of columns": lambda: [Column(np.array([THIRD]))],
    "list of buffers": lambda: [array.array("d", [THIRD])],
}


@pytest.mark.parametrize("name", PRECISE)
@pytest.mark.parametrize("make", [mg.tensor, mg.as_tensor])
def test_what_has_a_dtype_or_a_buffer_keeps_it(name, make):
    x = make(PRECISE[name]())
    assert (x.dtype, x.reshape(-1)[0].item()) == (F8, THIRD)


@pytest.mark.parametrize("code", "fdhiq")
def test_buffers_of_every_type_keep_it(code):
    assert mg.tensor(array.array(code, [1])).dtype == np.dtype(code)


class Metres(float):
    """A float of a user's own."""


@pytest.mark.parametrize("data", [[0.5], (0.5,), [[0.5]], 0.5, Metres(0.5), [Metres(0.5)], [0.5, 1, True]])
def test_pythons_numbers_become_float32(data):
    assert mg.tensor(data).dtype == F4


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i4", "u2"])
def test_tensors_have_the_byte_order_of_the_machine(kind):
    values = np.array([1, 2, 3], np.dtype(kind).newbyteorder())
    made = [
        mg.tensor(values), mg.as_tensor(values), mg.from_numpy(values), mg.tensor(list(values)),
        mg.tensor([1, 2, 3], values.dtype), mg.ones(3).to(values.dtype), mg.zeros(3, dtype=values.dtype),
        mg.tensor(np.array([1, 2, 3], kind)) * values,
    ]  # fmt: skip
    for x in made:
        assert x.dtype == np.dtype(kind)
        assert x.dtype.isnative
    assert made[0].tolist() == made[2].tolist() == [1, 2, 3]
    assert repr(mg.tensor(np.array([0.5], ">f4"))) == "tensor([0.5000])"


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ((), np.zeros(0)),
        ((3,), np.zeros(3)),
        ((2, 3), np.zeros((2, 3))),
        ((np.int64(2), 0), np.zeros((2, 0))),
        (([[0, 0], [0, 1]],), [[0, 0], [0, 1]]),
        (((2, 3),), [2, 3]),
        (([True, False],), [1, 0]),
        ((np.array([0.1]),), [0.1]),
        ((np.array(2),), 2),
        ((mg.arange(3),), [0, 1, 2]),
    ],
)
def test_the_class_makes_float32_as_in_pytorch(arguments, values):
    x = mg.Tensor(*arguments)
    assert x.dtype == F4
    assert not x.requires_grad
    np.testing.assert_array_equal(x.numpy(), np.asarray(values, F4))


@pytest.mark.parametrize("arguments", [(2.5,), (True,), (2, 2.5), ([1], [2]), (np.float64(2),), ("a",), (None,)])
def test_the_class_refuses_what_is_neither_lengths_nor_data(arguments):
    with pytest.raises(TypeError):
        mg.Tensor(*arguments)


def test_the_class_copies():
    values = np.zeros(2, F4)
    mg.Tensor(values)[0] = 1
    assert values.tolist() == [0, 0]


def test_the_seed_returns_the_generator():
    generator = mg.manual_seed(3)
    first = generator.standard_normal()
    assert mg.manual_seed(3) is generator
    assert generator.standard_normal() == first
