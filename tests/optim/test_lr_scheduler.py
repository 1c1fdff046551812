"""Schedules against closed formulas and PyTorch's corners."""

import copy
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler as lrs

BASES = [0.1, 0.3]


def made(rates=BASES, kind=optim.SGD, **settings):
    groups = [{"params": [nn.Parameter([1.0])], "lr": rate} for rate in rates]
    optimizer = kind(groups, **settings)
    for group in optimizer.param_groups:
        group["params"][0].grad = mg.ones(1)
    return optimizer


def rates_of(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def follow(scheduler, steps):
    rows = [rates_of(scheduler.optimizer)]
    for _ in range(steps):
        scheduler.optimizer.step()
        scheduler.step()
        rows.append(rates_of(scheduler.optimizer))
    return np.array(rows)


def restarts(epoch, length=3, factor=2):
    while epoch >= length:
        epoch, length = epoch - length, length * factor
    return (1 + math.cos(math.pi * epoch / length)) / 2


CLOSED = {
    "LambdaLR": (lambda o: lrs.LambdaLR(o, lambda e: 1 / (1 + e)), lambda e: 1 / (1 + e)),
    "MultiplicativeLR": (lambda o: lrs.MultiplicativeLR(o, lambda e: 0.9 - 0.01 * e),
                         lambda e: math.prod(0.9 - 0.01 * i for i in range(1, e + 1))),
    "StepLR": (lambda o: lrs.StepLR(o, 3, 0.5), lambda e: 0.5 ** (e // 3)),
    "MultiStepLR": (lambda o: lrs.MultiStepLR(o, [7, 2, 2], 0.1), lambda e: 0.1 ** (2 * (e >= 2) + (e >= 7))),
    "ConstantLR": (lambda o: lrs.ConstantLR(o, 0.25, 4), lambda e: 0.25 if e < 4 else 1),
    "LinearLR": (lambda o: lrs.LinearLR(o, 0.2, 0.8, 6), lambda e: 0.2 + 0.1 * min(e, 6)),
    "ExponentialLR": (lambda o: lrs.ExponentialLR(o, 0.8), lambda e: 0.8**e),
    "PolynomialLR": (lambda o: lrs.PolynomialLR(o, 9, 2), lambda e: (1 - min(e, 9) / 9) ** 2),
    "CosineAnnealingLR": (lambda o: lrs.CosineAnnealingLR(o, 5), lambda e: (1 + math.cos(math.pi * e / 5)) / 2),
    "CosineAnnealingWarmRestarts": (lambda o: lrs.CosineAnnealingWarmRestarts(o, 3, 2), restarts),
}  # fmt: skip

every_closed = pytest.mark.parametrize("name", CLOSED)


@every_closed
def test_rates_follow_the_formula(name):
    make, factor = CLOSED[name]
    rows = follow(make(made()), 16)
    np.testing.assert_allclose(rows, np.outer([factor(e) for e in range(17)], BASES), rtol=1e-12, atol=1e-15)


@every_closed
def test_an_epoch_that_is_given_is_gone_to(name):
    if name == "MultiplicativeLR":
        pytest.skip("its rate depends on the way")
    make, factor = CLOSED[name]
    scheduler = make(made())
    for epoch in (5, 0, 11, 3):
        scheduler.step(epoch)
        np.testing.assert_allclose(rates_of(scheduler.optimizer), np.multiply(factor(epoch), BASES), atol=1e-15)


CYCLES = {
    "CyclicLR": lambda o: lrs.CyclicLR(o, 0.01, 0.1, 3, 2, base_momentum=0.5),
    "triangular2": lambda o: lrs.CyclicLR(o, 0.01, 0.1, 2, mode="triangular2", cycle_momentum=False),
    "OneCycleLR": lambda o: lrs.OneCycleLR(o, 0.1, total_steps=20),
    "SequentialLR": lambda o: lrs.SequentialLR(o, [lrs.ConstantLR(o, 0.1, 2), lrs.ExponentialLR(o, 0.9)], [2]),
    "ChainedScheduler": lambda o: lrs.ChainedScheduler([lrs.ConstantLR(o, 0.1, 2), lrs.ExponentialLR(o, 0.9)]),
}

ALL = {**{name: make for name, (make, _) in CLOSED.items()}, **CYCLES}


@pytest.mark.parametrize("name", ALL)
def test_a_saved_schedule_goes_on(name, tmp_path):
    first, second = (ALL[name](made(momentum=0.9)) for _ in range(2))
    follow(first, 4)
    mg.save({"schedule": first.state_dict(), "optimizer": first.optimizer.state_dict()}, tmp_path / "state")
    state = mg.load(tmp_path / "state")
    second.optimizer.load_state_dict(state["optimizer"])
    second.load_state_dict(state["schedule"])
    assert second.get_last_lr() == first.get_last_lr() and second.last_epoch == first.last_epoch
    np.testing.assert_array_equal(follow(second, 9), follow(first, 9))
    with pytest.raises(ValueError, match="is not the state of such a schedule"):
        second.load_state_dict({"last_epoch": 3})


def test_one_cycle_is_pytorchs_and_stays_down_at_its_end():
    optimizer = made([0.5], optim.Adam)
    scheduler = lrs.OneCycleLR(optimizer, 0.1, total_steps=10)
    rows = follow(scheduler, 10)[:, 0]
    np.testing.assert_allclose(rows[[0, 1, 2, 9, 10]], [0.004, 0.052, 0.1, 4e-7, 4e-7], rtol=1e-9)
    assert optimizer.param_groups[0]["betas"][0] == pytest.approx(0.95)
    with pytest.raises(ValueError, match="11 steps of 10: the cycle has ended"):
        scheduler.step()


def test_momentum_goes_the_other_way():
    optimizer = made([0.5], momentum=0.3)
    scheduler = lrs.CyclicLR(optimizer, 0.01, 0.1, 2, base_momentum=0.6)
    seen = []
    for _ in range(5):
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(seen, [(0.01, 0.9), (0.055, 0.75), (0.1, 0.6), (0.055, 0.75), (0.01, 0.9)])
    with pytest.raises(ValueError, match="no momentum to cycle: pass cycle_momentum=False"):
        lrs.CyclicLR(made(kind=optim.Adagrad), 0.01, 0.1)


def test_schedules_in_turn_and_at_once():
    first, second = made([1.0]), made([1.0])
    np.testing.assert_allclose(follow(CYCLES["SequentialLR"](first), 5)[:, 0], [0.1, 0.1, 1, 0.9, 0.81, 0.729])
    np.testing.assert_allclose(follow(CYCLES["ChainedScheduler"](second), 3)[:, 0], [0.1, 0.09, 0.81, 0.729])


def test_fractions_of_epochs():
    scheduler = lrs.CosineAnnealingWarmRestarts(made([1.0]), 1, 2)
    for epoch, rate in [(0.5, 0.5), (3, 1), (4, 0.8535534)]:
        scheduler.step(epoch)
        assert rates_of(scheduler.optimizer) == [pytest.approx(rate)]


def test_a_rate_set_by_hand_goes_on_where_rates_are_multiplied():
    multiplied, computed = lrs.ExponentialLR(made([1.0]), 0.9), lrs.LambdaLR(made([1.0]), lambda e: 0.9**e)
    for scheduler in (multiplied, computed):
        scheduler.optimizer.param_groups[0]["lr"] = 5.0
        scheduler.optimizer.step()
        scheduler.step()
    assert rates_of(multiplied.optimizer) == [4.5] and rates_of(computed.optimizer) == [0.9]


@pytest.mark.parametrize("name", ALL)
def test_a_group_that_is_added_later_never_exceeds_the_rate_it_asked_for(name):
    scheduler = ALL[name](made(momentum=0.9))
    follow(scheduler, 1)
    late = nn.Parameter([1.0])
    late.grad = mg.ones(1)
    scheduler.optimizer.add_param_group({"params": [late], "lr": 1.0})
    rates = follow(scheduler, 8)[1:, 2]
    assert (rates <= 1 + 1e-12).all() and (rates >= 0).all() and np.isfinite(rates).all()


def test_a_warm_up_ends_at_the_rate_a_late_group_asked_for():
    scheduler = lrs.LinearLR(made([1.0]), total_iters=4)
    follow(scheduler, 1)
    scheduler.optimizer.add_param_group({"params": [nn.Parameter([1.0])], "lr": 1.0})
    np.testing.assert_allclose(follow(scheduler, 3)[-1], [1, 1])


PLATEAUS = [
    ({"patience": 0}, [2, 1, 1], 0.1),
    ({"patience": 1}, [2, 1, 1], 1),
    ({"patience": 1}, [2, 1, 1, 1], 0.1),
    ({"patience": 0}, [float("nan")], 0.1),
    ({"patience": 0, "mode": "max"}, [1, 2, 3], 1),
    ({"patience": 0, "mode": "max"}, [1, 1], 0.1),
    ({"patience": 0}, [-1, -1], 0.1),
    ({"patience": 0}, [-1, -1.00001], 0.1),
    ({"patience": 0}, [-1, -1.1], 1),
    ({"patience": 0, "mode": "max"}, [-1, -1], 0.1),
    ({"patience": 0, "mode": "max"}, [-1, -0.9], 1),
    ({"patience": 0, "threshold_mode": "abs", "threshold": 0.5}, [2, 1.6], 0.1),
    ({"patience": 0, "cooldown": 2}, [1, 1, 1, 1], 0.1),
    ({"patience": 0, "cooldown": 2}, [1, 1, 1, 1, 1], 0.01),
    ({"patience": 0, "min_lr": 0.5}, [1, 1, 1], 0.5),
    ({"patience": 0, "factor": 0.999999999}, [1, 1], 1),
]


@pytest.mark.parametrize(("settings", "measures", "rate"), PLATEAUS)
def test_a_plateau_takes_the_rate_down(settings, measures, rate):
    optimizer = made([1.0])
    scheduler = lrs.ReduceLROnPlateau(optimizer, **settings)
    for measure in measures:
        scheduler.step(mg.tensor(measure))
    assert rates_of(optimizer) == scheduler.get_last_lr() == [pytest.approx(rate)]
    again = lrs.ReduceLROnPlateau(made([1.0]), **settings)
    again.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    assert again.best == scheduler.best and again.num_bad_epochs == scheduler.num_bad_epochs


@pytest.mark.parametrize("name", [*ALL, "ReduceLROnPlateau"])
def test_a_schedule_prints_its_epoch_and_rates(name):
    scheduler = {**ALL, "ReduceLROnPlateau": lrs.ReduceLROnPlateau}[name](made(momentum=0.9))
    rates = ", ".join(f"{rate:.4g}" for rate in scheduler.get_last_lr())
    assert repr(scheduler) == f"{type(scheduler).__name__}(epoch 0, lr {rates})"


def test_a_step_before_the_optimizers_is_pointed_out():
    scheduler = lrs.ExponentialLR(made(), 0.9)
    with pytest.warns(UserWarning, match=r"scheduler\.step\(\) was called before optimizer\.step\(\)"):
        scheduler.step()


class Halving(lrs.LRScheduler):
    def rate(self, group, base):
        return group["lr"] / 2 if self.last_epoch else group["lr"]


def test_a_schedule_of_ones_own():
    np.testing.assert_array_equal(follow(Halving(made([1.0])), 3)[:, 0], [1, 0.5, 0.25, 0.125])


REFUSED = {
    "no optimiser": (lambda: lrs.StepLR(nn.Linear(1, 1), 3), TypeError, "a Linear is not an optimiser"),
    "no earlier schedule": (lambda: lrs.ExponentialLR(made(), 0.9, last_epoch=5), ValueError, "has no initial_lr"),
    "no epochs": (lambda: lrs.CosineAnnealingLR(made(), 0), ValueError, "T_max must be an integer of at least 1"),
    "no function": (lambda: lrs.LambdaLR(made(), 0.5), TypeError, "must be a function of the epoch, got a float"),
    "groups": (lambda: lrs.LambdaLR(made(), [abs]), ValueError, "one for each of 2 parameter groups, got 1"),
    "factor": (lambda: lrs.ReduceLROnPlateau(made(), factor=1.5), ValueError, "factor must be a number from 0"),
    "mode": (lambda: lrs.CyclicLR(made(), 0.1, 1, mode="square"), ValueError, "mode must be one of 'triangular'"),
    "steps": (lambda: lrs.OneCycleLR(made(), 0.1), ValueError, "give total_steps, or epochs and steps_per_epoch"),
    "milestones": (lambda: lrs.SequentialLR(*(lambda o: (o, [lrs.ConstantLR(o)], [3]))(made())), ValueError,
                   "1 schedules need 0 rising milestones"),
    "plateau": (lambda: lrs.ChainedScheduler([lrs.ReduceLROnPlateau(made())]), TypeError, "needs no measure"),
    "two optimisers": (lambda: lrs.ChainedScheduler([lrs.StepLR(made(), 1), lrs.StepLR(made(), 1)]), ValueError,
                       "is of another optimiser"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_refused(name):
    act, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        act()
