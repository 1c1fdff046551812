"""Compiled steps of nets of many kinds, with losses and optimisers of all kinds, beside PyTorch, eager and compiled."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad
from minigrad.benchmarks.timing import check_agreement, measure
from minigrad.compile.native import compiler


class Net(NamedTuple):
    """What is trained.

    Args:
        layers: the layers in a framework's own ``nn``; without dropout, whose masks are each framework's own.
        shape: of a batch; of a table's rows the batch is of indices.
        outputs: how many there are.
        loss: of outputs and classes, in a framework.
        optimizer, settings: its name in ``optim``, and its settings.
        schedule: whether the learning rate changes with each step.
        jits: whether ``torch.compile`` takes part, which takes most of a minute for each net.
    """

    layers: Callable[[Any], list[Any]]
    shape: tuple[int, ...]
    outputs: int = 10
    loss: str = "cross_entropy"
    optimizer: str = "AdamW"
    settings: dict[str, Any] = {}  # noqa: RUF012
    schedule: bool = False
    jits: bool = False


def digits(nn):
    return [
        nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(768, 10),
    ]  # fmt: skip


def pictures(nn):
    return [
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3),
        nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10),
    ]  # fmt: skip


def in_groups(nn):
    return [
        nn.Conv2d(3, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.SiLU(), nn.AvgPool2d(2), nn.Conv2d(16, 16, 3),
        nn.GroupNorm(4, 16), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10),
    ]  # fmt: skip


def signals(nn):
    return [
        nn.Conv1d(4, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 32, 5, stride=2),
        nn.BatchNorm1d(32), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(224, 10),
    ]  # fmt: skip


def rows(nn):
    return [nn.Linear(20, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 64), nn.LayerNorm(64), nn.SiLU(),
            nn.Linear(64, 10)]  # fmt: skip


def words(nn):
    return [nn.Embedding(500, 16), nn.LayerNorm(16), nn.Flatten(), nn.Linear(112, 32), nn.Tanh(), nn.Linear(32, 10)]


NETS = {
    "digits, BatchNorm2d": Net(digits, (64, 1, 8, 8), jits=True),
    "pictures, BatchNorm2d": Net(pictures, (16, 3, 16, 16)),
    "pictures, GroupNorm": Net(in_groups, (16, 3, 16, 16)),
    "signals, BatchNorm1d": Net(signals, (32, 4, 64)),
    "rows, LayerNorm": Net(rows, (32, 20), jits=True),
    "words, Embedding": Net(words, (32, 7)),
    "rows, one cycle": Net(rows, (32, 20), schedule=True),
    **{
        f"rows, {loss}": Net(rows, (32, 20), loss=loss)
        for loss in ("mse_loss", "huber_loss", "binary_cross_entropy_with_logits", "kl_div", "cosine_similarity")
    },
    **{
        f"rows, {kind}{'' if not settings else ' ' + ' '.join(settings)}": Net(
            rows, (32, 20), optimizer=kind, settings=settings
        )
        for kind, settings in [
            ("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}), ("Adam", {}),
            ("Adam", {"amsgrad": True}), ("RMSprop", {}), ("Adagrad", {}), ("NAdam", {}), ("Adadelta", {}),
        ]
    },
}  # fmt: skip
"""Each in minigrad and in PyTorch."""


def loss_of(framework, name, y, target):
    """A loss of outputs and classes; most are of vectors with a one at the class."""
    functions = framework.nn.functional
    if name == "cross_entropy":
        return functions.cross_entropy(y, target)
    wanted = functions.one_hot(target, y.shape[1]).to(y.dtype)
    if name == "kl_div":
        return functions.kl_div(functions.log_softmax(y, 1), (wanted + 0.1) / 2, reduction="batchmean")
    if name == "cosine_similarity":
        return 1 - functions.cosine_similarity(y, wanted).mean()
    return getattr(functions, name)(y, wanted)


class Training:
    """``step()`` trains once on the batch and returns the loss.

    Args:
        net: what is trained.
        framework: minigrad, or PyTorch.
        transform: what compiles: the step in minigrad, forward and loss in PyTorch, whose ``compile`` takes these.
    """

    def __init__(self, net: Net, framework: Any = minigrad, transform: Any = None) -> None:
        minigrad.manual_seed(0)
        own, random = minigrad.nn.Sequential(*net.layers(minigrad.nn)), np.random.default_rng(0)
        model = own if framework is minigrad else framework.nn.Sequential(*net.layers(framework.nn))
        if model is not own:
            values = {name: framework.tensor(value.numpy()) for name, value in own.state_dict().items()}
            model.load_state_dict(values)
        x = random.integers(0, 500, net.shape) if net.layers is words else random.standard_normal(net.shape, np.float32)
        self.batch = framework.tensor(x), framework.tensor(random.integers(0, net.outputs, net.shape[0]))
        optim = framework.optim
        optimizer = getattr(optim, net.optimizer)(model.parameters(), **{"lr": 1e-3, **net.settings})
        self.schedule = optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=10**9) if net.schedule else None

        def loss_for(x: Any, target: Any) -> Any:
            return loss_of(framework, net.loss, model(x), target)

        is_torch = framework is not minigrad
        if transform and is_torch:
            loss_for = transform(loss_for)

        def train(x: Any, target: Any) -> Any:
            optimizer.zero_grad()
            loss = loss_for(x, target)
            loss.backward()
            optimizer.step()
            return loss

        self.train = train if is_torch or not transform else transform(train, state=[model, optimizer])

    def step(self) -> float:
        loss = float(self.train(*self.batch).item())
        if self.schedule is not None:
            self.schedule.step()
        return loss


def by_backend(backend: str) -> Callable[..., Any]:
    """minigrad's ``compile`` with a back end."""
    return lambda function, **settings: minigrad.compile(function, backend=backend, **settings)


def compiled_nets(settings):
    """Each net: eager, as C, with NumPy, and in PyTorch; in seconds of the processor."""
    for name, net in NETS.items():
        steps = {"eager": Training(net)}
        if compiler.found():
            steps["compiled, C"] = Training(net, transform=by_backend("c"))
        steps["compiled, NumPy"] = Training(net, transform=by_backend("numpy"))
        if torch := settings.peers.torch:
            steps["PyTorch"] = Training(net, torch)
            if net.jits:
                steps["torch.compile"] = Training(net, torch, torch.compile)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch's compiler
            losses = {who: [step.step() for _ in range(4)] for who, step in steps.items()}
        check_agreement(f"the loss of {name}", losses)
        yield measure(
            name, {who: step.step for who, step in steps.items()}, settings.rounds, settings.budget, time.process_time
        )
    yield "One step: zero_grad, forward, loss, backward, optimiser; time of the processor. Without dropout."
