"""Trainings of all kinds, of which captured and compiled steps must be the same as eager ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
from minigrad import nn, optim


class Training(NamedTuple):
    """A model, its optimiser, and a step of both."""

    model: Any
    optimizer: Any
    step: Callable[..., Any]


def net(*layers: Any, dtype: Any = np.float32) -> nn.Sequential:
    """Linear, BatchNorm, ReLU, what is given, and a last Linear.

    The first has no bias: in front of a BatchNorm its gradient is 0, and Adam would blow up what rounding makes of it.
    """
    model = nn.Sequential(nn.Linear(3, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), *layers, nn.Linear(6, 4))
    return model.to(dtype)


def classification(make_optimizer: Any, make_model: Any = net, before: Any = None) -> Callable[[], Training]:
    """Cross entropy of a net; ``before`` is done by the host before each step."""

    def make() -> Training:
        model = make_model()
        optimizer = make_optimizer(model.parameters())
        criterion = nn.CrossEntropyLoss()

        def step(x: Any, target: Any) -> Any:
            optimizer.zero_grad()
            scores = model(x)
            loss = criterion(scores, target)
            loss.backward()
            optimizer.step()
            return {"loss": loss, "scores": scores}

        return Training(model, optimizer, step)

    return make


def accumulation() -> Training:
    """The gradients of two halves of a batch, added up."""
    training = classification(functools.partial(optim.SGD, lr=0.1, momentum=0.9))()
    model, optimizer, _ = training

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        for half in (slice(None, 4), slice(4, None)):
            loss = nn.functional.cross_entropy(model(x[half]), target[half]) / 2
            loss.backward()
        optimizer.step()
        return loss

    return Training(model, optimizer, step)


def in_evaluation() -> Training:
    """A step with running statistics that are read only."""
    training = classification(functools.partial(optim.SGD, lr=0.1))()
    training.model(mg.randn(20, 3) * 2 + 1)
    training.model.eval()
    return training


def zeroed() -> Training:
    """Gradients that are filled with zeros instead of being forgotten, and added to in place."""
    model, optimizer, _ = classification(functools.partial(optim.SGD, lr=0.1))()

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad(set_to_none=False)
        loss = nn.functional.cross_entropy(model(x), target, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        return loss

    training = Training(model, optimizer, step)
    step(*batch(99))
    return training


def with_noise() -> Training:
    """Random numbers drawn in the step, a penalty on the gradient, and a comparison."""
    model, optimizer, _ = classification(functools.partial(optim.Adam, lr=0.01))()

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        scores = model(x + 0.1 * mg.randn(*x.shape))
        loss = nn.functional.cross_entropy(scores, target)
        (slope,) = mg.grad(loss, model[0].weight, create_graph=True)
        (loss + 0.1 * (slope * slope).sum()).backward()
        optimizer.step()
        return loss, (mg.argmax(scores, 1) == target).float().mean()

    return Training(model, optimizer, step)


def clipped() -> Training:
    """Gradients whose norm is limited."""
    model, optimizer, _ = classification(functools.partial(optim.SGD, lr=0.1))()

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        optimizer.step()
        return loss, norm

    return Training(model, optimizer, step)


def with_masks() -> Training:
    """Targets to ignore, a choice by a mask, limits, elements by index."""
    model, optimizer, _ = classification(functools.partial(optim.SGD, lr=0.1))()

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        scores = model(mg.where(x > 0, x, 0.1 * x).clamp(-1, 1))
        first = scores[mg.arange(8), target]
        loss = nn.functional.cross_entropy(scores, target, ignore_index=2) - 0.01 * first.mean()
        loss.backward()
        optimizer.step()
        return loss, mg.argmax(scores, 1)

    return Training(model, optimizer, step)


def two_optimizers() -> Training:
    """One optimiser for each half of a net."""
    model, _, _ = classification(functools.partial(optim.SGD, lr=0.1))()
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    halves = [optim.Adam(model[:2].parameters(), lr=0.01), optim.SGD(model[2:].parameters(), lr=0.1, momentum=0.9)]

    def step(x: Any, target: Any) -> Any:
        for half in halves:
            half.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        for half in halves:
            half.step()
        return loss

    return Training(model, optimizer, step)


def with_groups() -> Training:
    """A group of parameters with settings of its own, and hooks that compute."""
    model = net()
    optimizer = optim.AdamW(
        [{"params": model[0].parameters(), "lr": 0.02}, {"params": model[1:].parameters()}], lr=0.01
    )
    model[1].register_forward_hook(lambda module, args, output: output * 1.5)
    model[0].weight.register_hook(lambda gradient: gradient * 0.5)

    def step(x: Any, target: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return Training(model, optimizer, step)


def cumulative() -> nn.Sequential:
    """Running statistics that are the average of all batches."""
    model = net()
    model[1].momentum = None
    return model


def images() -> nn.Sequential:
    """A net of (N, C, L)."""
    return nn.Sequential(nn.BatchNorm1d(3), nn.Linear(5, 5, bias=False), nn.BatchNorm1d(3), nn.ReLU())


sgd, adam = functools.partial(optim.SGD, lr=0.1), functools.partial(optim.Adam, lr=0.01)
float64 = functools.partial(net, dtype=np.float64)

TRAININGS: dict[str, Callable[[], Training]] = {
    "SGD": classification(sgd),
    "momentum": classification(functools.partial(sgd, momentum=0.9)),
    "dampening": classification(functools.partial(sgd, momentum=0.9, dampening=0.5)),
    "nesterov": classification(functools.partial(sgd, momentum=0.9, nesterov=True)),
    "weight decay": classification(functools.partial(sgd, momentum=0.9, weight_decay=0.1)),
    "Adam": classification(adam),
    "AMSGrad": classification(functools.partial(adam, amsgrad=True, weight_decay=0.01)),
    "dropout": classification(sgd, lambda: net(nn.Dropout(0.3))),
    "momentum=None": classification(sgd, cumulative),
    "float64": classification(adam, float64),
    "float16": classification(sgd, functools.partial(net, dtype=np.float16)),
    "(N, C, L)": classification(sgd, images),
    "evaluation": in_evaluation,
    "accumulation": accumulation,
    "zeroed gradients": zeroed,
    "noise, second order, accuracy": with_noise,
    "clipping": clipped,
    "masks and indices": with_masks,
}

FOUND: dict[str, Callable[[], Training]] = {"two optimisers": two_optimizers, "groups and hooks": with_groups}
"""Trainings that change more than the state of one optimiser with one group: compiled steps find what it is."""

TOLERANCE = {np.dtype(np.float16): 5e-2, np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-11}


def batch(seed: int, training: Training | None = None) -> tuple[Any, Any]:
    """A batch for a training, of its dtype and kind."""
    random = np.random.default_rng(seed)
    first = next(iter(training.model.parameters())) if training else mg.zeros(1)
    if training and isinstance(training.model[0], nn.BatchNorm1d):
        x, target = random.standard_normal((4, 3, 5)), random.integers(0, 3, (4, 5))
    else:
        x, target = random.standard_normal((8, 3)), random.integers(0, 4, 8)
    return mg.tensor(x.astype(first.dtype)), mg.tensor(target)


def everything(training: Training) -> dict[str, Any]:
    """All that a step leaves behind."""
    found = {f"model {name}": value.numpy() for name, value in training.model.state_dict().items()}
    for name, p in training.model.named_parameters():
        found[f"gradient {name}"] = p.grad.numpy().copy()
    for number, entry in training.optimizer.state_dict()["state"].items():
        found.update({f"optimiser {number} {name}": np.asarray(value) for name, value in entry.items()})
    return found


def leaves_of(result: Any) -> list[np.ndarray]:
    """The numbers that a step returns."""
    items = result.values() if isinstance(result, dict) else result if isinstance(result, tuple) else [result]
    return [item.detach().numpy() for item in items]


def pair(name: str) -> tuple[Training, Training]:
    """Twice the same training, from the same numbers."""
    trainings = []
    for _ in range(2):
        mg.manual_seed(3)
        trainings.append({**TRAININGS, **FOUND}[name]())
    return trainings[0], trainings[1]


def assert_close(found: Any, expected: Any, dtype: Any, what: str = "") -> None:
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=what)
    assert (np.shape(found), np.asarray(found).dtype) == (np.shape(expected), np.asarray(expected).dtype), what
