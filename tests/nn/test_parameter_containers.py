"""ParameterList and ParameterDict, against a list and a dict of the same values."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def values(n):
    """Parameters that differ."""
    return [nn.Parameter(mg.full((i + 1,), float(i))) for i in range(n)]


def test_a_list_of_parameters_behaves_like_a_list():
    a, b, c, d = values(4)
    model, held = [a, b], nn.ParameterList([a, b])

    def agree():
        assert len(held) == len(model) and all(x is y for x, y in zip(held, model, strict=True))
        assert list(held.state_dict()) == [str(i) for i in range(len(model))]
        assert [name for name, _ in held.named_parameters()] == [str(i) for i in range(len(model))]

    agree()
    assert held.append(c) is held
    model.append(c)
    agree()
    assert held.extend(iter([d])) is held
    model.append(d)
    agree()
    held[0], held[-1] = d, a
    model[0], model[-1] = d, a
    assert list(held) == model
    before = held
    held += [mg.ones(3), nn.Parameter(mg.ones(2))]
    assert held is before and len(held) == 6 and isinstance(held[4], nn.Parameter) and held[4].requires_grad
    part = held[1:3]
    assert type(part) is nn.ParameterList and list(part) == [b, c] and list(part.state_dict()) == ["0", "1"]
    assert list(held[::-2])[1] is a
    for index in (6, -7):
        with pytest.raises(IndexError, match="out of range"):
            held[index]
        with pytest.raises(IndexError):
            held[index] = a
    assert len(nn.ParameterList()) == 0


def test_a_dict_of_parameters_behaves_like_a_dict():
    a, b, c, d = values(4)
    model, held = {"b": b, "a": a}, nn.ParameterDict(OrderedDict(b=b, a=a))

    def agree():
        assert list(held) == list(held.keys()) == list(model) and len(held) == len(model)
        assert list(held.items()) == list(model.items()) and list(held.values()) == list(model.values())
        assert list(reversed(held)) == list(reversed(model))
        assert [name for name, _ in held.named_parameters()] == list(model) == list(held.state_dict())

    agree()
    held["c"] = model["c"] = c
    agree()
    held["b"] = model["b"] = d
    agree()
    assert held["b"] is d is held.b and "b" in held and "x" not in held and "training" not in held
    assert held.get("a") is a and held.get("x") is None and held.get("x", 3) == 3
    assert held.setdefault("a", b) is a and held.setdefault("e", b) is b
    model["e"] = b
    agree()
    assert held.pop("a") is model.pop("a")
    agree()
    assert held.popitem() == model.popitem() and "e" not in held
    agree()
    copied = held.copy()
    assert type(copied) is nn.ParameterDict and copied is not held and list(copied.items()) == list(held.items())
    joined = held | nn.ParameterDict({"c": a, "z": b})
    assert list(joined.items()) == [("b", d), ("c", a), ("z", b)] and list(held) == ["b", "c"]
    assert {"q": a} | held == {"q": a, "b": d, "c": c}
    before = held
    held |= {"z": b}
    model["z"] = b
    assert held is before
    agree()
    del held["c"], model["c"]
    agree()
    new = held.fromkeys(["x", "y"], a)
    assert type(new) is nn.ParameterDict and list(new.items()) == [("x", a), ("y", a)]
    held.clear()
    model.clear()
    agree()
    for use in (held.popitem, lambda: held["b"], lambda: held.pop("b"), lambda: held.__delitem__("b")):
        with pytest.raises(KeyError):
            use()


def test_a_plain_dict_is_sorted_and_everything_else_keeps_its_order():
    a, b = values(2)
    assert list(nn.ParameterDict({"b": b, "a": a})) == ["a", "b"]
    for ordered in (OrderedDict(b=b, a=a), [("b", b), ("a", a)], iter([["b", b], ["a", a]])):
        assert list(nn.ParameterDict(ordered)) == ["b", "a"]


def test_tensors_become_parameters_and_other_values_stay():
    held = nn.ParameterDict({"a": mg.ones(2), "n": 3, "none": None})
    assert isinstance(held["a"], nn.Parameter) and held["n"] == 3 and held["none"] is None
    assert list(held.state_dict()) == ["a"]
    held["a"] = mg.zeros(2)
    assert isinstance(held["a"], nn.Parameter) and held["a"].tolist() == [0, 0]
    assert repr(held) == (
        "ParameterDict(\n  (a): Parameter containing: [float32 of size 2]\n  (n): Object of type: int\n"
        "  (none): Object of type: NoneType\n)"
    )
    listed = nn.ParameterList([mg.ones(1, 3), "x"])
    assert repr(nn.ParameterList()) == "ParameterList()" and repr(listed) == (
        "ParameterList(\n  (0): Parameter containing: [float32 of size 1x3]\n  (1): Object of type: str\n)"
    )


def test_a_module_finds_trains_saves_and_copies_what_they_hold():
    class Net(nn.Module):
        def __init__(self):
            self.weights = nn.ParameterList([mg.ones(2), mg.ones(2)])
            self.named = nn.ParameterDict({"left": mg.ones(2)})

        def forward(self, x):
            for weight in self.weights:
                x = x * weight
            return x * self.named["left"]

    net = Net()
    assert list(net.state_dict()) == ["weights.0", "weights.1", "named.left"]
    net(mg.tensor([2.0, 3.0])).sum().backward()
    assert net.weights[1].grad.tolist() == [2, 3] == net.named.left.grad.tolist()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net.weights)), net.double()):
        holder = getattr(other, "weights", other)
        assert len(holder) == 2
    other = copy.deepcopy(net)
    other.named["right"] = mg.ones(1)
    other.weights.append(mg.ones(1))
    assert list(net.named) == ["left"] and len(net.weights) == 2
    shallow = copy.copy(net.named)
    shallow["right"] = mg.ones(1)
    assert list(net.named) == ["left"] and list(shallow) == ["left", "right"]
    assert net.weights[0].dtype == np.float64


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda: nn.ParameterList(mg.ones(2)), TypeError, r"expected an iterable, got a Tensor: .*\[value\]"),
        (lambda: nn.ParameterList(3), TypeError, "expected an iterable, got an int"),
        (lambda: nn.ParameterList()(1), RuntimeError, "ParameterList cannot be called"),
        (lambda: nn.ParameterDict(3), TypeError, "expected an iterable, got an int"),
        (lambda: nn.ParameterDict([3]), TypeError, "element 0 must be a pair of a name and a value, got an int"),
        (lambda: nn.ParameterDict([("a", 1, 2)]), ValueError, "must be a pair of a name and a value, got 3 values"),
        (
            lambda: nn.ParameterDict({1: mg.ones(1)}),
            TypeError,
            "parameter must be a string, got 1: write '1'",
        ),
        (lambda: nn.ParameterDict({"a.b": mg.ones(1)}), KeyError, "cannot be named 'a.b'"),
        (lambda: nn.ParameterDict({"keys": mg.ones(1)}), KeyError, "attribute 'keys' already"),
        (lambda: nn.ParameterDict()(1), RuntimeError, "ParameterDict cannot be called"),
        (lambda: nn.ParameterDict() | 3, TypeError, "unsupported operand"),
    ],
)
def test_bad_values_are_refused(use, kind, message):
    with pytest.raises(kind, match=message):
        use()


def test_a_refused_update_changes_nothing():
    held = nn.ParameterDict({"a": mg.ones(1)})
    with pytest.raises(KeyError):
        held.update({"b": mg.ones(1), "keys": mg.ones(1)})
    assert list(held) == ["a"]
