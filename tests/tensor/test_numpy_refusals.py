"""NumPy's functions that take tensors outside any graph only."""

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.arrays import MASK, A, B

UNLISTED = [
    ("spacing", lambda t: np.spacing(t)),
    ("float_power", lambda t: np.float_power(t, t)),
    ("divmod", lambda t: np.divmod(t, 2)),
    ("convolve", lambda t: np.convolve(t[0], B[0])),
    ("cov", lambda t: np.cov(t)),
    (r"linalg\.inv", lambda t: np.linalg.inv(t[:, :2])),
    (r"fft\.fft", lambda t: np.fft.fft(t)),
    ("median", lambda t: np.median(t)),
    ("block", lambda t: np.block([[t, A]])),
    ("histogram", lambda t: np.histogram(t)[0]),
    ("broadcast_arrays", lambda t: np.broadcast_arrays(t, A[0])),
    (r"add\.reduce", lambda t: np.add.reduce(t)),
    (r"add\.accumulate", lambda t: np.add.accumulate(t)),
    (r"multiply\.outer", lambda t: np.multiply.outer(t, t)),
    ("add", lambda t: np.add(A, t, out=A.copy())),
    ("add", lambda t: into_an_array(t)),
    ("exp", lambda t: np.exp(t, dtype=np.float64)),
    ("log", lambda t: np.log(t, out=A.copy(), where=MASK)),
]


def into_an_array(t):
    array = A.copy()
    array += t
    return array


@pytest.mark.parametrize(("name", "call"), UNLISTED)
def test_unlisted_functions_are_refused_for_tensors_of_a_graph(name, call):
    t = mg.tensor(A, requires_grad=True)
    words = rf"np\.{name} is not recorded on tensors.*Use an operation of minigrad.*t\.detach\(\)\.numpy\(\)"
    with pytest.raises(TypeError, match=words):
        call(t)
    np.testing.assert_array_equal(t.numpy(), A)


@pytest.mark.parametrize(("name", "call"), UNLISTED)
def test_unlisted_functions_of_tensors_outside_a_graph_are_numpys(name, call):
    expected = call(A)
    for t in (mg.tensor(A), mg.tensor(A, requires_grad=True).detach()):
        assert_numpys(call(t), expected)
    with mg.no_grad():
        assert_numpys(call(mg.tensor(A, requires_grad=True)), expected)


def assert_numpys(result, expected):
    """The same, and no tensor."""
    assert type(result) is type(expected)
    for one, other in zip(result, expected) if isinstance(result, (list, tuple)) else [(result, expected)]:
        assert not isinstance(one, mg.Tensor)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (r"np\.std on a tensor that requires grad: got an .*'dtype'", lambda t: np.std(t, dtype=np.float64)),
        (r"np\.max on a tensor that requires grad: .*'initial'", lambda t: np.max(t, initial=3.0)),
        (r"np\.reshape on a tensor that requires grad: .*'order'", lambda t: np.reshape(t, (6,), order="F")),
    ],
)
def test_arguments_an_operation_does_not_take_are_numpys_outside_a_graph(words, call):
    t = mg.tensor(A, requires_grad=True)
    with pytest.raises(TypeError, match=words):
        call(t)
    np.testing.assert_array_equal(call(t.detach()), call(A))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("exp", lambda t: np.exp(A, out=t)),
        ("mean", lambda t: np.mean(A, axis=0, out=t[0])),
        (r"add\.at", lambda t: np.add.at(t, [0], 1)),
        (r"add\.reduce", lambda t: np.add.reduce(A, out=t[0])),
        ("copyto", lambda t: np.copyto(t, 0)),
        ("fill_diagonal", lambda t: np.fill_diagonal(t, 0)),
    ],
)
def test_numpy_never_writes_to_a_tensor(name, call):
    t = mg.tensor(A)
    with pytest.raises(TypeError, match=rf"np\.{name}: .*read-only.* NumPy never writes to a tensor: use t\[\.\.\.\]"):
        call(t)
    np.testing.assert_array_equal(t.numpy(), A)


def test_errors_from_inside_an_operation_keep_their_message():
    t = mg.tensor(A)
    with pytest.raises(TypeError, match=r"cat: item 1 is a float, expected a tensor"):
        np.concatenate([t, 3.0])
    with pytest.raises(ValueError, match=r"add: cannot be applied to \(2,\) float64 and \(2, 3\) float64"):
        np.ones(2) + t
    with pytest.raises(IndexError, match="dim 5 is out of range"):
        np.sum(t, axis=5)


def test_a_refusal_inside_numpy_reaches_the_user():
    with pytest.raises(TypeError, match="is not recorded on tensors"):
        np.average(mg.tensor(A, requires_grad=True))


def test_assertions_of_numpy_see_the_values():
    t = mg.tensor(A, requires_grad=True)
    np.testing.assert_allclose(t.detach(), A)
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(t.detach(), B)
