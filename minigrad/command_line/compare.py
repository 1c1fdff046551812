"""``minigrad compare``: the same net with and without BatchNorm, trained side by side.

The experiment of figure 1 in S. Ioffe, C. Szegedy, Batch normalization, 2015: three hidden layers of 100
sigmoid units, batches of 60, plain SGD, weights from a Gaussian of small standard deviation. It
draws the test accuracy against the steps, and the 15th, 50th and 85th percentiles of the input of
one typical sigmoid of the last hidden layer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, nn, optim
from ..engine.modes import no_grad
from ..nn import functional as F
from ..tensor.random import manual_seed
from ..training.metrics import accuracy
from . import pictures
from .ending import DivergenceError, collected_warnings, distinct, diverged, finishing, finite
from .errors import CommandError
from .progress import progress
from .table import write_table
from .train import counted, mlp, train_and_test

WIDTHS = (100, 100, 100)
STANDARD_DEVIATION = 0.01
PERCENTILES = (15, 50, 85)
POINTS = 50
"""How often the nets are evaluated."""
ROWS = 10
"""How many of these evaluations are printed."""
FILES = TABLE, PICTURE = "compare.csv", "compare.png"


@dataclass(frozen=True)
class Settings:
    """What a comparison depends on."""

    dataset: str
    steps: int = 4000
    batch_size: int = 60
    lr: float = 2.0
    seed: int = 0


def sigmoid_net(inputs: int, outputs: int, batchnorm: bool) -> nn.Sequential:
    """Three hidden layers of 100 sigmoid units, Gaussian weights, no bias to start with."""
    model = mlp(inputs, WIDTHS, outputs, batchnorm, nn.Sigmoid)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, STANDARD_DEVIATION)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


@dataclass
class Contender:
    """One net, its optimiser, and what was measured of it."""

    model: nn.Sequential
    lr: float
    accuracies: list[float] = field(default_factory=list)
    inputs: list[np.ndarray] = field(default_factory=list)
    """At each evaluation the percentiles of the input of every last sigmoid, (percentiles, units)."""

    def __post_init__(self) -> None:
        self.optimizer = optim.SGD(self.model.parameters(), lr=self.lr)

    def step(self, x: Any, target: Any, where: str = "") -> None:
        """One step of training; refused if its loss is not finite, before anything is learned from it."""
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), target)
        finite(loss.item(), "training loss", where)
        loss.backward()
        self.optimizer.step()

    def measure(self, x: Any, target: Any, where: str = "") -> None:
        """The accuracy on the test data, and how the inputs of the last sigmoids are distributed."""
        with self.model.evaluating(), no_grad():
            before = self.model[:-2](x)
            output = self.model[-1](self.model[-2](before))
            finite(F.cross_entropy(output, target).item(), "test loss", where)
        inputs = np.percentile(before.numpy(), PERCENTILES, axis=0)
        finite(float(np.abs(inputs).max()), "largest input of a sigmoid", where)  # which has finite outputs even so
        self.accuracies.append(accuracy(output, target))
        self.inputs.append(inputs)

    @property
    def unit(self) -> int:
        """A typical sigmoid: the one whose spread at the end is the median of the layer."""
        spread = self.inputs[-1][-1] - self.inputs[-1][0]
        return int(np.argsort(spread)[len(spread) // 2])

    @property
    def spread(self) -> np.ndarray:
        """The percentiles of the typical sigmoid's input at each evaluation, (points, percentiles)."""
        return np.stack([values[:, self.unit] for values in self.inputs])


