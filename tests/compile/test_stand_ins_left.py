"""What NumPy writes to unseen, what a failed capture leaves behind, and what is checked at each replay."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Refusal, capture


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
