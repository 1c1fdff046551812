"""Arguments and state are at a replay what they were at the capture, or the replay is refused."""

from __future__ import annotations

import collections
import dataclasses

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Refusal, capture
from minigrad.nn import functional as F

ONE, TWO, THREE = (mg.full(2, float(value)) for value in (1, 2, 3))


def assert_equal(found, *expected):
    np.testing.assert_array_equal(found.detach().numpy(), np.broadcast_to(expected, found.shape))


# -- arguments -----------------------------------------------------------------------------------


def test_items_of_a_dict_go_by_their_keys():
    program, _ = capture(lambda d: d["x"] - d["in"]["y"][0], {"x": THREE, "in": {"z": 1, "y": [ONE]}})
    assert_equal(program.run({"in": {"y": [TWO], "z": 1}, "x": ONE}), -1)


def test_a_tensor_that_is_passed_twice_is_passed_twice_again():
    program, _ = capture(lambda a, d: a * d["b"], TWO, {"b": TWO})
    assert_equal(program.run(THREE, {"b": THREE}), 9)
    with pytest.raises(ValueError, match="argument 1 was the same tensor as argument 0"):
        program.run(TWO, {"b": THREE})


def test_an_argument_that_is_state_stays_the_same_tensor():
    weight = nn.Parameter(TWO.clone())
    program, _ = capture(lambda w: w * 2, weight, state=[weight])
    assert_equal(program.run(weight), 4)
    with pytest.raises(ValueError, match="argument 0 was the same tensor as a tensor of state"):
        program.run(THREE)


# -- what is replaced ----------------------------------------------------------------------------


class Lagged(nn.Module):
    """Keeps its last two inputs."""

    def __init__(self, names):
        for name in names:
            setattr(self, name, nn.Buffer(mg.zeros(2)))

    def forward(self, x):
        self.older = self.last
        self.last = x * 1
        return x + 0


@pytest.mark.parametrize("names", [("last", "older"), ("older", "last")])
def test_buffers_take_over_what_another_one_was(names):
    model = Lagged(names)
    program, _ = capture(model, ONE, state=[model])
    assert_equal(model.last, 1), assert_equal(model.older, 0)
    program.run(TWO)
    assert_equal(model.last, 2), assert_equal(model.older, 1)


def swap(a, b, x):
    a.data, b.data = b.data, a.data


def shift(a, b, x):
    b.data = a.data
    a.data = x * 1


def shift_the_gradient(a, b, x):
    b.grad = a.detach()
    a.data = x * 1


@pytest.mark.parametrize("step", [swap, shift, shift_the_gradient])
@pytest.mark.parametrize("turned", [False, True])
def test_tensors_take_over_what_another_one_was(step, turned):
    captured, eager = ([mg.full(2, 5.0), mg.zeros(2)] for _ in range(2))
    state = captured[::-1] if turned else captured
    program, _ = capture(lambda x: step(*captured, x), ONE, state=state)
    for x, run in ((ONE, None), (TWO, program.run), (THREE, program.run)):
        if run:
            run(x)
        step(*eager, x)
        for found, expected in zip(captured, eager):
            assert_equal(found, *expected.numpy())
            assert (found.grad is None) == (expected.grad is None)
            if expected.grad is not None:
                assert_equal(found.grad, *expected.grad.numpy())


def test_what_is_replaced_and_returned_as_it_was_is_refused():
    weight = mg.ones(2)

    def step(x):
        before = weight.data
        weight.data = x * 1
        return before

    with pytest.raises(Refusal, match="is replaced, and returned as it was before"):
        capture(step, TWO, state=[weight])
    assert_equal(weight, 1)


# -- what is changed by the step, or between two of them -------------------------------------------


class Counting(nn.Module):
    """Has attributes that a step may change."""

    def __init__(self):
        self.layer = nn.Linear(2, 2)
        self.calls, self.seen, self.names, self.scale = 0, [1], {"a"}, (0.5, 2)


CHANGES = {
    "a setting": (lambda m, o: o.param_groups[0].update(lr=0.05), "lr of parameter group 0 of SGD"),
    "a group": (lambda m, o: o.add_param_group({"params": [mg.ones(2)]}), "the list of parameter groups of SGD"),
    "a number": (lambda m, o: setattr(m, "calls", m.calls + 1), "Counting.calls"),
    "a new attribute": (lambda m, o: setattr(m, "new", 1), "Counting.new"),
    "a deleted attribute": (lambda m, o: delattr(m, "calls"), "Counting.calls"),
    "a list": (lambda m, o: m.seen.append(2), "Counting.seen"),
    "a set": (lambda m, o: m.names.add("b"), "Counting.names"),
    "the mode": (lambda m, o: m.layer.eval(), "Linear.training"),
    "requires_grad": (lambda m, o: m.layer.bias.requires_grad_(False), "requires_grad of layer.bias"),
}


