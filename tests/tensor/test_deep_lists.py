"""Lists that contain themselves, or are nested deeper than arrays can be: one clear error."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


def in_itself():
    values = [1.0]
    values.append(values)
    return values


def many_ways():
    """Two lists in each other twice: the ways through them double with each level."""
    one, other = [1.0], [2.0]
    one += [other, other]
    other += [one, one]
    return one


def deep():
    values = [1.0]
    for _ in range(5000):
        values = [values]
    return values


USES = {
    "tensor": mg.tensor,
    "Tensor": mg.Tensor,
    "full": lambda values: mg.full((2,), values),
    "operand": lambda values: mg.ones(2) * values,
    "first operand": lambda values: values * mg.ones(2),
    "where": lambda values: mg.where([True, False], values, mg.ones(2)),
    "np.add": lambda values: np.add(mg.ones(2), values),
    "np.median": lambda values: np.median([mg.ones(2), values]),
    "in place": lambda values: mg.ones(2).add_(values),
    "setting": lambda values: mg.ones(2).__setitem__(0, values),
    "index": lambda values: mg.ones(2)[values],
    "loss": lambda values: F.mse_loss(mg.ones(2), values),
    "gradient": lambda values: mg.ones(2, requires_grad=True).backward(values),
    "layer": lambda values: nn.Linear(2, 2)(values),
    "draw": lambda values: mg.draw(nn.Linear(2, 2), values),
    "TensorDataset": mg.data.TensorDataset,
    "DataLoader": lambda values: list(mg.data.DataLoader([values] * 2, batch_size=2)),
}


@pytest.mark.parametrize("make", [in_itself, many_ways, deep])
@pytest.mark.parametrize("name", USES)
def test_such_a_list_is_one_clear_error(name, make):
    with pytest.raises((TypeError, ValueError), match=r"\w{3} \w"):
        USES[name](make())


@pytest.mark.parametrize("depth", [1, 2, 30, 63])
def test_lists_as_deep_as_arrays_are_tensors(depth):
    values = 2.0
    for _ in range(depth):
        values = [values]
    assert mg.tensor(values).shape == (1,) * depth
    x = mg.tensor(2.0, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"mg\.stack"):
        mg.tensor([[1.0, 2.0], [x, 3.0]])


def test_one_list_in_several_places_is_no_circle():
    row = [1.0, 2.0]
    assert mg.tensor([row, row, [3, 4]]).tolist() == [[1, 2], [1, 2], [3, 4]]
