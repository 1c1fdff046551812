"""``mg.compile``: every kind of step trains as eager does, whatever changes between its calls."""

from __future__ import annotations

import functools
import itertools
import logging
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Compiled, CompileWarning, Refusal
from tests.compile.trainings import FOUND, TRAININGS, Training, assert_close, batch, everything, leaves_of, pair

CALLS = 8


def assert_the_same(found: Training, right: Training, dtype: Any) -> None:
    """All that two trainings have left."""
    now, expected = everything(found), everything(right)
    assert now.keys() == expected.keys()
    for key in expected:
        assert_close(now[key], expected[key], dtype, key)


def both(step: Any, eager: Any, *inputs: Any) -> tuple[Any, Any]:
    """What a compiled step and an eager one return, from the same random state."""
    random = mg.get_rng_state()
    expected = eager(*inputs)
    after = mg.get_rng_state()
    mg.set_rng_state(random)
    found = step(*inputs)
    assert mg.get_rng_state() == after
    return found, expected


@pytest.mark.parametrize("name", [*TRAININGS, *FOUND])
def test_a_compiled_step_trains_as_eager_does(name):
    compiled, eager = pair(name)
    step, dtype = mg.compile(compiled.step, backend="numpy"), next(iter(eager.model.parameters())).dtype
    for i in range(CALLS):
        for training in (compiled, eager):
            training.optimizer.param_groups[0]["lr"] /= 1.5
        for y, right in zip(*map(leaves_of, both(step, eager.step, *batch(i, eager))), strict=True):
            assert_close(y, right, dtype, f"call {i}")
    assert_the_same(compiled, eager, dtype)
    assert step.backend == "numpy"


SGD, ADAM = functools.partial(optim.SGD, lr=0.1, momentum=0.9), functools.partial(optim.Adam, lr=0.01)


def make(optimizer: Any = SGD, dropout: float = 0.2) -> Training:
    """A small net."""
    mg.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(dropout), nn.Linear(6, 4)
    )
    optimizer, criterion = optimizer(model.parameters()), nn.CrossEntropyLoss()

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return Training(model, optimizer, step)


def data(rows: int = 8, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    return mg.tensor(random.standard_normal((rows, 3)).astype(np.float32)), mg.tensor(random.integers(0, 4, rows))


CHANGES = {
    "train": lambda training: training.model.train(),
    "eval": lambda training: training.model.eval(),
    "freeze": lambda training: training.model[0].requires_grad_(False),
    "thaw": lambda training: training.model.requires_grad_(True),
    "half in eval": lambda training: training.model[1].eval(),
    "rate": lambda training: training.optimizer.param_groups[0].update(
        lr=training.optimizer.param_groups[0]["lr"] * 0.7
    ),
    "momentum": lambda training: training.optimizer.param_groups[0].update(momentum=0.5),
    "decay": lambda training: training.optimizer.param_groups[0].update(weight_decay=0.1),
    "no decay": lambda training: training.optimizer.param_groups[0].update(weight_decay=0),
    "probability": lambda training: setattr(training.model[3], "p", 0.5),
    "eager step": lambda training: training.step(*data(8, 77)),
    "forget gradients": lambda training: training.optimizer.zero_grad(),
    "load": lambda training: training.model.load_state_dict(training.model.state_dict()),
    "assign": lambda training: training.model.load_state_dict(training.model.state_dict(), assign=True),
    "load the optimiser": lambda training: training.optimizer.load_state_dict(training.optimizer.state_dict()),
    "ask for a gradient": lambda training: [p.grad for p in training.model.parameters()],
    "new data": lambda training: setattr(training.model[4].weight, "data", training.model[4].weight.data.clone()),
    "nothing": lambda training: None,
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.filterwarnings("ignore:.*more than 8 programs:minigrad.compile.CompileWarning")
def test_any_sequence_of_changes_between_calls_is_as_in_eager(kind, seed):
    optimizer = (
        functools.partial(optim.SGD, lr=0.1, momentum=0.9) if kind == "SGD" else functools.partial(optim.Adam, lr=0.01)
    )
    compiled, eager = make(optimizer), make(optimizer)
    step, choose = mg.compile(compiled.step, backend="numpy"), np.random.default_rng(seed)
    for i in range(40):
        change = CHANGES[str(choose.choice(list(CHANGES)))] if i % 2 else CHANGES["nothing"]
        inputs = data(int(choose.choice([8, 8, 8, 5])), i)
        random = mg.get_rng_state()
        for training in (compiled, eager):
            mg.set_rng_state(random)
            change(training)
        found, expected = both(step, eager.step, *inputs)
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=2e-4, atol=2e-5, err_msg=f"call {i}")
        for p, q in zip(compiled.model.parameters(), eager.model.parameters()):
            assert (p.grad is None) == (q.grad is None)
            if kind == "SGD":
                np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=2e-4, atol=2e-5)
    assert compiled.model[1].num_batches_tracked.item() == eager.model[1].num_batches_tracked.item()


# -- programs ------------------------------------------------------------------------------------


def replays(step: Any) -> list[int]:
    """How often each program was called."""
    return [plan.calls for plan in step._all()]


def test_two_captures_come_before_the_first_replay_and_one_at_the_hundredth_call():
    calls, weight = itertools.count(), nn.Parameter(mg.ones(2))

    def step(x):
        next(calls)
        return (weight * x).sum()

    compiled = mg.compile(step, backend="numpy")
    for i in range(110):
        assert compiled(mg.full((2,), float(i))).item() == 2 * i
        if i == 98:
            assert repr(calls) == "count(2)"
    assert repr(calls) == "count(3)"


