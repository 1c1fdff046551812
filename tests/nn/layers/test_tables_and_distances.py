"""Embedding, Bilinear, Unflatten and distances as modules, each against NumPy."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks.gradcheck import gradcheck

rng = np.random.default_rng(3)
X, Y = rng.standard_normal((2, 5, 4))


def test_bilinear():
    layer = nn.Bilinear(4, 3, 2, dtype="float64")
    x, y = mg.tensor(X, requires_grad=True), mg.tensor(Y[:, :3], requires_grad=True)
    expected = np.einsum("ni,oij,nj->no", X, layer.weight.numpy(), Y[:, :3]) + layer.bias.numpy()
    np.testing.assert_allclose(layer(x, y).numpy(), expected, rtol=1e-10)
    assert gradcheck(layer, [x, y]) and gradcheck(nn.Bilinear(4, 3, 2, bias=False), [x, y])


def test_unflatten_is_the_reverse_of_flatten():
    x = mg.tensor(X.reshape(5, 2, 2), requires_grad=True)
    flat = nn.Flatten()(x)
    for size in ((2, 2), [2, -1], (np.int64(2), 2)):
        assert (nn.Unflatten(1, size)(flat) == x).all()
    assert gradcheck(nn.Unflatten(-1, (4, 1)), flat.detach().requires_grad_())
    with pytest.raises(ValueError, match=r"4 elements along dim 1 cannot have lengths \(3, 2\)"):
        nn.Unflatten(1, (3, 2))(flat)


DISTANCES = {
    "cosine": (
        nn.CosineSimilarity(), lambda a, b: (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1)),
    ),
    "cosine of columns": (
        nn.CosineSimilarity(0), lambda a, b: (a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0)),
    ),
    "distance": (nn.PairwiseDistance(), lambda a, b: np.sqrt(((a - b + 1e-6) ** 2).sum(1))),
    "distance, kept": (
        nn.PairwiseDistance(3.0, 0.1, True), lambda a, b: (np.abs(a - b + 0.1) ** 3).sum(1, keepdims=True) ** (1 / 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DISTANCES)
def test_distances(name):
    layer, formula = DISTANCES[name]
    np.testing.assert_allclose(layer(mg.tensor(X), mg.tensor(Y)).numpy(), formula(X, Y), rtol=1e-10)
    assert gradcheck(layer, [mg.tensor(X, requires_grad=True), mg.tensor(Y, requires_grad=True)])


def test_rows_are_looked_up_and_only_they_learn():
    table = nn.Embedding(5, 3, padding_idx=1, dtype="float64")
    index = np.array([[4, 1], [4, 0]])
    y = table(mg.tensor(index))
    np.testing.assert_array_equal(y.numpy(), table.weight.numpy()[index])
    y.sum().backward()
    assert table.weight.grad.tolist() == [[1] * 3, [0] * 3, [0] * 3, [0] * 3, [2] * 3]
    assert gradcheck(nn.Embedding(5, 3), mg.tensor(index))
    with pytest.raises(IndexError, match="5 is no row of the weight: expected 0 to 4"):
        table(mg.tensor([5]))


def test_gradients_by_frequency():
    table = nn.Embedding(3, 1, scale_grad_by_freq=True)
    table(mg.tensor([2, 2, 0])).sum().backward()
    assert table.weight.grad.tolist() == [[1], [0], [1]]


def test_long_rows_are_shortened_where_they_are_looked_up():
    table = nn.Embedding.from_pretrained(mg.tensor([[3.0, 4.0], [30.0, 40.0]]), freeze=False, max_norm=1.0)
    np.testing.assert_allclose(table(mg.tensor([0])).tolist(), [[0.6, 0.8]], rtol=1e-6)
    assert table.weight[1].tolist() == [30, 40] and table.weight.requires_grad


def test_a_table_that_is_given():
    given = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    state = mg.get_rng_state()
    table = nn.Embedding.from_pretrained(given, padding_idx=-2)
    assert mg.get_rng_state() == state
    assert not table.weight.requires_grad and table.padding_idx == 0 and table.weight.tolist() == given.tolist()
    assert repr(table) == "Embedding(2, 2, padding_idx=0)"
    given[1, 1] = 9
    assert table(mg.tensor(1)).tolist() == [3, 9]  # one memory
    again = nn.Embedding(2, 2)
    again.load_state_dict(table.state_dict())
    assert again.weight.tolist() == [[1, 2], [3, 9]]


@pytest.mark.parametrize("freeze", [True, False])
def test_a_table_that_is_given_is_taken_over(freeze):
    weight, random = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.get_rng_state()
    table = nn.Embedding(2, 2, padding_idx=0, _weight=weight, _freeze=freeze)
    assert np.shares_memory(table.weight.numpy(), weight.numpy()) and table.weight.requires_grad is not freeze
    assert table.weight.tolist() == [[1, 2], [3, 4]] and mg.get_rng_state() == random
    assert nn.Embedding(2, 2, _freeze=True).weight.requires_grad is False
