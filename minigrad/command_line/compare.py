"""``minigrad compare``: the same net with and without BatchNorm, trained side by side.

The experiment of figure 1 in S. Ioffe, C. Szegedy, Batch normalization, 2015: three hidden layers of 100
sigmoid units, batches of 60, plain SGD, weights from a Gaussian of small standard deviation. It
draws the test accuracy against the steps, and the 15th, 50th and 85th percentiles of the input of
one typical sigmoid of the last hidden layer.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import data, nn
from ..engine.modes import no_grad
from ..nn import functional as F
from ..tensor.random import manual_seed
from ..training.metrics import accuracy
from ..training.mlp import ACTIVATIONS, mlp
from . import pictures
from .ending import DivergenceError, collected_warnings, distinct, diverged, finishing, finite, written
from .errors import CommandError
from .problem import Problem, problem_for, with_path
from .progress import Plain, progress
from .results import Lines, Result
from .settings import DataSettings, make_optimizer
from .table import write_table
from .train import counted

WIDTHS = (100, 100, 100)
RATES = {"sgd": 2.0, "momentum": 0.2, "nesterov": 0.2, "adagrad": 0.03, "rmsprop": 3e-3}
"""Usual learning rates of the optimisers; of others 0.01."""
STANDARD_DEVIATION = 0.01
PERCENTILES = (15, 50, 85)
POINTS = 50
"""How often the nets are evaluated."""
ROWS = 10
"""How many of these evaluations are printed."""
FILES = TABLE, PICTURE = "compare.csv", "compare.png"


@dataclass(frozen=True)
class Settings(DataSettings):
    """What a comparison depends on."""

    steps: int = 4000
    batch_size: int = 60
    lr: float = 2.0
    seeds: int = 1
    hidden: tuple[int, ...] = WIDTHS
    activation: str = "sigmoid"
    optimizer: str = "sgd"


def settings_for(dataset: str, chosen: dict[str, Any]) -> Settings:
    """The defaults, with what the user chose instead; the learning rate suits the optimiser."""
    lr = RATES.get(chosen.get("optimizer", Settings.optimizer), 0.01)
    return Settings(dataset, **{"lr": lr, **with_path(dataset, chosen)})


def sigmoid_net(
    inputs: int, outputs: int, batchnorm: bool, hidden: tuple[int, ...] = WIDTHS, activation: str = "sigmoid"
) -> nn.Sequential:
    """Three hidden layers of 100 sigmoid units, or others, Gaussian weights, biases that are 0 to start with."""
    model = mlp(inputs, hidden, outputs, batchnorm, ACTIVATIONS[activation], bias=True)
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
    optimizer_name: str = "sgd"
    accuracies: list[float] = field(default_factory=list)
    inputs: list[np.ndarray] = field(default_factory=list)
    """At each evaluation the percentiles of the input of every last sigmoid, (percentiles, units)."""

    def __post_init__(self) -> None:
        self.optimizer = make_optimizer(self.optimizer_name, self.model, self.lr)

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


Nets = dict[str, Contender]


def compare(settings: Settings, out: Path, again: Sequence[str] = (), quiet: bool = False) -> Lines:
    """Train both nets on the same batches, write and print what was measured; the lines of the closing summary.

    Args:
        settings: what the comparison depends on.
        out: the folder that is written to.
        again: the words of the command that starts again after Ctrl-C.
        quiet: whether nothing is printed while the nets are trained.

    Raises:
        CommandError: after Ctrl-C, and if numbers are not finite. What was measured until then is written: of several
            seeds those that were finished.
    """
    problem = problem_of(settings)
    points = sorted({round(step) for step in np.linspace(0, settings.steps, POINTS + 1)})
    runs: list[Nets] = []
    end: CommandError | None = None
    start = time.perf_counter()
    with collected_warnings() as caught:
        try:
            train_side_by_side(settings, problem, runs, points, quiet)
        except DivergenceError as error:
            end = diverged(error, settings.lr)
        except KeyboardInterrupt:
            end = stopped("before there was anything to compare", again)
        seconds = time.perf_counter() - start
        if end and len(runs) > 1:
            del runs[-1]  # of the seed that was not finished
        points = measured(runs[0], points) if runs else []
        if end and len(points) < 2:
            yield Result(again=shlex.join(again) if end.code == 130 else None)
            raise end
        again = [*again, *["--overwrite"] * ("--overwrite" not in again)]  # from now on files are there
        if end and end.code == 130:
            end = stopped(reached(settings, runs, points), again)
            finishing()
        try:
            missing = yield from report(settings, problem.name, runs, points, seconds, out, quiet)
        except KeyboardInterrupt:
            raise end or stopped("before the picture was drawn", again) from None
        if missing and missing.code == 130:
            missing = stopped("before the picture was drawn", again)
        end = end or missing
    yield Result(again=shlex.join(again) if end and end.code == 130 else None)
    yield from distinct(caught)
    if end:
        raise end


def problem_of(settings: Settings) -> Problem:
    """The data; refused if there is not one full batch to train on."""
    problem = problem_for(settings)
    if problem.task != "classification":
        raise CommandError(
            f"{problem.name} has no classes, which compare wants: its target {problem.preparation.target!r} is a "
            "number; name another column with --target, or say --task classification."
        )
    if len(problem.train) < settings.batch_size:
        raise CommandError(
            f"--batch-size {settings.batch_size} is more than the {len(problem.train)} training samples."
        )
    return problem


def reached(settings: Settings, runs: list[Nets], points: list[int]) -> str:
    """How far a comparison has come."""
    if points[-1] == settings.steps:
        return f"after {len(runs)} of {counted(settings.seeds, 'seed')}"
    return f"after {points[-1]:,} of {settings.steps:,} steps"


def stopped(where: str, again: Sequence[str]) -> CommandError:
    """What is said after Ctrl-C."""
    return CommandError(f"stopped {where}; start again with: {shlex.join(again)}", code=130)


def new_nets(settings: Settings, problem: Problem, seed: int) -> Nets:
    """Both nets, with the same weights to start with."""
    nets: Nets = {}
    for name, batchnorm in (("with BatchNorm", True), ("without BatchNorm", False)):
        manual_seed(seed)
        net = sigmoid_net(problem.inputs, problem.outputs, batchnorm, settings.hidden, settings.activation)
        nets[name] = Contender(net, settings.lr, settings.optimizer)
    return nets


def train_side_by_side(
    settings: Settings, problem: Problem, runs: list[Nets], points: list[int], quiet: bool = False
) -> None:
    """Train both nets for each seed, measure them after each number of steps in ``points``, and print some of that.

    Each pair is added to ``runs`` before it is trained.
    """
    widths = "-".join(map(str, (problem.inputs, *settings.hidden, problem.outputs)))
    rule = "SGD" if settings.optimizer == "sgd" else settings.optimizer
    seeds = range(settings.seed, settings.seed + settings.seeds)
    printed = {round(step) for step in np.linspace(0, settings.steps, ROWS + 1)} if settings.seeds == 1 else set()
    bar = progress(settings.steps * settings.seeds, "step", quiet)
    try:
        bar.write(
            f"{problem.name}: {len(problem.train):,} training and {len(problem.test):,} test samples, "
            + (f"seed {settings.seed}" if settings.seeds == 1 else f"seeds {seeds[0]} to {seeds[-1]}")
        )
        for line in problem.notes:
            bar.write(line)
        bar.write(f"{widths}, {settings.activation}, {rule} with lr {settings.lr}, batches of {settings.batch_size}")
        first = "step" if settings.seeds == 1 else "seed"
        names = "with BatchNorm", "without BatchNorm"
        bar.write(f"{first:>6}  " + "  ".join(f"{name:>18}" for name in names) + "   (test accuracy)")
        for seed in seeds:
            runs.append(new_nets(settings, problem, seed))
            train_pair(settings, problem, runs[-1], seed, points, printed, bar)
            if settings.seeds > 1:
                bar.write(f"{seed:>6}  " + accuracies(runs[-1]))
    finally:
        bar.close()


def train_pair(
    settings: Settings, problem: Problem, nets: Nets, seed: int, points: list[int], printed: set[int], bar: Plain
) -> None:
    """Train both nets of a seed on the same batches."""
    test_x, test_target = problem.test.tensors
    loader = data.DataLoader(problem.train, settings.batch_size, shuffle=True, drop_last=True, generator=seed)
    batches = forever(loader)
    measuring = set(points)
    for step in range(settings.steps + 1):
        if step in measuring:
            for name, net in nets.items():
                net.measure(test_x, test_target, f"after {counted(step, 'step')} {name}")
            if step in printed:
                bar.write(f"{step:>6}  " + accuracies(nets))
        if step < settings.steps:
            x, target = next(batches)
            for name, net in nets.items():
                net.step(x, target, f"in step {step + 1} {name}")
            bar.update()


def accuracies(nets: Nets) -> str:
    """The last accuracies, in the columns of the table."""
    return "  ".join(f"{net.accuracies[-1]:>18.2%}" for net in nets.values())


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


def report(
    settings: Settings, dataset: str, runs: list[Nets], points: list[int], seconds: float, out: Path, quiet: bool
) -> Generator[str | Result, None, CommandError | None]:
    """Write the table and the picture; the lines of the summary, and the result; the error if one is missing.

    Of several seeds the accuracies are means, and have deviations; the inputs of units are those of the first.
    """
    bands = {name: np.array([nets[name].accuracies for nets in runs]) for name in runs[0]}
    several = len(runs) > 1
    columns = ("accuracy", *["accuracy_deviation"] * several, *(f"p{percentile}" for percentile in PERCENTILES))
    header = ["step", *(f"{name.replace(' ', '_')}_{column}" for name in bands for column in columns)]
    rows = []
    for i, step in enumerate(points):
        row: list[Any] = [step]
        for name, net in runs[0].items():
            spread = [deviation(bands[name][:, i])] * several
            row += [float(bands[name][:, i].mean()), *spread, *net.spread[i]]
        rows.append(row)
    lines = [summary(settings, name, net, bands[name][:, -1], points[-1]) for name, net in runs[0].items()]
    title = title_of(settings, dataset, len(runs))
    jobs = {
        TABLE: lambda path: write_table(path, header, rows),
        PICTURE: lambda path: pictures.comparison(points, runs, PERCENTILES, settings.activation, title, path),
    }
    names, missing, error = written(jobs, out, quiet)
    done = f"wrote {out}: {' '.join(names)}" if names else "nothing was written"
    yield from [*lines, *missing, f"{seconds:.1f} s; {done}"]
    nets = {
        name: {
            "accuracy": bands[name][:, -1].mean(),
            "deviation": deviation(bands[name][:, -1]),
            "percentiles": dict(zip(map(str, PERCENTILES), net.spread[-1])),
        }
        for name, net in runs[0].items()
    }
    seeds = list(range(settings.seed, settings.seed + len(runs)))
    yield Result(
        dataset=settings.dataset, seeds=seeds, steps=points[-1], nets=nets, seconds=seconds, folder=out, files=names
    )
    return error


def title_of(settings: Settings, dataset: str, seeds: int) -> str:
    """The heading of the picture."""
    alike = len(set(settings.hidden)) == 1
    widths = f"{settings.hidden[0]}" if alike else "-".join(map(str, settings.hidden))
    layers = f"{len(settings.hidden)} hidden layers of {widths} {settings.activation} units"
    several = f", {seeds} seeds" * (seeds > 1)
    rate = f"{settings.optimizer}, lr {settings.lr:g}"
    about = f"{rate}   batches of {settings.batch_size}   seed {settings.seed}"
    return f"{dataset}: {layers}, with and without BatchNorm{several}\n{about}"


def deviation(values: np.ndarray) -> float:
    """The standard deviation of a sample; 0 of a single value."""
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def summary(settings: Settings, name: str, net: Contender, ends: np.ndarray, steps: int) -> str:
    """What was reached by one kind of net."""
    low, middle, high = net.spread[-1]
    reached = f"{ends.mean():.2%}"
    if len(ends) > 1:
        reached = f"{ends.mean():.2%} +- {deviation(ends):.2%} (mean and deviation of {len(ends)} seeds)"
    return (
        f"{name}: {reached} test accuracy after {counted(steps, 'step')}; "
        f"input of {settings.activation} {net.unit}: 15% {low:.3g}, 50% {middle:.3g}, 85% {high:.3g}"
        + f" (seed {settings.seed})"
        * (len(ends) > 1)
    )
