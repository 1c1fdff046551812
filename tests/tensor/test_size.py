"""``Size``: what the shape of a tensor is."""

import operator
import pickle

import numpy as np
import pytest

import minigrad as mg


def test_a_shape_is_a_tuple_with_a_number_of_elements():
    x = mg.zeros(2, 3, 4)
    for shape in (x.shape, x.size()):
        assert type(shape) is mg.Size and isinstance(shape, tuple)
        assert shape == (2, 3, 4) and shape.numel() == 24 and hash(shape) == hash((2, 3, 4))
        assert repr(shape) == str(shape) == "(2, 3, 4)"
    assert mg.zeros(()).shape.numel() == 1 and mg.Size([0, 3]).numel() == 0 and mg.Size().numel() == 1


@pytest.mark.parametrize(
    ("size", "values"),
    [
        (mg.Size((2, 3, 4))[1:], (3, 4)),
        (mg.Size((2, 3, 4))[:-1], (2, 3)),
        (operator.add(mg.Size((2,)), (3,)), (2, 3)),
        (mg.Size((2,)) + mg.Size((3,)), (2, 3)),
        (mg.Size((2,)) * 2, (2, 2)),
        (2 * mg.Size((2,)), (2, 2)),
    ],
)
def test_parts_and_sums_are_sizes(size, values):
    assert type(size) is mg.Size and size == values


def test_a_size_is_used_as_a_tuple():
    shape = mg.zeros(2, 3).shape
    rows, columns = shape
    assert (rows, columns, shape[0], shape[-1], len(shape)) == (2, 3, 2, 3, 2)
    assert (1, *shape) == operator.add((1,), shape) == (1, 2, 3)
    assert mg.ones(shape).shape == np.zeros(shape).shape == mg.ones(6).reshape(shape).shape == shape
    assert pickle.loads(pickle.dumps(shape)) == shape and type(pickle.loads(pickle.dumps(shape))) is mg.Size
    with pytest.raises(TypeError):
        operator.add(shape, [1])
