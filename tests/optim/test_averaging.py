"""Averages of models, and the rate while they are averaged."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import swa_utils


def stepped(model, value):
    """The model with this value in all parameters, and a batch seen."""
    with mg.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


AVERAGES = {
    "mean": ({}, lambda values: np.mean(values)),
    "forgetting": ({"avg_fn": swa_utils.get_ema_avg_fn(0.75)},
                   lambda v: 0.75 * (0.75 * v[0] + 0.25 * v[1]) + 0.25 * v[2]),
    "own": ({"avg_fn": lambda old, new, n: old + new * n}, lambda v: v[0] + v[1] + 2 * v[2]),
    "several": ({"multi_avg_fn": lambda olds, news, n: [o.add_(w * n) for o, w in zip(olds, news)]},
                lambda v: v[0] + v[1] + 2 * v[2]),
}  # fmt: skip


@pytest.mark.parametrize("name", AVERAGES)
def test_parameters_are_averaged(name):
    settings, formula = AVERAGES[name]
    model, values = nn.Linear(2, 3), [1.0, 4.0, 6.0]
    averaged = swa_utils.AveragedModel(model, **settings)
    for value in values:
        averaged.update_parameters(stepped(model, value))
    np.testing.assert_allclose(averaged.module.weight.detach().numpy(), np.full((3, 2), formula(values)), rtol=1e-6)
    assert int(averaged.n_averaged) == 3 and model.weight[0, 0].item() == 6
    assert averaged.state_dict().keys() == {"n_averaged", "module.weight", "module.bias"}


@pytest.mark.parametrize("use_buffers", [False, True])
def test_buffers_are_copied_or_averaged_and_counts_always_copied(use_buffers):
    model = nn.BatchNorm1d(1)
    averaged = swa_utils.AveragedModel(model, use_buffers=use_buffers)
    for mean in (1.0, 3.0):
        model.running_mean.fill_(mean)
        model.num_batches_tracked.fill_(int(mean))
        averaged.update_parameters(model)
    assert averaged.module.running_mean.tolist() == [2.0 if use_buffers else 3.0]
    assert int(averaged.module.num_batches_tracked) == 3


def test_another_model_is_refused_and_nothing_changed():
    averaged = swa_utils.AveragedModel(nn.Linear(2, 3))
    with pytest.raises(ValueError, match="other parameters or buffers"):
        averaged.update_parameters(nn.Linear(3, 3))
    assert int(averaged.n_averaged) == 0


@pytest.mark.parametrize(("strategy", "middle"), [("linear", 0.5), ("cos", 0.5)])
def test_the_rate_goes_to_its_end_and_stays(strategy, middle):
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
    scheduler = swa_utils.SWALR(optimizer, 0.2, anneal_epochs=4, anneal_strategy=strategy)
    rates = [optimizer.param_groups[0]["lr"]]
    optimizer.param_groups[0]["params"][0].grad = mg.ones(1)
    for _ in range(6):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    part = np.minimum(np.arange(7) / 4, 1)
    part = part if strategy == "linear" else (1 - np.cos(np.pi * part)) / 2
    np.testing.assert_allclose(rates, 1 + (0.2 - 1) * part, rtol=1e-12)
    assert rates[2] == pytest.approx(1 + (0.2 - 1) * middle)
