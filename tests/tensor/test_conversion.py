"""Shapes, numbers, arrays, iteration, comparison and format of tensors."""

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.dtypes import f8, i8


def test_shapes():
    t = mg.zeros(2, 3, 4)
    assert t.shape == t.size() == (2, 3, 4)
    assert type(t.shape) is type(t.size()) is mg.Size
    assert (t.size(0), t.size(-1), t.ndim, t.dim(), t.numel(), len(t)) == (2, 4, 3, 3, 24, 2)
    assert t.T.shape == (4, 3, 2)
    assert mg.zeros(()).T.shape == ()
    with pytest.raises(IndexError, match=r"dim 3 is out of range for a tensor of 3 dimensions"):
        t.size(3)
    with pytest.raises(IndexError, match=r"dim 0 is out of range for a tensor of 0 dimensions"):
        mg.tensor(1.0).size(0)


def test_transposing_is_a_view():
    t = mg.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(t.T.numpy(), t.numpy().T)
    assert np.shares_memory(t.T.array, t.array)


@pytest.mark.parametrize(
    ("value", "kind"), [(2.5, float), (3, int), (True, bool), (np.float64(2.5), float), ([[4.0]], float)]
)
def test_item(value, kind):
    item = mg.tensor(value).item()
    assert type(item) is kind
    assert item == np.ravel(value)[0]


def test_numbers():
    assert (float(mg.tensor(2.5)), int(mg.tensor([2.5])), bool(mg.tensor([0.0])), bool(mg.tensor(3))) == (
        2.5, 2, False, True,
    )  # fmt: skip
    assert [10, 20, 30][mg.tensor(1)] == 20
    assert list(range(mg.tensor([3]))) == [0, 1, 2]
    for many in (mg.ones(2), mg.ones(0)):
        with pytest.raises(ValueError, match=r"item\(\) needs a tensor of one element, got"):
            float(many)
        with pytest.raises(ValueError, match=r"the truth of a tensor .* is ambiguous: use \.any\(\) or \.all\(\)"):
            bool(many)
    for wrong in (mg.tensor(1.0), mg.tensor([1, 2]), mg.tensor(True)):
        with pytest.raises(TypeError, match="only an integer tensor of one element can be an index"):
            [1, 2, 3][wrong]


def test_any_and_all():
    assert [bool(mg.tensor([0, 1]).any()), bool(mg.tensor([0.0, 2.0]).all()), bool(mg.zeros(0).all())] == [
        True, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("array", [np.float32(2.5), np.arange(6).reshape(2, 3), np.zeros((2, 0)), np.array([True])])
def test_tolist_and_numpy(array):
    t = mg.tensor(array)
    assert t.tolist() == np.asarray(array).tolist()
    view = t.numpy()
    assert type(view) is np.ndarray
    assert view.dtype == t.dtype
    assert not view.flags.writeable
    np.testing.assert_array_equal(view, array)
    assert not view.size or np.shares_memory(view, t.array)


def test_a_numpy_view_follows_its_tensor():
    t = mg.zeros(2)
    view = t.numpy()
    t += 1
    assert view.tolist() == [1.0, 1.0]


def test_arrays_of_tensors():
    t = mg.tensor([1.5, 2.5])
    assert np.shares_memory(np.asarray(t), t.array)
    assert not np.shares_memory(np.array(t), t.array)
    assert np.asarray(t, dtype=f8).dtype == f8
    assert np.array(t, dtype=i8).tolist() == [1, 2]
    assert np.array([t, t]).shape == (2, 2)
    assert np.array(t, copy=False) is not None
    with pytest.raises(ValueError, match="copy"):
        np.array(t, dtype=f8, copy=False)


def test_iteration():
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    rows = list(t)
    assert [row.tolist() for row in rows] == [[1.0, 2.0], [3.0, 4.0]]
    first, second = t
    (first * second).sum().backward()
    assert t.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    assert [x.item() for x in mg.arange(3)] == [0, 1, 2]
    assert sum(mg.arange(4)).item() == 6
    for call in (len, iter):
        with pytest.raises(TypeError, match="no length"):
            call(mg.tensor(1.0))


def test_contains():
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert 3 in t
    assert mg.tensor(4.0) in t
    assert 5.0 not in t
    assert "a" not in t


def test_tensors_are_hashed_by_identity():
    a, b = mg.ones(2), mg.ones(2)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"


def test_comparisons_are_elementwise():
    a, b = mg.tensor([1.0, 2.0, 3.0]), mg.tensor([3.0, 2.0, 1.0])
    for op in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        expected = getattr(a.numpy(), op)(b.numpy()).tolist()
        assert getattr(a, op)(b).tolist() == expected
        assert getattr(a, op.strip("_"))(b).tolist() == expected
        assert getattr(a, op)(b.tolist()).tolist() == expected
        assert getattr(a, op)(2.0).tolist() == getattr(a.numpy(), op)(2.0).tolist()
        assert not getattr(a, op)(b).requires_grad
    assert ((a > 1) & (a < 3)).tolist() == [False, True, False]
    assert ((a < 2) | ~(a < 3)).tolist() == [True, False, True]


@pytest.mark.parametrize("other", [None, "a", object(), {}])
def test_a_tensor_is_not_equal_to_what_is_no_number(other):
    t = mg.ones(3)
    assert (t == other) is False
    assert (t != other) is True
    assert (other == t) is False
    assert t not in [other]


def test_format():
    assert f"{mg.tensor(1.23456):.3f} {mg.tensor(7):>4d} {mg.tensor([[2]]).item():02d}" == "1.235    7 02"
    assert f"{mg.tensor(1.5)} {mg.tensor(3)}" == "1.5 3"
    assert f"{mg.tensor([1.5])}" == "tensor([1.5000])"
    assert f"{mg.tensor(0.25, requires_grad=True) * 2:.1f}" == "0.5"
    with pytest.raises(TypeError, match=r"only a single number can be written as '\.2f', not \(1,\) float32: use item"):
        f"{mg.tensor([1.5]):.2f}"
