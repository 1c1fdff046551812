"""States of schedules that PyTorch 2.14.1 saved after three epochs: the schedule goes on where they were taken."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

lrs = optim.lr_scheduler


def state(rate, **settings):
    """What PyTorch saves of a schedule, with the keys of its own that mean nothing here."""
    private = {"_step_count": 4, "_is_initial": False, "_get_lr_called_within_step": False}
    return {**settings, "base_lrs": [1.0], "last_epoch": 3, **private, "_last_lr": [rate]}


CONSTANT = {"factor": 1 / 3, "total_iters": 5}
PHASES = [
    {"end_step": 3.5, "start_lr": "initial_lr", "end_lr": "max_lr", "start_momentum": "max_momentum",
     "end_momentum": "base_momentum"},
    {"end_step": 14, "start_lr": "max_lr", "end_lr": "min_lr", "start_momentum": "base_momentum",
     "end_momentum": "max_momentum"},
]  # fmt: skip

STATES = {
    "LambdaLR": (lambda o: lrs.LambdaLR(o, lambda e: 1 / (1 + e)), state(0.25, lr_lambdas=[None])),
    "MultiplicativeLR": (lambda o: lrs.MultiplicativeLR(o, lambda e: 0.9), state(0.729, lr_lambdas=[None])),
    "StepLR": (lambda o: lrs.StepLR(o, 2), state(0.1, step_size=2, gamma=0.1)),
    "MultiStepLR": (
        lambda o: lrs.MultiStepLR(o, [2, 4, 4, 6]), state(0.1, milestones=Counter({4: 2, 2: 1, 6: 1}), gamma=0.1),
    ),
    "ConstantLR": (lrs.ConstantLR, state(1 / 3, **CONSTANT)),
    "LinearLR": (lrs.LinearLR, state(0.7333333333333335, start_factor=1 / 3, end_factor=1.0, total_iters=5)),
    "ExponentialLR": (lambda o: lrs.ExponentialLR(o, 0.9), state(0.729, gamma=0.9)),
    "PolynomialLR": (lrs.PolynomialLR, state(0.4, total_iters=5, power=1.0)),
    "CosineAnnealingLR": (lambda o: lrs.CosineAnnealingLR(o, 5), state(0.3454915028125263, T_max=5, eta_min=0.0)),
    "CosineAnnealingWarmRestarts": (
        lambda o: lrs.CosineAnnealingWarmRestarts(o, 5),
        state(0.34549150281252633, T_0=5, T_i=5, T_mult=1, eta_min=0.0, T_cur=3) | {"_step_count": 0},
    ),
    "CyclicLR": (
        lambda o: lrs.CyclicLR(o, 0.1, 1, 3),
        state(1.0, max_lrs=[1], total_size=6.0, step_ratio=0.5, mode="triangular", gamma=1.0, scale_mode="cycle",
              cycle_momentum=True, use_beta1=False, base_momentums=[0.8], max_momentums=[0.9], _scale_fn_custom=None)
        | {"base_lrs": [0.1]},
    ),
    "OneCycleLR": (
        lambda o: lrs.OneCycleLR(o, 1, total_steps=15),
        state(0.9524650565931612, total_steps=15, _schedule_phases=PHASES, _anneal_func_type="cos",
              cycle_momentum=True, use_beta1=False) | {"base_lrs": [0.04]},
    ),
    "SequentialLR": (
        lambda o: lrs.SequentialLR(o, [lrs.ConstantLR(o), lrs.ExponentialLR(o, 0.9)], [5]),
        {"_milestones": [5], "last_epoch": 3, "_last_lr": [1 / 3], "_schedulers": [
            state(1 / 3, **CONSTANT), state(1 / 3, gamma=0.9) | {"last_epoch": -1, "_step_count": 1}]},
    ),
    "ChainedScheduler": (
        lambda o: lrs.ChainedScheduler([lrs.ConstantLR(o), lrs.ExponentialLR(o, 0.9)]),
        {"_last_lr": [0.243], "_schedulers": [state(0.27, **CONSTANT), state(0.243, gamma=0.9)]},
    ),
    "SWALR": (
        lambda o: optim.swa_utils.SWALR(o, 0.1), state(0.8145033635316129, _anneal_strategy="cos", anneal_epochs=10),
    ),
}  # fmt: skip


def made(name):
    return STATES[name][0](optim.SGD([nn.Parameter([1.0])], lr=1.0, momentum=0.9))


def follow(scheduler, steps):
    """The rates and the momentum after each of some steps."""
    rows = []
    for _ in range(steps):
        scheduler.optimizer.step()
        scheduler.step()
        (group,) = scheduler.optimizer.param_groups
        rows.append((group["lr"], group["momentum"]))
    return rows


def loaded(name, saved):
    """A new schedule with this state, and the rate that belongs to it, which the optimiser's state has."""
    scheduler = made(name)
    scheduler.load_state_dict(copy.deepcopy(saved))
    scheduler.optimizer.param_groups[0]["lr"] = saved["_last_lr"][0]
    return scheduler


@pytest.mark.parametrize("name", STATES)
def test_a_schedule_of_pytorchs_goes_on(name):
    right = made(name)
    follow(right, 3)
    scheduler = loaded(name, STATES[name][1])
    assert scheduler.last_epoch == 3
    np.testing.assert_allclose(scheduler.get_last_lr(), right.get_last_lr(), rtol=1e-12)
    np.testing.assert_allclose(follow(scheduler, 6), follow(right, 6), rtol=1e-12, atol=1e-15)


def test_a_plateau_of_pytorchs_goes_on():
    scheduler = lrs.ReduceLROnPlateau(optim.SGD([nn.Parameter([1.0])], lr=0.1), patience=1)
    scheduler.load_state_dict({
        "factor": 0.1, "default_min_lr": 0, "min_lrs": [0], "patience": 1, "cooldown": 0, "eps": 1e-08,
        "last_epoch": 3, "_last_lr": [0.1], "mode_worse": float("inf"), "mode": "min", "threshold": 0.0001,
        "threshold_mode": "rel", "best": 1.0, "cooldown_counter": 0, "num_bad_epochs": 1,
    })  # fmt: skip
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [pytest.approx(0.01)] and scheduler.last_epoch == 4


@pytest.mark.parametrize("name", STATES)
def test_a_state_that_lacks_something_changes_nothing(name):
    saved = copy.deepcopy(STATES[name][1])
    del (saved["_schedulers"][1] if "_schedulers" in saved else saved)["_last_lr"]
    scheduler = made(name)
    before = copy.deepcopy(scheduler.state_dict())
    with pytest.raises(ValueError, match="this is not the state of such a schedule: it has no _last_lr"):
        scheduler.load_state_dict(saved)
    assert scheduler.state_dict() == before


def test_milestones_of_files_and_of_older_states(tmp_path):
    right = made("MultiStepLR")
    follow(right, 3)
    mg.save(right.state_dict(), tmp_path / "state")
    older = {**right.state_dict(), "milestones": [2, 4, 4, 6], "_optimizer_steps": 3}
    for saved in (mg.load(tmp_path / "state"), older):
        scheduler = loaded("MultiStepLR", saved)
        assert scheduler.milestones == Counter([2, 4, 4, 6])
        np.testing.assert_allclose(follow(scheduler, 4)[-1][0], 1e-4, rtol=1e-12)