def counting():
    """A model, its optimiser, and a step that ends with what is given."""
    mg.manual_seed(0)
    model = Counting()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, then=None):
        optimizer.zero_grad()
        model.layer(x).sum().backward()
        optimizer.step()
        if then is not None:
            then(model, optimizer)

    return model, optimizer, step


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_step_changes_besides_arrays_is_refused_and_put_back(name):
    change, what = CHANGES[name]
    model, optimizer, step = counting()
    before = model.layer.weight.numpy().copy()
    with pytest.raises(Refusal, match=f"{what} is changed by the step"):
        capture(step, mg.ones(1, 2), change, state=[model, optimizer])
    assert_equal(model.layer.weight, *before)
    assert (model.calls, model.seen, model.names, len(optimizer.param_groups)) == (0, [1], {"a"}, 1)
    assert optimizer.param_groups[0]["lr"] == 0.1 and model.layer.training


def test_attributes_may_be_set_to_what_they_were():
    model, optimizer, step = counting()

    def change(model, optimizer):
        model.eval()
        model.train()
        model.scale, optimizer.param_groups[0]["lr"] = (1 / 2, 2), 1 / 10

    program, _ = capture(step, mg.ones(1, 2), change, state=[model, optimizer])
    before = model.layer.weight.numpy().copy()
    program.run(mg.ones(1, 2), change)
    assert_equal(model.layer.weight, *(before - 0.1))  # the gradient is the input, 1