def test_modes_and_batch_sizes_have_a_program_each_and_are_captured_once(caplog):
    training = make()
    step = mg.compile(training.step, backend="numpy")
    with caplog.at_level(logging.INFO, "minigrad.compile"):
        for _ in range(4):
            for rows in (8, 8, 8, 5):
                training.model.train()
                step(*data(rows))
                training.model.eval()
                step(*data(rows))
    assert sorted(replays(step)) == [4, 4, 12, 12]
    assert len(caplog.records) == 3
    assert "training of model (Sequential) is False, and was True" in caplog.text
    assert "x is (5, 3) float32, and was (8, 3) float32" in caplog.text
    assert all(plan.captures == 2 for plan in step._all())


def test_more_than_eight_programs_are_said_once_and_the_oldest_is_forgotten():
    step = mg.compile(lambda x, n: x * n, backend="numpy")
    for n in range(8):
        step(mg.ones(2), n)
    with pytest.warns(CompileWarning, match="more than 8 programs.*because n is 8, and was 7") as said:
        for n in range(8, 12):
            assert step(mg.ones(2), n)[0].item() == n
    assert len(said) == 1 and len(step.programs) == 8


def test_it_says_what_programs_there_are():
    training = make()
    step = mg.compile(training.step, backend="numpy")
    assert repr(step) == "<compiled make.<locals>.step: not called yet>"
    with pytest.raises(RuntimeError, match="no program yet"):
        _ = step.source
    for _ in range(3):
        step(*data())
    first, second = repr(step).split("\n")
    assert first == "<compiled make.<locals>.step: 1 program>"
    assert second.startswith("    ((8, 3) float32, (8,) int64): ") and second.endswith("numpy, called 3 times")
    assert "0.weight" in str(step.program) and step.programs == [step.program]
    assert step.source
    with pytest.raises(RuntimeError, match="runs with NumPy"):
        _ = step.c_source


# -- how steps are given, and their arguments ----------------------------------------------------

weight_of_module = nn.Parameter(mg.ones(2))
rate = 0.5


@mg.compile(backend="numpy")
def decorated(x, *, scale=1):
    """A step."""
    loss = (weight_of_module * x * scale).sum() * rate
    loss.backward()
    return loss


def test_a_decorated_function_keeps_its_name_and_takes_arguments_by_name():
    global rate
    assert isinstance(decorated, Compiled)
    assert decorated.__name__ == "decorated" and decorated.__doc__ == "A step."
    for _ in range(4):
        weight_of_module.grad = None
        assert decorated(x=mg.ones(2), scale=2).item() == 2
        np.testing.assert_array_equal(weight_of_module.grad.numpy(), [1, 1])
    rate = 1.5
    try:
        weight_of_module.grad = None
        assert decorated(mg.ones(2), scale=2).item() == 6
        weight_of_module.grad = None
        assert decorated(mg.ones(2)).item() == 3
    finally:
        rate = 0.5


class Trainer:
    """A training as an object."""

    def __init__(self, seed):
        mg.manual_seed(seed)
        self.net = nn.Linear(2, 1)
        self.optimizer = optim.SGD(self.net.parameters(), lr=0.1)
        self.penalty = 0.1

    def loss(self, x):
        return self.net(x).square().mean() + self.penalty * self.net.weight.square().sum()

    def plain(self, x):
        self.optimizer.zero_grad()
        loss = self.loss(x)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    step = mg.compile(plain, backend="numpy")


def test_methods_of_several_objects_have_programs_of_their_own():
    trainers, others = [Trainer(seed) for seed in range(2)], [Trainer(seed) for seed in range(2)]
    for i in range(5):
        for trainer, other in zip(trainers, others):
            x = mg.full((3, 2), i + 1.0)
            trainer.penalty = other.penalty = 0.1 * (i // 4)
            assert trainer.step(x) == pytest.approx(other.plain(x), rel=1e-5)
            assert type(trainer.step(x)) is float
            other.plain(x)
    assert trainers[0].step is trainers[0].step is not trainers[1].step
    assert [len(trainer.step.programs) for trainer in trainers] == [2, 2]


def test_models_optimisers_and_batches_may_be_arguments():
    def step(model, optimizer, batch, factor=1.0):
        optimizer.zero_grad()
        loss = model(batch["x"]).square().mean() * factor
        loss.backward()
        optimizer.step()
        return {"loss": loss}

    compiled = mg.compile(step, backend="numpy")
    trainers, others = [Trainer(seed) for seed in range(2)], [Trainer(seed) for seed in range(2)]
    for i in range(4):
        for a, b in zip(trainers, others):
            batch = {"x": mg.full((3, 2), i + 1.0)}
            found, right = compiled(a.net, a.optimizer, batch), step(b.net, b.optimizer, batch)
            assert found["loss"].item() == pytest.approx(right["loss"].item(), rel=1e-5)
    assert replays(compiled) == [4, 4]


def test_state_that_cannot_be_found_is_named():
    hidden = {"make": lambda: None}
    nets = [nn.Linear(2, 1) for _ in range(2)]
    registry = type("Registry", (), {"__slots__": ("net",)})()
    registry.net = nets[0]

    def step(x):
        loss = registry.net(x).sum()
        loss.backward()
        return loss

    with pytest.raises(Refusal, match="name it in state="):
        mg.compile(step)(mg.ones(1, 2))
    assert nets[0].weight.grad is None and hidden
    compiled = mg.compile(step, state=[registry.net], backend="numpy")
    for _ in range(3):
        nets[0].zero_grad()
        compiled(mg.ones(1, 2))
    np.testing.assert_array_equal(nets[0].weight.grad.numpy(), [[1, 1]])
