"""What a training run depends on, with the defaults, and the names that options take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .. import optim
from ..optim import lr_scheduler


@dataclass(frozen=True)
class DataSettings:
    """What the data of a run depends on.

    Attributes:
        dataset: its name, or the file as the user named it.
        seed: of the run, which the split of a file follows.
        noise, samples: of generated data, as those of its function; None for its defaults.
        path: of a file its absolute path, or of MNIST the folder.
        target, drop, missing, task, header: how the file is read.
    """

    dataset: str
    seed: int = 0
    noise: float | None = None
    samples: int | None = None
    path: str | None = None
    target: str | None = None
    drop: tuple[str, ...] = ()
    missing: str = "refuse"
    task: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class Settings(DataSettings):
    """Everything a training run depends on; the defaults suit the digits.

    Attributes:
        bias: whether layers in front of BatchNorm have one, as those of older checkpoints do.
        compile: whether the step is compiled.
    """

    hidden: tuple[int, ...] = (128, 64)
    epochs: int = 20
    batch_size: int = 64
    lr: float = 3e-3
    batchnorm: bool = True
    activation: str = "relu"
    optimizer: str = "adam"
    schedule: str = "constant"
    weight_decay: float = 0.0
    bias: bool = False
    compile: bool = False


TOY: dict[str, Any] = {"hidden": (32, 32), "epochs": 40, "batch_size": 32, "lr": 1e-2}
DEFAULTS: dict[str, dict[str, Any]] = {
    "digits": {},
    "mnist": {},
    "sine": {**TOY, "epochs": 100, "batch_size": 100, "lr": 3e-3},
}
"""What suits a dataset better than the defaults above; other generated data, tables and files take those of ``TOY``."""


def settings_for(dataset: str, chosen: dict[str, Any]) -> Settings:
    """The dataset's defaults, with what the user chose instead."""
    usual = {**DEFAULTS.get(dataset, TOY)}
    kind = OPTIMIZERS[chosen.get("optimizer", Settings.optimizer)]
    if kind.lr is not None:
        usual["lr"] = kind.lr
    return Settings(dataset, **{**usual, "weight_decay": kind.weight_decay, **chosen})


def restored(kept: dict[str, Any]) -> Settings:
    """The settings of a checkpoint; older ones have fewer, and a bias in front of BatchNorm."""
    return Settings(**{"bias": True, **kept, "hidden": tuple(kept["hidden"]), "drop": tuple(kept.get("drop", ()))})


class Optimizer(NamedTuple):
    """An optimiser as ``--optimizer`` names it."""

    make: Callable[..., Any]
    options: dict[str, Any]
    lr: float | None
    """The usual learning rate; None: the dataset's."""
    weight_decay: float = 0.0
    """The usual one."""


OPTIMIZERS = {
    "adam": Optimizer(optim.Adam, {}, None),
    "adamw": Optimizer(optim.AdamW, {}, None, 0.01),
    "nadam": Optimizer(optim.NAdam, {}, None),
    "radam": Optimizer(optim.RAdam, {}, None),
    "rmsprop": Optimizer(optim.RMSprop, {}, 3e-3),
    "adagrad": Optimizer(optim.Adagrad, {}, 0.03),
    "sgd": Optimizer(optim.SGD, {}, 0.1),
    "momentum": Optimizer(optim.SGD, {"momentum": 0.9}, 0.02),
    "nesterov": Optimizer(optim.SGD, {"momentum": 0.9, "nesterov": True}, 0.02),
}
"""``momentum`` and ``nesterov`` are SGD with momentum 0.9."""


def make_optimizer(name: str, model: Any, lr: float, weight_decay: float = 0.0) -> Any:
    """The optimiser of a model's parameters; weight decay is kept off biases and BatchNorm."""
    kind = OPTIMIZERS[name]
    parameters = optim.param_groups(model, weight_decay) if weight_decay else model.parameters()
    return kind.make(parameters, lr=lr, weight_decay=weight_decay, **kind.options)


class Schedule(NamedTuple):
    """How the learning rate goes on, epoch by epoch."""

    make: Callable[[Any, int], Any]
    """Of the optimiser and the number of epochs."""
    description: str
    planned: bool = True
    """Whether it depends on the number of epochs, which then cannot be changed later."""


SCHEDULES = {
    "constant": Schedule(lambda *_: None, "stays", planned=False),
    "cosine": Schedule(lambda o, epochs: lr_scheduler.CosineAnnealingLR(o, epochs), "half a cosine down to 0"),
    "linear": Schedule(lambda o, epochs: lr_scheduler.LinearLR(o, 1.0, 0.01, epochs), "straight down to a hundredth"),
    "exponential": Schedule(
        lambda o, epochs: lr_scheduler.ExponentialLR(o, 0.01 ** (1 / epochs)), "down to a hundredth by equal factors"
    ),
    "step": Schedule(
        lambda o, epochs: lr_scheduler.StepLR(o, max(1, math.ceil(epochs / 3))), "to a tenth after each third"
    ),
    "plateau": Schedule(
        lambda o, _: lr_scheduler.ReduceLROnPlateau(o, patience=5),
        "to a tenth after 6 epochs without a lower test loss",
        planned=False,
    ),
}
