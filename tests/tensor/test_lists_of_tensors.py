"""Lists and arrays that tensors of a graph are put into: recorded or refused, never cut from the graph."""

import numpy as np
import pytest

import minigrad as mg


def pair():
    """Two numbers that require grad."""
    return [mg.tensor(value, requires_grad=True) for value in (2.0, 3.0)]


REFUSED = {
    "tensor": lambda a, b: mg.tensor([a, b * 2]),
    "as_tensor": lambda a, b: mg.as_tensor((a, b)),
    "Tensor": lambda a, b: mg.Tensor([a, b]),
    "nested": lambda a, b: mg.tensor([[1.0, a], [b, 2.0]]),
    "full": lambda a, b: mg.full((2,), [a, b]),
    "Parameter": lambda a, b: mg.nn.Parameter([a, b]),
    "setting elements": lambda a, b: mg.zeros(2).__setitem__(slice(None), [a, b]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_tensor_of_a_list_of_tensors_is_refused(name):
    with pytest.raises(RuntimeError, match=r"mg\.stack"):
        REFUSED[name](*pair())
    with mg.no_grad():
        REFUSED[name](*pair())
    REFUSED[name](*(x.detach() for x in pair()))


# each with the derivatives by a = 2 and b = 3, by hand
RECORDED = {
    "operand": (lambda a, b: mg.tensor([5.0, 7.0]) * [a, b], (5, 7)),
    "operand in front": (lambda a, b: [a, b] * mg.tensor([5.0, 7.0]), (5, 7)),
    "operand of a function": (lambda a, b: mg.add(mg.ones(2), (a * a, b)), (4, 1)),
    "no other operand": (lambda a, b: mg.square([a, b]), (4, 6)),
    "with an array": (lambda a, b: mg.mul(np.array([5.0, 7.0]), [a, b]), (5, 7)),
    "with numbers": (lambda a, b: mg.ones(3) * [a, 1.0, b], (1, 1)),
    "nested": (lambda a, b: mg.ones(2, 2) * [[a, b], [1.0, a]], (2, 1)),
    "where": (lambda a, b: mg.where(np.array([True, False]), [a, b], 0.0), (1, 0)),
    "maximum": (lambda a, b: mg.maximum(mg.full((2,), 2.5), [a, b]), (0, 1)),
    "np.stack": (lambda a, b: np.stack([a * a, b]), (4, 1)),
    "np.concatenate": (lambda a, b: np.concatenate([a.reshape(1), b.reshape(1) * 3]), (1, 3)),
    "np.add": (lambda a, b: np.add(mg.ones(2), [a, b]), (1, 1)),
}


@pytest.mark.parametrize("name", RECORDED)
def test_lists_as_operands_are_recorded(name):
    function, derivatives = RECORDED[name]
    a, b = pair()
    function(a, b).sum().backward()
    assert [0 if x.grad is None else x.grad.item() for x in (a, b)] == list(derivatives)


def test_lists_of_arrays_of_many_dtypes_promote():
    a, _ = pair()
    half = mg.tensor(np.float16(2))
    assert (mg.ones(2) * [a, half]).dtype == np.float32
    assert (mg.ones(2, dtype=np.float16) * [half, 1.5]).dtype == np.float16


CUT = {
    "np.asarray": lambda a, b: np.asarray(b * 2),
    "np.array of a leaf": lambda a, b: np.array(a),
    "np.array of a list": lambda a, b: np.array([a, b]),
    "np.sum": lambda a, b: np.sum([a * a, b * b]),
    "np.mean": lambda a, b: np.mean([a * a, b * b]),
    "np.max": lambda a, b: np.max([a, b]),
    "np.add.reduce": lambda a, b: np.add.reduce([a, b]),
    "np.float64": lambda a, b: np.array(0.0).__iadd__(np.asarray(a)),
    "assert_allclose": lambda a, b: np.testing.assert_allclose(a, 2.0),
}


@pytest.mark.parametrize("name", CUT)
def test_an_array_of_a_tensor_of_a_graph_is_refused(name):
    with pytest.raises(RuntimeError, match=r"requires grad cannot become an array, .* x\.detach\(\)"):
        CUT[name](*pair())
    with mg.no_grad():
        CUT[name](*pair())
    CUT[name](*(x.detach() for x in pair()))


def test_numpy_and_printing_take_tensors_of_a_graph():
    a, b = pair()
    assert (a * b).numpy() == 6
    assert repr(a) == "tensor(2., requires_grad=True)"
    assert f"{a:.1f} {float(b)} {a.item()} {b.tolist()}" == "2.0 3.0 2.0 3.0"
    assert mg.tensor(a * b).item() == 6


@pytest.mark.parametrize(
    "kind", ["plot", "bar", "barh", "stackplot", "hist2d", "scatter", "hist", "fill_between", "quiver"]
)
def test_matplotlib_draws_plain_tensors_and_refuses_those_of_a_graph(kind):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    _, axes = pyplot.subplots()
    count = {"hist": 1, "quiver": 4}.get(kind, 2)
    try:
        getattr(axes, kind)(*[mg.arange(3.0)] * count)
        for y in (mg.arange(3.0, requires_grad=True), mg.arange(3.0, requires_grad=True) * 2):
            with pytest.raises((RuntimeError, TypeError), match=r"detach\(\)"):
                getattr(axes, kind)(*[y] * count)
    finally:
        pyplot.close("all")


def test_pyplot_names_the_cure():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    _, axes = pyplot.subplots()
    try:
        for y in (mg.ones(3, requires_grad=True), mg.ones(3, requires_grad=True) * 2):
            with pytest.raises(RuntimeError, match=r"requires grad cannot become an array, .* x\.detach\(\)"):
                axes.plot(y)
    finally:
        pyplot.close("all")
