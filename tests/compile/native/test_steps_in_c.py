"""Whole training steps as C, on one batch after the other: what the program's own replay gives, and eager training."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import capture
from tests.compile.native.programs import built, run
from tests.compile.trainings import TRAININGS, assert_close, batch, everything, leaves_of, pair

STEPS = 12


@functools.cache
def prepared():
    """For each kind of training the same twice, one of them captured and built, and the state of the generator."""
    found, programs = {}, []
    for name in TRAININGS:
        captured, eager = pair(name)
        random = mg.get_rng_state()
        expected = leaves_of(eager.step(*batch(0, eager)))
        mg.set_rng_state(random)
        program, result = capture(captured.step, *batch(0, captured), state=[captured.model, captured.optimizer])
        found[name] = captured, eager, mg.get_rng_state(), (leaves_of(result), expected)
        programs.append(program)
    return {name: (*found[name], execution) for name, execution in zip(TRAININGS, built(programs, "-O2"))}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_step_in_c_trains_as_eager_does(name):
    captured, eager, random, _, execution = prepared()[name]
    dtype = next(iter(eager.model.parameters())).dtype
    places = [place for place, value in execution.program.settings if value is not None]
    for i in range(1, STEPS):
        if i == STEPS // 2:
            captured.optimizer.param_groups[0]["lr"] = eager.optimizer.param_groups[0]["lr"] = 0.003
        mg.set_rng_state(random)
        expected = eager.step(*batch(i, eager))
        after = mg.get_rng_state()
        mg.set_rng_state(random)
        results = run(execution, *batch(i, captured))
        for place, array in zip(places, execution.gradients, strict=True):
            place.set(array.copy())
        random = mg.get_rng_state()
        assert random == after
        for y, right in zip(results, leaves_of(expected), strict=True):
            assert_close(y, right, dtype, f"step {i}")
    found, right = everything(captured), everything(eager)
    assert found.keys() == right.keys()
    for key in right:
        assert_close(found[key], right[key], dtype, key)


@pytest.mark.parametrize("shape", [(128, 64), (1024, 64), (4096, 32), (50, 7)])
def test_batch_norm_keeps_its_promise_far_from_0(shape):
    bn = nn.BatchNorm1d(shape[1], affine=False, momentum=0.5)
    random = np.random.default_rng(1)
    near, far = (random.standard_normal(shape).astype(np.float32) for _ in range(2))
    program, _ = capture(bn, mg.tensor(near), state=[bn])
    (execution,) = built([program])
    x = np.float32(1e7) + far
    exact = x.astype(np.float64)
    (y,) = run(execution, mg.tensor(x))
    assert np.abs(y - (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)).max() < 1e-6
    np.testing.assert_allclose(bn.running_mean.numpy(), near.mean(0) / 4 + exact.mean(0) / 2, rtol=1e-7)


def test_masks_of_dropout_are_those_of_eager_bit_for_bit():
    layer, x = nn.Dropout(0.4), mg.ones(5, 7)
    mg.manual_seed(1)
    expected = [layer(x).numpy() for _ in range(3)]
    state = mg.get_rng_state()
    mg.manual_seed(1)
    program, first = capture(layer, x)
    (execution,) = built([program])
    for found, mask in zip([first.numpy(), *run(execution, x), *run(execution, x)], expected, strict=True):
        np.testing.assert_array_equal(found, mask)
    assert mg.get_rng_state() == state


def convolutional():
    """Convolutions with BatchNorm2d and pooling."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5), nn.Sigmoid(), nn.Flatten(), nn.Linear(20, 3),
    )  # fmt: skip


def normed_rows():
    """LayerNorm, other activations, an embedding."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(128, 24), nn.LayerNorm(24), nn.GELU(), nn.Linear(24, 17), nn.Tanh(), nn.Linear(17, 3)
    )


@pytest.mark.parametrize("make", [convolutional, normed_rows])
def test_other_nets(make):
    models = []
    x, target = mg.tensor(np.random.default_rng(0).standard_normal((6, 2, 8, 8)).astype(np.float32)), mg.arange(6) % 3
    for _ in range(2):
        mg.manual_seed(0)
        models.append(make())
    steps = [training_step(model, optim.SGD(model.parameters(), lr=0.05, momentum=0.9)) for model in models]
    program, _ = capture(steps[0][0], x, target, state=[models[0], steps[0][1]])
    (execution,) = built([program], "-O2")
    steps[1][0](x, target)
    for scale in (0.5, 1.5, -1.0):
        (y,) = run(execution, x * scale, target)
        np.testing.assert_allclose(y, steps[1][0](x * scale, target).numpy(), rtol=1e-5)
    for a, b in zip(models[0].state_dict().values(), models[1].state_dict().values()):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


def training_step(model, optimizer):
    """A step with cross entropy, and its optimiser."""

    def step(x, target):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, optimizer


def test_what_was_in_a_state_before_it_changed_is_read_as_it_was():
    buffer = nn.Buffer(mg.tensor([1.0, 2.0, 3.0]))

    def step(x):
        old = buffer * 2
        buffer.add_(x)
        return old * buffer.sum()

    program, _ = capture(step, mg.ones(3), state=[buffer])
    (execution,) = built([program])
    before = buffer.numpy().copy()
    after = before + np.float32([1, 0, 2])
    (y,) = run(execution, mg.tensor([1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(y, 2 * before * after.sum())
    np.testing.assert_array_equal(buffer.numpy(), after)


@pytest.mark.parametrize(("dtype", "many"), [("int64", 6), ("uint8", 6), ("int64", 9000)])
def test_classes_are_looked_at_in_c_before_anything_changes(dtype, many):
    model = nn.Linear(2, 3)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    x, target = mg.ones(many, 2), mg.tensor((np.arange(many) % 3).astype(dtype))
    step = mg.compile(training_step(model, optimizer)[0], backend="c")
    for _ in range(3):
        step(x, target)
    assert "guards" in step.c_source
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    count = optimizer.state_dict()["state"][0]["step"]
    wrong = target.clone()
    wrong[-1] = 3
    with pytest.raises(ValueError, match="target 3 is no class"):
        step(x, wrong)
    assert optimizer.state_dict()["state"][0]["step"] == count
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    ignored = target.clone()
    if dtype == "int64":
        ignored[-1] = -100
    assert step(x, ignored).item() > 0
    assert optimizer.state_dict()["state"][0]["step"] == count + 1
