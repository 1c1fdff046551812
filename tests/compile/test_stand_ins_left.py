"""What NumPy writes to unseen, what a failed capture leaves behind, and what is checked at each replay."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Refusal, capture
from minigrad.compile.stand_in import OUT


def stepped(change, steps=3):
    """A parameter after steps of an optimiser with this ``change``, captured, and as plain steps."""

    class Own(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        def numbers(self, step, settings, new):
            return [settings["lr"]]

        def change(self, gradient, out, state, numbers, settings):
            change(gradient, out, numbers[0])

    def trained(run):
        weight = nn.Parameter(mg.ones(3))
        optimizer = Own([weight])

        def step(x):
            optimizer.zero_grad()
            (weight * x).sum().backward()
            optimizer.step()

        run(step, mg.tensor([1.0, -1.0, 0.01]), [weight, optimizer])
        return weight.detach().numpy()

    def replayed(step, x, state):
        program, _ = capture(step, x, state=state)
        for _ in range(steps - 1):
            program.run(x)

    return trained(replayed), trained(lambda step, x, _: [step(x) for _ in range(steps)])


def clipped(gradient, out, lr):
    np.multiply(gradient, lr, out)
    np.clip(out, -0.01, 0.01, out)


def rounded(gradient, out, lr):
    np.multiply(gradient, lr, out)
    out.clip(-0.01, 0.01, out)
    np.round(out, 1, out)


def copied_by_name(gradient, out, lr):
    np.copyto(dst=out, src=gradient * lr)


@pytest.mark.parametrize("change", [clipped, rounded, copied_by_name])
def test_what_a_call_writes_to_by_position_is_written_to_at_each_replay(change):
    replayed, plain = stepped(change)
    np.testing.assert_array_equal(replayed, plain)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.nan_to_num(x, copy=False),
        lambda x: np.nan_to_num(x, False),
        lambda x: np.nan_to_num(x[0], copy=False),
        lambda x: np.median(x, overwrite_input=True),
        lambda x: np.clip(x, 0, 1, np.zeros(3)),
    ],
)
def test_what_works_in_place_unseen_is_refused(call):
    with pytest.raises(Refusal, match=r"in place|writes to an array"):
        capture(lambda x: call(x * 1), np.array([1.0, np.nan, 3.0]))


def test_what_may_return_its_operand_is_captured():
    program, _ = capture(lambda x: np.diff(np.squeeze(x.astype(np.float64, copy=False)), 0) + 1, np.zeros(3))
    np.testing.assert_array_equal(program.run(np.ones(3)), np.full(3, 2.0))


# -- what a failed capture leaves behind -------------------------------------------------------


@pytest.mark.parametrize("named", ["nothing", "the model"])
def test_a_forgotten_state_is_named_and_leaves_model_and_optimiser_as_before(named):
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.parameters())
    x = mg.ones(3, 2)

    def step(x):
        model(x).sum().backward()
        optimizer.step()

    with pytest.raises(Refusal, match=r"name it in state="):
        capture(step, x, state=[model] if named == "the model" else [])
    assert model.weight.grad is None
    assert [block.step for blocks in optimizer._blocks for block in blocks] == [0]
    step(x)
    np.testing.assert_array_equal(model.weight.grad.numpy(), [[3, 3]])


def test_gradients_of_constants_alone_are_refused_too():
    weight = nn.Parameter(mg.ones(2))
    with pytest.raises(Refusal, match=r"a leaf \(2,\) .* name it in state="):
        capture(lambda x: [(weight * 2).sum().backward(), x + 1][1], np.ones(2))
    assert weight.grad is None


def test_a_leaf_made_in_the_step_gets_its_gradient():
    def step(x):
        leaf = mg.ones(2, requires_grad=True)
        (leaf * x).sum().backward()
        return leaf.grad

    program, _ = capture(step, mg.ones(2))
    np.testing.assert_array_equal(program.run(mg.full(2, 3.0)).numpy(), [3, 3])


@pytest.mark.parametrize("fails", [ValueError, Refusal, KeyboardInterrupt])
def test_after_any_error_tensors_have_real_arrays(fails):
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(mg.ones(2))

        def forward(self, x):
            self.y = self.w * x
            self.z = (self.w * x).sum()
            self.z.retain_grad()
            self.z.backward()
            raise fails("no")

    model, kept = Keeps(), []
    with pytest.raises(fails):
        capture(lambda x: [kept.append(x), model(x)], mg.ones(2), state=[model])
    if fails is Refusal:
        assert not hasattr(model, "y")
    else:
        np.testing.assert_array_equal(model.y.numpy(), [1, 1])
        np.testing.assert_array_equal(model.w.grad.numpy(), [1, 1])
        np.testing.assert_array_equal(model.z.grad.numpy(), 1)
        with pytest.raises(RuntimeError, match="freed"):
            model.y.sum().backward()
    assert type(kept[0].array) is np.ndarray


# -- what is checked at each replay ------------------------------------------------------------

DERIVED = {
    "reshape": lambda y: y.reshape(-1),
    "a column": lambda y: y[:, 0],
    "long()": lambda y: y.long()[:, 0],
    "computed": lambda y: (y.long() * 1)[:, 0],
}


@pytest.mark.parametrize("name", DERIVED)
def test_targets_derived_from_an_input_are_checked_before_anything_changes(name):
    mg.manual_seed(0)
    model = nn.Linear(2, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x, y):
        optimizer.zero_grad()
        with mg.no_grad():
            model.bias.add_(1)  # before the check in the step, after it in the program
        loss = nn.functional.cross_entropy(model(x), DERIVED[name](y))
        loss.backward()
        optimizer.step()
        return loss

    x = mg.ones(4, 2)
    program, _ = capture(step, x, mg.tensor([[0], [1], [2], [0]]), state=[model, optimizer])
    assert str(program).count("check some_ignored") == str(program).count("check ") - 1  # the other: of settings
    before = [p.numpy().copy() for p in model.parameters()]
    with pytest.raises(ValueError, match="target -1 is no class"):
        program.run(x, mg.tensor([[0], [-1], [2], [0]]))
    for p, array in zip(model.parameters(), before):
        np.testing.assert_array_equal(p.numpy(), array)
    program.run(x, mg.tensor([[2], [1], [2], [0]]))


def test_targets_that_the_step_computes_from_its_state_are_checked_in_place():
    shift = mg.tensor([0])

    def step(x, y):
        loss = nn.functional.cross_entropy(x, y + shift)
        shift.add_(1)
        return loss

    x, y = mg.ones(2, 3), mg.tensor([0, 1])
    program, _ = capture(step, x, y, state=[shift])
    program.run(x, y)
    with pytest.raises(ValueError, match="target 3 is no class"):
        program.run(x, y)


# -- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        round,
        lambda number: round(number, 2),
        math.floor,
        math.ceil,
        math.trunc,
        lambda number: {1.0: 2}[number],
        lambda number: number in {1.0, 2.0},
        lambda number: number.is_integer(),
        lambda number: number.as_integer_ratio(),
        lambda number: number.bit_length(),
    ],
)
def test_what_is_asked_of_a_number_is_refused_with_a_cure(ask):
    with pytest.raises(Refusal, match=r"asks for the value, .* Compute with the tensor itself"):
        capture(lambda x: ask(x.sum().item()), mg.ones(1))


# -- constants ---------------------------------------------------------------------------------


def test_a_table_from_outside_can_be_indexed_with_an_input():
    table, more = mg.tensor([1.0, 2.0, 3.0]), mg.tensor([[1.0, 2.0], [3.0, 4.0]])

    def step(i):
        return table[i], more[i[0], 1:]

    program, first = capture(step, mg.tensor([1, 0]))
    for index, found in [([1, 0], first), ([0, 2], program.run(mg.tensor([0, 2])))]:
        for y, expected in zip(found, step(mg.tensor(index))):
            np.testing.assert_array_equal(y.numpy(), expected.numpy())
    with pytest.raises(Refusal, match="a mask as index"):
        capture(lambda mask: table[mask], mg.tensor([True, False, True]))


@pytest.mark.parametrize("scores", [[[1.0, 2.0, 3.0]], [[3.0, 1.0, 0.5], [0.0, 1.0, 2.0]]])
def test_the_weights_of_a_criterion_outside_of_the_state_are_constants(scores):
    criterion = nn.CrossEntropyLoss(weight=mg.tensor([1.0, 2.0, 4.0]), label_smoothing=0.1)

    def step(x, y):
        loss = criterion(x, y)
        return loss, *mg.grad(loss, x)

    def inputs(*classes):
        return mg.tensor(scores, requires_grad=True), mg.tensor(classes[: len(scores)])

    program, _ = capture(step, *inputs(0, 1))
    for found, expected in zip(program.run(*inputs(2, 0)), step(*inputs(2, 0))):
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-6)


def test_methods_take_out_where_the_table_says():
    for name, place in OUT.items():
        try:
            names = list(inspect.signature(getattr(np.ndarray, name)).parameters)
        except ValueError:  # of older NumPys
            continue
        assert names.index("out") == place