SWITCHES = {
    "the mode": (lambda m, o: m.eval(), "training of Counting was True"),
    "the mode of a layer": (lambda m, o: m.layer.eval(), "training of Linear was True"),
    "requires_grad": (lambda m, o: m.layer.bias.requires_grad_(False), "requires_grad of layer.bias was True"),
    "a group": (lambda m, o: o.add_param_group({"params": [mg.ones(2)]}), "with 1 parameter groups, and there are 2"),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_what_is_switched_between_steps_is_refused_before_anything_changes(name):
    switch, message = SWITCHES[name]
    model, optimizer, step = counting()
    program, _ = capture(step, mg.ones(1, 2), state=[model, optimizer])
    switch(model, optimizer)
    before = model.layer.weight.numpy().copy()
    with pytest.raises(ValueError, match=f"{message}.*capture it again"):
        program.run(mg.ones(1, 2))
    assert_equal(model.layer.weight, *before)


# -- gradients that were None --------------------------------------------------------------------


def backward_only(weight, x):
    (weight * x).sum().backward()


def forget_afterwards(weight, x):
    backward_only(weight, x)
    total = weight.grad * 1
    weight.grad = None
    return total


def forget_by_an_optimiser_afterwards(weight, x):
    backward_only(weight, x)
    total = weight.grad * 1
    optim.SGD([weight], lr=0.1).zero_grad()
    return total


@pytest.mark.parametrize("step", [backward_only, forget_afterwards, forget_by_an_optimiser_afterwards])
def test_a_gradient_that_the_step_would_add_to_is_refused(step):
    weight = nn.Parameter(mg.ones(2))
    program, _ = capture(lambda x: step(weight, x), TWO, state=[weight])
    weight.grad = None
    program.run(THREE)
    weight.grad = ONE.clone()
    with pytest.raises(ValueError, match=r"tensor\.grad was None when the step was captured, and the step adds to it"):
        program.run(THREE)
    assert_equal(weight.grad, 1)


def forget_by_hand(weight, x):
    weight.grad = None
    backward_only(weight, x)


def assign(weight, x):
    weight.grad = x * 1


def forget_by_an_optimiser(weight, x):
    optim.SGD([weight], lr=0.1).zero_grad()
    backward_only(weight, x)


@pytest.mark.parametrize("step", [forget_by_hand, assign, forget_by_an_optimiser])
def test_a_gradient_that_the_step_forgets_first_may_be_there(step):
    weight = nn.Parameter(mg.ones(2))
    program, _ = capture(lambda x: step(weight, x), TWO, state=[weight])
    program.run(THREE)
    assert_equal(weight.grad, 3)


def test_a_gradient_that_the_step_does_not_touch_may_be_there():
    weight = nn.Parameter(mg.ones(2))
    program, _ = capture(lambda x: weight * x, TWO, state=[weight])
    weight.grad = ONE.clone()
    assert_equal(program.run(THREE), 3)
    assert_equal(weight.grad, 1)


# -- arguments that are no arrays ------------------------------------------------------------------


class Batch:
    """An object with a tensor, which a program would read as it was."""

    def __init__(self):
        self.x = mg.ones(2)

    def __call__(self):
        return self.x


@pytest.mark.parametrize("kind", [Batch, set, lambda: (i for i in "ab"), bytearray])
def test_an_object_as_an_argument_is_refused(kind):
    with pytest.raises(TypeError, match=r"argument 1 is .*: a step takes tensors, arrays, numbers"):
        capture(lambda x, other: x * 1, ONE, kind())


@pytest.mark.parametrize("value", [2, 2.5, True, "mean", None, (1, "a"), slice(None, 2), np.float32(2), np.dtype("f4")])
def test_plain_arguments_must_be_equal(value):
    program, _ = capture(lambda x, other: x * 1, ONE, [value])
    assert_equal(program.run(TWO, [value]), 2)
    with pytest.raises((ValueError, TypeError), match=r"capture the step again|has not the items"):
        program.run(TWO, [3.0])


@pytest.mark.parametrize(("before", "now"), [(2, 2.0), (1, True), (2, ONE), ("a", TWO), (nn.Linear(2, 2), ONE)])
def test_arguments_of_another_kind_are_refused(before, now):
    program, _ = capture(lambda x, other: x * 1, ONE, before)
    with pytest.raises(ValueError, match=r"argument 1 was .* and is .*: capture the step again"):
        program.run(TWO, now)


def test_modules_optimisers_and_functions_may_be_arguments():
    model, optimizer, _ = counting()
    arguments = model, optimizer, nn.functional.relu, np.random.default_rng(0)
    program, _ = capture(lambda x, *others: x * 1, ONE, *arguments, state=[model, optimizer])
    assert_equal(program.run(TWO, *arguments), 2)
    with pytest.raises(ValueError, match="argument 1 was Counting"):
        program.run(TWO, Counting(), *arguments[1:])


def test_a_tensor_outside_of_the_state_that_has_got_other_memory_is_refused():
    layer, factor = nn.Linear(2, 2), mg.ones(2)
    program, _ = capture(lambda x: layer(x) * factor, mg.ones(1, 2))
    factor.fill_(0)
    assert_equal(program.run(mg.ones(1, 2)), 0)
    for tensor in (layer.weight, factor):
        before = tensor.data
        tensor.data = before * 2
        with pytest.raises(ValueError, match="has got other memory since it was captured"):
            program.run(mg.ones(1, 2))
        tensor.data = before


# -- dataclasses ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Batch:
    x: mg.Tensor
    scale: float = 1.0


@dataclasses.dataclass
class Output:
    loss: mg.Tensor
    parts: dict[str, mg.Tensor]
    count: int = dataclasses.field(init=False, default=3)


def test_a_dataclass_is_an_argument_and_a_result_like_a_dict():
    step = mg.compile(
        lambda b: Output((b.x * b.scale).sum(), {"double of x": 2 * b.x, "half": b.x / 2}), backend="numpy"
    )
    for batch in (Batch(ONE), Batch(TWO), Batch(THREE), Batch(TWO, 5.0)):
        result = step(batch)
        value = batch.x[0].item()
        assert type(result) is Output and result.count == 3
        assert result.loss.item() == 2 * value * batch.scale
        assert_equal(result.parts["double of x"], 2 * value)
    assert len(step.programs) == 2
    names = {**step.given, "b_x": np.ones(2, np.float32)}
    exec(step.source, names)
    assert names["returned"].keys() == {"loss", "parts", "count"} and names["returned"]["loss"] == 10


def test_the_program_of_a_dataclass_wants_one_like_it():
    program, _ = capture(lambda b: b.x * b.scale, Batch(ONE, 2.0))
    assert_equal(program.run(Batch(THREE, 2.0)), 6)
    with pytest.raises(ValueError, match=r"argument 1 was 2.0 and is 3.0"):
        program.run(Batch(THREE, 3.0))


@pytest.mark.parametrize("kind", [collections.OrderedDict, lambda **items: collections.defaultdict(list, **items)])
def test_a_dict_that_is_returned_has_its_class(kind):
    step = mg.compile(lambda x: kind(double=2 * x), backend="numpy")
    for _ in range(3):
        result = step(TWO)
        assert type(result) is type(kind())
        assert_equal(result["double"], 4)


def test_a_capture_is_as_silent_as_a_replay():
    model = nn.Linear(3, 2)

    @mg.compile(backend="numpy")
    def step(x, target):
        model.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        return loss

    assert all(np.isnan(step(mg.zeros(0, 3), mg.zeros(0, dtype=mg.int64)).item()) for _ in range(3))
