"""Whole steps of all kinds of nets, losses and optimisers as C: as eager trains, one batch after the other."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.compile import capture
from minigrad.compile.passes import improved
from tests.compile.native.programs import built, run
from tests.compile.nets import LOSSES, NETS, OPTIMIZERS, batch, training

KINDS = {
    **{f"net: {name}": (name,) for name in NETS},
    **{f"loss: {name}": ("layer norm", name) for name in LOSSES},
    **{f"optimiser: {name}": ("layer norm", "mse", name) for name in OPTIMIZERS},
}


@functools.cache
def prepared():
    """For each kind of training the same twice, one of them captured and built, after two steps."""
    found, programs = {}, []
    for name, kind in KINDS.items():
        captured, eager = training(*kind), training(*kind)
        random = mg.get_rng_state()
        for each in (captured, eager):
            mg.set_rng_state(random)
            each.step(*batch(kind[0], 0))
        random = mg.get_rng_state()
        program, _ = capture(captured.step, *batch(kind[0], 1), state=[captured.model, captured.optimizer])
        mg.set_rng_state(random)
        eager.step(*batch(kind[0], 1))
        found[name] = captured, eager
        programs.append(improved(program))
    return {name: (*found[name], execution) for name, execution in zip(KINDS, built(programs, "-O0"))}


@pytest.mark.parametrize("name", KINDS)
def test_a_net_trains_in_c_as_in_eager(name):
    captured, eager, execution = prepared()[name]
    net = KINDS[name][0]
    assert all(call in execution.lowered.effects for call in execution.written.calls)  # Python's are checks only
    for i in range(2, 6):
        state = mg.get_rng_state()
        expected = eager.step(*batch(net, i))
        mg.set_rng_state(state)
        (found,) = run(execution, *batch(net, i))
        np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    for p, q in zip(captured.model.state_dict().values(), eager.model.state_dict().values()):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-3, atol=1e-4)


CHANGES = {
    "train": lambda t: t.model.train(),
    "eval": lambda t: t.model.eval(),
    "freeze": lambda t: t.model[0].requires_grad_(False),
    "thaw": lambda t: t.model.requires_grad_(True),
    "momentum": lambda t: t.optimizer.param_groups[0].update(momentum=0.5),
    "nothing": lambda t: None,
}


@pytest.mark.slow
@pytest.mark.parametrize("net", NETS)
@pytest.mark.filterwarnings("ignore:.*more than 8 programs:minigrad.compile.CompileWarning")
@pytest.mark.usefixtures("gcc")
def test_any_sequence_of_changes_is_as_in_eager(net):
    ours, eager = training(net), training(net)
    schedules = [optim.lr_scheduler.OneCycleLR(t.optimizer, 0.1, total_steps=60) for t in (ours, eager)]
    step, choose = mg.compile(ours.step, backend="c"), np.random.default_rng(len(net))
    for i in range(30):
        change, rows = CHANGES[str(choose.choice(list(CHANGES)))], int(choose.choice([8, 8, 8, 5]))
        random, losses = mg.get_rng_state(), []
        for each, call in ((ours, step), (eager, eager.step)):
            mg.set_rng_state(random)
            if i % 4 == 0:
                change(each)
            losses.append(call(*batch(net, i, rows)).detach().numpy())
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3, atol=1e-4, err_msg=f"call {i}")
        for schedule in schedules:
            schedule.step()
    for p, q in zip(ours.model.state_dict().values(), eager.model.state_dict().values()):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-2, atol=1e-3)
