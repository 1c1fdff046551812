"""Inputs of a drawn model: tensors wherever they are are leaves of the recorded pass, named by the way to them."""

import collections
import dataclasses
import types
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import containers
from tests.graph.parsed import parsed

Pair = collections.namedtuple("Pair", "first second")


@dataclasses.dataclass(frozen=True)
class Sample:
    image: Any
    label: Any = None


def sum_of(value):
    """Of all tensors in a value, each multiplied by 2."""
    return sum((tensor * 2 for _, tensor in containers.inside(value, "", mg.Tensor)), 0.0)


def one():
    return mg.ones(2)


@pytest.mark.parametrize(
    "value, names",
    [
        (lambda: {"x": one(), "y": one()}, ["['x']", "['y']"]),
        (lambda: collections.OrderedDict(x=one()), ["['x']"]),
        (lambda: {0: one(), ("a", 1): one()}, ["[0]", "[('a', 1)]"]),
        (lambda: types.MappingProxyType({"x": one()}), ["['x']"]),
        (lambda: [one(), 3, "text", one()], ["[0]", "[3]"]),
        (lambda: (one(), (one(),)), ["[0]", "[1][0]"]),
        (lambda: collections.deque([one()]), ["[0]"]),
        (lambda: Pair(one(), {"deep": [one()]}), [".first", ".second['deep'][0]"]),
        (lambda: Sample(one(), Pair(1, one())), [".image", ".label.second"]),
        (lambda: {"x": np.ones(2, np.float32)}, ["['x']"]),
        (lambda: {r"C:\N<b>": one()}, [r"['C:\\N<b>']"]),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_tensors_in_containers_are_inputs_named_by_the_way_to_them(value, names, named):
    def forward(batch):
        assert type(batch) is type(given) or isinstance(given, types.MappingProxyType)
        return sum_of(batch)

    given = value()
    model = nn.Module()
    model.forward = forward
    picture = parsed(model, batch=given) if named else parsed(model, given)
    titles = [box.title for box in picture.boxes.values() if "rounded" in box.look]
    assert titles == [f"input batch{name}" for name in names]
    assert all(not tensor.requires_grad for _, tensor in containers.inside(given, "", mg.Tensor))


class Signature(nn.Module):
    def forward(self, input, *more, scale, **others):
        return sum_of([input, more, scale, others])


def test_inputs_are_named_by_the_parameters_of_forward():
    x = one()
    picture = parsed(Signature(), [x, x], x, (x,), scale=x, mask={"left": x}, other=x)
    assert [box.title for box in picture.boxes.values() if "rounded" in box.look] == [
        "input[0]", "input[1]", "input more[0]", "input more[1][0]", "input scale", "input mask['left']", "input other"
    ]  # fmt: skip


class FromDict(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, batch):
        return {"sum": self.a(batch["left"]) + self.b(batch["right"]), "top": [Pair(self.a(batch["left"]), 1)]}


def test_inputs_and_outputs_of_a_model_with_containers():
    picture = parsed(FromDict(), {"left": mg.randn(4, 3), "right": mg.randn(4, 3), "names": ["a"]})
    assert sorted(title for title in picture.titles() if "input" in title) == [
        "input batch['left']", "input batch['right']"
    ]  # fmt: skip
    assert sum("peripheries=2" in box.look for box in picture.boxes.values()) == 2


def test_a_container_that_holds_itself_does_so_in_the_pass_too():
    given = {"x": one(), "list": [one()]}
    given["self"], given["list"][1:] = given, [given["list"]]

    class Model(nn.Module):
        def forward(self, batch):
            assert batch["self"] is batch and batch["list"][1] is batch["list"] and batch is not given
            return [batch["x"] * batch["list"][0], batch]

    picture = parsed(Model(), given)
    assert {"input batch['x']", "input batch['list'][0]"} <= set(picture.titles())
    assert given["self"] is given and not given["x"].requires_grad


def test_what_holds_no_tensors_is_passed_as_it_is():
    untouched = {"a": [1, "b"]}, np.array(["text"]), Sample(1), object()

    class Model(nn.Module):
        def forward(self, x, *others):
            assert all(one is other for one, other in zip(others, untouched, strict=True))
            return x * 2

    assert parsed(Model(), one(), *untouched).titles() == {"input x": 1, "Model: mul": 1}


def test_a_module_among_the_inputs_is_not_copied():
    @dataclasses.dataclass(eq=False)
    class Layer(nn.Module):
        weight: nn.Parameter

    class Model(nn.Module):
        def forward(self, x, layer):
            assert layer is given
            return x * layer.weight

    given = Layer(nn.Parameter(mg.ones(2)))
    assert parsed(Model(), one(), given).titles()["input x"] == 1


@pytest.mark.parametrize(
    "arguments, named, message",
    [
        ([], {"x": 1}, r"missing a required argument: 'batch'"),
        (
            [one()],
            {"deepness": 2},
            r"draw\(model, \*inputs\): FromDict.forward\(batch\): .*unexpected keyword.*'deepness'",
        ),
        ([one()], {"batch": 2}, r"multiple values for argument 'batch'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(arguments, named, message):
    with pytest.raises(TypeError, match=message):
        mg.draw(FromDict(), *arguments, **named)


def test_a_tensor_takes_no_inputs_by_name():
    with pytest.raises(TypeError, match=r"draw\(model, x\); got \(2,\) float32 and 1 inputs \(legnd\)"):
        mg.draw(mg.ones(2, requires_grad=True) * 2, legnd=True)


def test_a_model_whose_output_depends_on_no_float_is_refused():
    model = nn.Sequential(nn.Flatten())
    with pytest.raises(ValueError, match=r"has no graph to draw.*from inputs of floats") as refusal:
        mg.draw(model, mg.tensor(np.arange(8).reshape(2, 2, 2)))
    assert "draw(model, x) records" not in str(refusal.value)
