"""Sequential, ModuleList and ModuleDict."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.tree import members
from tests.nn.nets import names


@pytest.mark.parametrize("make", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)], ids=["chain", "list"])
def test_lists_of_modules_behave_like_lists(make):
    a, b, c, d = nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Linear(1, 1)
    modules = make(a, b)
    assert len(modules) == 2 and list(modules) == [a, b] and modules[0] is a and modules[-1] is b
    assert modules.append(c) is modules and list(modules) == [a, b, c]
    assert modules.extend([d, a]) is modules and list(modules) == [a, b, c, d, a]
    assert modules.insert(1, d) is modules and list(modules) == [a, d, b, c, d, a]
    modules[0] = c
    modules[-1] = b
    assert list(modules) == [c, d, b, c, d, b]
    del modules[1]
    assert list(modules) == [c, b, c, d, b]
    del modules[3:]
    assert list(modules) == [c, b, c] and names(members(modules)) == ["0", "1", "2"]
    assert a not in list(modules)
    part = modules[1:]
    assert type(part) is type(modules) and list(part) == [b, c]
    assert list(modules[::-1]) == [c, b, c] and list(modules[5:]) == []
    for index in (3, -4):
        with pytest.raises(IndexError):
            modules[index]
        with pytest.raises(IndexError):
            modules[index] = a
        with pytest.raises(IndexError):
            del modules[index]
    assert list(modules) == [c, b, c]


def test_slices_share_their_modules_and_a_chains_slice_its_names():
    chain = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    assert names(members(chain[1:])) == ["1", "2"]
    assert names(members(nn.ModuleList(chain)[1:])) == ["0", "1"]
    assert names(members(nn.Sequential({"body": chain[0], "head": chain[2]})[1:])) == ["head"]
    assert chain[1:][1] is chain[2]
    extended = chain[1:].append(nn.ReLU())
    assert list(extended)[:2] == [chain[1], chain[2]] and len(extended) == 3

    class Perceptron(nn.Sequential):
        def __init__(self, sizes):
            super().__init__(*(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)))

    assert len(Perceptron([1, 2, 3, 4])[:2]) == 2


def test_a_chain_chains(x):
    first, last = nn.Linear(4, 3), nn.Linear(3, 2)
    expected = last(first(x).tanh()).numpy()
    for chain in (
        nn.Sequential(first, nn.Tanh(), last),
        nn.Sequential({"one": first, "two": nn.Tanh(), "three": last}),
        nn.Sequential(nn.Sequential(first, nn.Tanh()), last),
        nn.Sequential(first).append(nn.Tanh()).append(last),
    ):
        np.testing.assert_array_equal(chain(x).numpy(), expected)
    assert nn.Sequential()(x) is x
    assert nn.Sequential({"one": first, "two": nn.Tanh()}).one is first
    assert list(nn.Sequential({"1": first}).append(last)) == [first, last]


def test_a_dict_of_modules_behaves_like_a_dict():
    a, b = nn.ReLU(), nn.Tanh()
    modules = nn.ModuleDict({"one": a})
    modules["two"] = b
    assert list(modules) == list(modules.keys()) == ["one", "two"] and len(modules) == 2
    assert list(modules.values()) == [a, b] and list(modules.items()) == [("one", a), ("two", b)]
    assert modules["two"] is b is modules.two and "one" in modules and "three" not in modules
    modules.update([("one", b), ("three", a)])
    assert list(modules.items()) == [("one", b), ("two", b), ("three", a)]
    del modules["two"]
    assert list(modules) == ["one", "three"]
    for use in (lambda: modules["two"], lambda: modules.__delitem__("two"), lambda: modules["training"]):
        with pytest.raises(KeyError):
            use()
    assert modules.training is True
    assert len(nn.ModuleDict()) == 0


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"item '0' is a type.*Classes must be called \(nn.ReLU\(\)"),
        (
            lambda: nn.Sequential(nn.ReLU(), mg.relu),
            TypeError,
            "item '1' is an Op.*a function needs a Module around it",
        ),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, "item '0' is a list"),
        (lambda: nn.ModuleList([nn.ReLU(), None]), TypeError, "item '1' is None"),
        (lambda: nn.ModuleDict({"a": 3}), TypeError, "item 'a' is an int"),
        (lambda: nn.ModuleDict({1: nn.ReLU()}), TypeError, "name of a module must be a string, got 1: write '1'"),
        (lambda: nn.ModuleDict({"keys": nn.ReLU()}), KeyError, "attribute 'keys' already: choose another name"),
        (lambda: nn.ModuleDict({"training": nn.ReLU()}), KeyError, "attribute 'training' already"),
        (lambda: nn.Sequential({"forward": nn.ReLU()}), KeyError, "attribute 'forward' already"),
    ],
)
def test_containers_refuse_what_is_not_a_module(use, kind, message):
    with pytest.raises(kind, match=message):
        use()


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.append(3),
        lambda m: m.insert(0, nn.ReLU),
        lambda m: m.extend(["x"]),
        lambda m: m.__setitem__(1, mg.relu),
        lambda m: m.__setitem__(slice(0, 2), [nn.ReLU()]),
    ],
)
@pytest.mark.parametrize("make", [nn.Sequential, lambda *m: nn.ModuleList(m)], ids=["chain", "list"])
def test_a_refused_change_leaves_a_list_as_it_was(make, change):
    modules = make(nn.ReLU(), nn.Tanh())
    before = list(members(modules))
    with pytest.raises(TypeError, match="expected a module"):
        change(modules)
    assert list(members(modules)) == before


def test_a_refused_update_leaves_a_dict_as_it_was():
    modules = nn.ModuleDict({"a": nn.ReLU()})
    with pytest.raises(TypeError, match="expected a module"):
        modules.update({"b": nn.Tanh(), "c": 3})
    assert list(modules) == ["a"]


@pytest.mark.parametrize("make", [nn.Sequential, lambda *m: nn.ModuleList(m)], ids=["chain", "list"])
def test_lists_of_modules_are_joined_and_lose_modules_like_lists(make):
    a, b, c = nn.ReLU(), nn.Tanh(), nn.Sigmoid()
    modules = make(a, b)
    joined = modules + make(c, a)
    assert type(joined) is type(modules) and list(joined) == [a, b, c, a] and list(modules) == [a, b]
    before = modules
    modules += make(c)
    assert modules is before and list(modules) == [a, b, c]
    modules += modules
    assert list(modules) == [a, b, c, a, b, c] and names(members(modules)) == [str(i) for i in range(6)]
    assert modules.pop(1) is b and modules.pop(-1) is c and list(modules) == [a, c, a, b]
    assert names(members(modules)) == ["0", "1", "2", "3"]
    with pytest.raises(IndexError):
        modules.pop(4)
    with pytest.raises(TypeError):
        modules.pop("0")


def test_a_chain_is_repeated_with_the_same_modules():
    a, b = nn.ReLU(), nn.Tanh()
    chain = nn.Sequential(a, b)
    assert list(chain * 2) == list(2 * chain) == [a, b, a, b] and list(chain * 1) == [a, b]
    before = chain
    chain *= 3
    assert chain is before and list(chain) == [a, b] * 3
    for factor, kind in ((0, ValueError), (-1, ValueError), ("2", TypeError), (2.0, TypeError)):
        with pytest.raises(kind, match=r"Sequential: \* repeats it"):
            chain * factor
    with pytest.raises(ValueError, match=r"\+ joins two of them, got a list: use extend"):
        chain.__add__([a])
    joined = nn.ModuleList([a]) + [b]  # noqa: RUF005
    assert list(joined) == [a, b]


def test_modules_leave_a_dict():
    a, b = nn.ReLU(), nn.Tanh()
    modules = nn.ModuleDict({"a": a, "b": b})
    assert modules.pop("a") is a and list(modules) == ["b"]
    for key in ("a", "training"):
        with pytest.raises(KeyError):
            modules.pop(key)
    modules.clear()
    assert len(modules) == 0 and list(modules.children()) == []
    assert len(nn.ModuleList(None)) == len(nn.ModuleDict(None)) == 0
