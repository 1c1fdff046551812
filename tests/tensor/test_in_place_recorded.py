"""In-place operations in a graph are recorded, with the gradient of their twin."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.changes import (
    OTHER,
    SAVES_NOTHING,
    SAVES_OPERAND,
    SAVES_OUTPUT,
    START,
    add_to_element,
    imul,
    leaf,
    set_element,
    set_row,
)


def adopted(tensor):
    """The tensor, which a parameter looks at, too."""
    mg.nn.Parameter(tensor, requires_grad=False)
    return tensor


def chain_add(y, x):
    y += 1
    y += x
    return y


def chain_sub(y, x):
    y -= x * 2
    y.sub_(x, alpha=3)
    return y


def chain_mul(y, x):
    y *= x
    y.mul_(2.5)
    return y


def chain_div(y, x):
    y /= x + 1
    y.div_(4)
    return y


def with_itself(y, x):
    y += y
    y *= y
    y /= y + 1
    return y


def mixed(y, x):
    y.add_(x, alpha=-0.5)
    y *= mg.exp(y)
    y -= OTHER
    y += [1.0, 2.0, 3.0]
    return y


def broadcast(y, x):
    y += x[0]
    y *= x.sum()
    return y


def used_before(y, x):
    square = y * y
    y += 1
    return square * y


def used_before_and_saved_by_output(y, x):
    e = mg.exp(y)
    kept = e * 1.0
    e *= 2
    y -= 1
    return e * kept * y


def out_of_place(function):
    """The twin of a function above, whose changes are replaced by new tensors."""
    twins = {
        chain_add: lambda y, x: y + 1 + x,
        chain_sub: lambda y, x: y - x * 2 - 3 * x,
        chain_mul: lambda y, x: y * x * 2.5,
        chain_div: lambda y, x: y / (x + 1) / 4,
        with_itself: lambda y, x: (2 * y) ** 2 / ((2 * y) ** 2 + 1),
        mixed: lambda y, x: (z := y - 0.5 * x) * mg.exp(z) - OTHER + mg.tensor([1.0, 2.0, 3.0]),
        broadcast: lambda y, x: (y + x[0]) * x.sum(),
        used_before: lambda y, x: y * y * (y + 1),
        used_before_and_saved_by_output: lambda y, x: 2 * mg.exp(y) * mg.exp(y) * (y - 1),
    }
    return twins[function]


RECORDED = [
    chain_add, chain_sub, chain_mul, chain_div, with_itself, mixed, broadcast, used_before,
    used_before_and_saved_by_output,
]  # fmt: skip


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("function", RECORDED)
def test_recorded_changes_equal_their_twin_out_of_place(function, create_graph):
    found = []
    for version in (function, out_of_place(function)):
        x = leaf()
        y = version(mg.sin(x), x)
        (dx,) = mg.grad((y * OTHER).sum(), x, create_graph=create_graph)
        found.append([y, dx])
        if create_graph:
            found[-1] += mg.grad((dx * dx).sum(), x)
    for one, other in zip(*found):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-12)


def test_another_name_of_a_changed_tensor_sees_the_change():
    x = leaf()
    y = x * 2
    z = y
    y += x
    assert z is y
    np.testing.assert_array_equal(z.numpy(), 3 * START)
    (z * z).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 18 * START)


def test_a_constant_takes_a_value_that_requires_grad():
    x, total = leaf(), mg.zeros(2, 3, dtype=np.float64)
    for _ in range(3):
        total += x * x
    assert total.requires_grad
    total.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 6 * START)


def test_a_recorded_change_makes_the_tensor_a_result():
    x = leaf()
    y = x * 2
    y += 1
    assert y.grad_fn.op.name == "add"
    assert y.grad_fn.output() is y
    (dy,) = mg.grad((y * y).sum(), y)
    np.testing.assert_array_equal(dy.numpy(), 2 * (2 * START + 1))


def test_a_change_after_a_recorded_change_is_noticed():
    x, w = leaf(), leaf(OTHER)
    y = x * 1.0
    y /= w
    with mg.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="div: its output, was changed in place"):
        y.sum().backward()


def test_a_change_after_a_recorded_change_leaves_the_older_value():
    x = leaf()
    y = x * 2
    square = y * y
    y += 1
    with mg.no_grad():
        y.zero_()
    square.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 8 * START)


def test_a_retained_gradient_is_that_of_the_changed_tensor():
    x = leaf()
    y = x * 2
    y.retain_grad()
    y *= 5
    (y * 3).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), np.full((2, 3), 3.0))
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 30.0))


def test_hooks_stay_with_the_value_they_were_put_on():
    x = leaf()
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y *= 5
    y.sum().backward()
    assert seen == [[[5.0] * 3] * 2]


REFUSALS = [
    ("leaf", lambda x: x.add_(1), r"add in place: \(2, 3\) float64 is a leaf that requires grad.*no_grad\(\)"),
    ("leaf operator", lambda x: imul(x), r"mul in place: .* is a leaf"),
    ("setting", lambda x: set_element(x), r"setting elements: \(2, 3\) float64 is a leaf that requires grad"),
    ("setting a row", lambda x: set_row(x), "setting elements: .* is a leaf"),
    ("setting by +=", lambda x: add_to_element(x), "add in place: .* is a view of a leaf"),
    ("zero_", lambda x: x.zero_(), "zero_: .* is a leaf"),
    ("fill_", lambda x: x.fill_(1), "fill_: .* is a leaf"),
    ("copy_", lambda x: x.copy_(OTHER), "copy_: .* is a leaf"),
    ("view of a leaf", lambda x: x.T.mul_(2), r"mul in place: \(2, 3\) float64 is a view of a leaf that requires grad"),
    ("view of a leaf set", lambda x: x[0].copy_(x[1] * 2), "copy_: .* is a view of a leaf"),
    ("detached", lambda x: (y := x * 2, y.detach().add_(x)), r"add in place: .* shares its memory.*x\.clone\(\)"),
    ("tensor in a parameter", lambda x: adopted(mg.zeros(2, 3)).add_(x), "shares its memory"),
    ("copy of a tensor", lambda x: (c := mg.zeros(2, 3), copy.copy(c).add_(x)), "shares its memory"),
    ("integers set", lambda x: mg.arange(3).__setitem__(0, x[0, 0]), "setting elements: .* holds no floats"),
    (
        "mask of another shape",
        lambda x: (x * 1).__setitem__(mg.ones(3) > 0, 1.0),
        "setting elements: .* cannot take 1.0",
    ),
    (
        "value of another shape",
        lambda x: (x * 1).__setitem__(0, x),
        r"setting elements: .* cannot take \(2, 3\) float64",
    ),
    ("expanded", lambda x: (x[0] * 1).expand(4, 3).__setitem__(0, x[0]), r"read-only.*x\.clone\(\)"),
    ("a list of tensors", lambda x: (x * 1).__setitem__(0, [x[0, 0], 1.0, 2.0]), r"mg\.stack"),
    ("the caller's array", lambda x: mg.from_numpy(np.ones((2, 3))).add_(x), "shares its memory with another"),
    ("shape", lambda x: (x[0] * 2).add_(x), r"\(3,\) float64 cannot become \(2, 3\) float64"),
    ("integers", lambda x: mg.arange(3).add_(x[0]), "int64 cannot become"),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_what_cannot_be_recorded_is_refused(change, words):
    x = leaf()
    with pytest.raises(RuntimeError, match=words):
        change(x)
    np.testing.assert_array_equal(x.numpy(), START)


@pytest.mark.parametrize("index", [[1, 0], np.array([[True, False, True]] * 2), (slice(None), [2, 0])])
def test_an_index_that_copies_may_be_changed(index):
    x = leaf()
    y = x[index]
    y *= 2
    with mg.no_grad():
        x[index].zero_()
    np.testing.assert_array_equal(x.numpy(), START)
    y.sum().backward()
    expected = np.zeros((2, 3))
    expected[index] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize("name", [*SAVES_OPERAND, *SAVES_OUTPUT, *SAVES_NOTHING])
def test_only_views_share_the_memory_of_their_operand(name):
    x = leaf()
    y = {**SAVES_OPERAND, **SAVES_OUTPUT, **SAVES_NOTHING}[name](x)
    assert np.shares_memory(x.array, y.array) == (y.memory is x.memory) == (name in ("reshape", "index"))


def test_a_refused_change_changes_nothing():
    for t, change in [
        (mg.arange(3), lambda t: t.add_(1.5)),
        (mg.arange(3), lambda t: t.div_(2)),
        (mg.zeros(3), lambda t: t.add_(mg.ones(2, 3))),
        (mg.zeros(3), lambda t: t.add_("a")),
        (mg.zeros(3), lambda t: t.copy_(mg.ones(4))),
        (mg.zeros(3), lambda t: t.fill_(None)),
        (mg.zeros(3), lambda t: t.fill_("3")),
        (mg.zeros(3), lambda t: t.__setitem__(0, 1j)),
        (mg.zeros(3), lambda t: t.__setitem__(slice(2), [1.0, 2.0, 3.0])),
    ]:
        before = t.tolist()
        with pytest.raises((TypeError, ValueError), match=r"\(3,\) (int64|float32) cannot take |applied to \(3,\)"):
            change(t)
        assert t.tolist() == before


def test_powers_and_masks_change_the_tensor_itself():
    p = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    same = p
    with mg.no_grad():
        p **= 2
        p.pow_(2)
    assert same is p and p.tolist() == [1, 16, 81]
    mask = mg.tensor([True, True, False])
    same = mask
    mask &= mg.tensor([True, False, False])
    assert same is mask and mask.tolist() == [True, False, False]
    mask |= mg.tensor([False, False, True])
    assert same is mask and mask.tolist() == [True, False, True]


def test_a_recorded_power_in_place_has_the_gradient_of_the_power():
    x = mg.tensor(np.array([1.0, 2.0, 3.0]), requires_grad=True)
    y = x * 1
    y **= 3
    y.sum().backward()
    assert x.grad.tolist() == [3, 12, 27]


def test_numbers_of_a_vector_change_places():
    x = mg.tensor([1.0, 2.0, 3.0])
    x[0], x[1] = x[1], x[0]
    assert x.tolist() == [2, 1, 3]


def test_a_number_taken_out_of_a_vector_keeps_its_value():
    x = mg.tensor([5.0, 6.0])
    kept = x[0]
    x[0] = 9.0
    assert (kept.item(), x.tolist()) == (5, [9, 6])


def test_a_recorded_change_keeps_the_dtype():
    x = leaf()
    y = mg.ones(2, 3).add_(x)
    assert y.dtype == mg.float32 and y.tolist() == np.float32(1 + START).tolist()
    y.backward(mg.full((2, 3), 2.0))
    np.testing.assert_array_equal(x.grad.numpy(), np.full((2, 3), 2.0))