def compare(settings: Settings, out: Path) -> Iterator[str]:
    """Train both nets on the same batches, write and print what was measured; the lines of the closing summary.

    Raises:
        CommandError: after Ctrl-C, and if numbers are not finite. What was measured until then is written.
    """
    source = data.DATASETS[settings.dataset]
    sets = train_and_test(settings.dataset, settings.batch_size)
    nets: dict[str, Contender] = {}
    for name, batchnorm in (("with BatchNorm", True), ("without BatchNorm", False)):
        manual_seed(settings.seed)
        nets[name] = Contender(sigmoid_net(source.inputs, source.outputs, batchnorm), settings.lr)
    points = sorted({round(step) for step in np.linspace(0, settings.steps, POINTS + 1)})
    end: CommandError | None = None
    start = time.perf_counter()
    with collected_warnings() as caught:
        try:
            train_side_by_side(settings, nets, sets, points)
        except DivergenceError as error:
            end = diverged(error, settings.lr)
        except KeyboardInterrupt:
            end = CommandError("stopped before there was anything to compare; nothing was written.", code=130)
        seconds = time.perf_counter() - start
        points = measured(nets, points)
        if end and len(points) < 2:
            raise end
        if end and end.code == 130:
            again = "to start again, add --overwrite to the command"
            end = CommandError(f"stopped after {points[-1]:,} of {settings.steps:,} steps; {again}.", code=130)
            finishing()
        try:
            lines = report(settings, nets, points, seconds, out)
        except KeyboardInterrupt:
            raise end or CommandError("stopped before the picture was drawn.", code=130) from None
    yield from [*lines, *distinct(caught)]
    if end:
        raise end


def train_side_by_side(
    settings: Settings, nets: dict[str, Contender], sets: tuple[data.TensorDataset, ...], points: list[int]
) -> None:
    """Train both nets, measure them after each number of steps in ``points``, and print some of that."""
    train_set, test_set = sets
    test_x, test_target = test_set.tensors
    source = data.DATASETS[settings.dataset]
    loader = data.DataLoader(train_set, settings.batch_size, shuffle=True, drop_last=True, generator=settings.seed)
    printed = {round(step) for step in np.linspace(0, settings.steps, ROWS + 1)}
    bar = progress(settings.steps, "step")
    try:
        bar.write(
            f"{settings.dataset}: {len(train_set):,} training and {len(test_set):,} test samples, seed {settings.seed}"
        )
        bar.write(
            f"{source.inputs}-{'-'.join(map(str, WIDTHS))}-{source.outputs}, sigmoid, SGD with lr {settings.lr}, "
            f"batches of {settings.batch_size}"
        )
        bar.write(f"{'step':>6}  " + "  ".join(f"{name:>18}" for name in nets) + "   (test accuracy)")
        batches = forever(loader)
        for step in range(settings.steps + 1):
            if step in points:
                for name, net in nets.items():
                    net.measure(test_x, test_target, f"after {counted(step, 'step')} {name}")
                if step in printed:
                    bar.write(f"{step:>6}  " + "  ".join(f"{net.accuracies[-1]:>18.2%}" for net in nets.values()))
            if step < settings.steps:
                x, target = next(batches)
                for name, net in nets.items():
                    net.step(x, target, f"in step {step + 1} {name}")
                bar.update()
    finally:
        bar.close()


def measured(nets: dict[str, Contender], points: list[int]) -> list[int]:
    """The points at which both nets were measured; what one has more is dropped."""
    count = min(len(net.inputs) for net in nets.values())
    for net in nets.values():
        del net.accuracies[count:], net.inputs[count:]
    return points[:count]


def forever(loader: Any) -> Any:
    """The batches of one epoch after the other."""
    while True:
        yield from loader


def report(settings: Settings, nets: dict[str, Contender], points: list[int], seconds: float, out: Path) -> list[str]:
    """Write the table and the picture; returns the summary."""
    columns = ("accuracy", *(f"p{percentile}" for percentile in PERCENTILES))
    header = ["step", *(f"{name.replace(' ', '_')}_{column}" for name in nets for column in columns)]
    rows = (
        [step, *(v for net in nets.values() for v in (net.accuracies[i], *net.spread[i]))]
        for i, step in enumerate(points)
    )
    write_table(out / TABLE, header, rows)
    lines = []
    for name, net in nets.items():
        low, middle, high = net.spread[-1]
        lines.append(
            f"{name}: {net.accuracies[-1]:.2%} test accuracy after {counted(points[-1], 'step')}; "
            f"input of sigmoid {net.unit}: 15% {low:.3g}, 50% {middle:.3g}, 85% {high:.3g}"
        )
    written = [TABLE]
    if pictures.MISSING:
        lines.append(f"no {PICTURE}: {pictures.MISSING}")
    else:
        title = (
            f"{settings.dataset}: {len(WIDTHS)} hidden layers of {WIDTHS[0]} sigmoid units, with and without BatchNorm"
        )
        pictures.comparison(points, nets, PERCENTILES, title, out / PICTURE)
        written.append(PICTURE)
    return [*lines, f"{seconds:.1f} s; wrote {out}: {' '.join(written)}"]
