"""Names and metadata of a file: those of modules, of the state, of arguments and results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.export.onnx import OPSETS
from tests.export.running import Running, arrays, content, error, graph, normal, onnx


class Block(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())

    def forward(self, x: Any) -> Any:
        return self.inner(x) + x


class Net(nn.Module):
    def __init__(self) -> None:
        self.first = Block()
        self.second = Block()
        self.head = nn.Linear(4, 2)

    def forward(self, features: Any) -> Any:
        return self.head(self.second(self.first(features)))


def names(entries: Any) -> list[str]:
    return [entry.name for entry in entries]


def test_initializers_have_the_names_and_values_of_the_state() -> None:
    model = Net().eval()
    state = model.state_dict()
    found = {x.name: onnx.numpy_helper.to_array(x) for x in graph(model, normal(3, 4)).initializer}
    assert found.keys() == {name for name in state if not name.endswith("num_batches_tracked")}
    assert all(np.array_equal(array, state[name].numpy()) for name, array in found.items())


def test_nodes_have_the_paths_of_their_modules() -> None:
    found = names(graph(Net().eval(), normal(3, 4)).node)
    assert found[:4] == ["first.inner.0/Gemm", "first.inner.1/BatchNormalization", "first.inner.2/Relu", "first/Add"]
    assert found[-1] == "head/Gemm" and len(set(found)) == len(found)


def test_a_shared_weight_is_there_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    made = graph(model, normal(3, 4))
    assert names(made.initializer) == ["0.weight", "0.bias", "2.bias"]
    assert [node.input[1] for node in made.node if node.op_type == "Gemm"] == ["0.weight"] * 2


def test_what_no_output_needs_is_left_out() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            self.used, self.unused = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            self.unused(x).lgamma()
            return self.used(x)

    pytest.importorskip("scipy", reason="lgamma needs scipy")
    made = graph(Half(), normal(3, 4))
    assert names(made.node) == ["used/Gemm"] and names(made.initializer) == ["used.weight", "used.bias"]


def test_metadata_says_who_wrote_it() -> None:
    made = onnx.load_from_string(content(Net().eval(), normal(3, 4)))
    assert (made.producer_name, made.producer_version) == ("minigrad", mg.__version__)
    assert made.graph.name == "Net" and made.opset_import[0].version == 17 and made.ir_version == 8


@pytest.mark.parametrize("opset", OPSETS)
def test_opset_is_what_was_asked_for(opset: int) -> None:
    model, x = Net().eval(), normal(5, 4)
    file = content(model, x, opset_version=opset)
    assert onnx.load_from_string(file).opset_import[0].version == opset
    assert error(Running(file)(x), arrays(model(x))) < 1e-6


# -- arguments and results -----------------------------------------------------------------------


def two(a: Any, b: Any = None) -> Any:
    return a * 2 if b is None else {"sum": a + b, "others": (a - b, [a * b])}


@pytest.mark.parametrize(
    ("args", "inputs"),
    [
        (normal(3, 2), ["a"]),
        ((normal(3, 2), normal(3, 2)), ["a", "b"]),
        ({"b": normal(3, 2), "a": normal(3, 2)}, ["b", "a"]),
        ([[1.0, 2.0], [3.0, 4.0]], ["a"]),
        (np.ones((3, 2), np.float32), ["a"]),
    ],
    ids=["tensor", "tuple", "dict", "list", "array"],
)
def test_inputs_are_named_by_the_arguments(args: Any, inputs: list[str]) -> None:
    made = graph(two, args)
    assert names(made.input) == inputs
    assert names(made.output) == (["output"] if len(inputs) == 1 else ["sum", "others_0", "others_1_0"])


def test_nested_arguments_and_results_come_in_their_order() -> None:
    def model(pair: Any, scale: Any) -> Any:
        return pair["x"] * scale, pair["y"][0] - scale

    args = {"x": normal(3, 2), "y": [normal(3, 2, seed=1)]}, normal(3, 2, seed=2)
    made = graph(model, args)
    assert names(made.input) == ["pair_x", "pair_y_0", "scale"] and names(made.output) == ["output_0", "output_1"]
    assert error(Running(content(model, args))(args), arrays(model(*args))) < 1e-6


def test_names_may_be_given() -> None:
    made = graph(two, (normal(3, 2), normal(3, 2)), input_names=["p", "q"], output_names=["u", "v", "w"])
    assert names(made.input) == ["p", "q"] and names(made.output) == ["u", "v", "w"]


def test_numbers_among_the_arguments_are_constants() -> None:
    def model(x: Any, factor: float) -> Any:
        return x * factor

    x = normal(3, 2)
    assert error(Running(content(model, (x, 2.5)))((x,)), arrays(x * 2.5)) < 1e-6


@pytest.mark.parametrize(
    "model",
    [
        lambda x: x,
        lambda x: (x, x),
        lambda x: (x * 2,) * 2,
        lambda x: (x * 2, (x * 2).reshape(3, 2)),
        lambda x: mg.ones(2),
    ],
    ids=["input", "input twice", "result twice", "results", "constant"],
)
def test_results_may_be_inputs_constants_and_the_same(model: Any) -> None:
    x = normal(3, 2)
    file = content(model, x, dynamic_axes={})
    assert error(Running(file)((x,)), arrays(model(x))) < 1e-6


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_dtypes_of_floats_stay(dtype: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.GELU(), nn.Linear(3, 2)).to(dtype)
    x = normal(5, 4).to(dtype)
    (found,) = Running(content(model, x))(x)
    assert found.dtype == dtype
    limit = {np.float16: 4e-3, np.float32: 1e-6, np.float64: 1e-14}[np.dtype(dtype).type]
    assert error([found], arrays(model(x))) < limit


def test_two_inputs_of_one_name_in_a_module_of_that_name_are_told_apart() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            self.x = nn.Linear(2, 2)

        def forward(self, x: Any) -> Any:
            return self.x(x)

    model, x = Odd(), normal(3, 2)
    assert error(Running(content(model, x, output_names=["x.weight_"]))(x), arrays(model(x))) < 1e-6
