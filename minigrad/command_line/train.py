"""``minigrad train``: train an MLP on a dataset, and leave everything about it in a folder."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .. import data, nn, optim
from ..engine.modes import no_grad
from ..graph.draw import draw_step
from ..io.atomic import replacing
from ..io.checkpoint import CheckpointError, load, save
from ..nn import functional as F
from ..tensor.random import get_rng_state, manual_seed, set_rng_state
from ..tensor.tensor import Tensor
from . import pictures
from .errors import CommandError
from .progress import Plain, progress
from .table import write_table

SPLIT_SEED = 0
"""The split into training and test data is the same in every run."""


@dataclass(frozen=True)
class Settings:
    """Everything a training run depends on; the defaults suit the digits."""

    dataset: str
    hidden: tuple[int, ...] = (128, 64)
    epochs: int = 20
    batch_size: int = 64
    lr: float = 3e-3
    batchnorm: bool = True
    seed: int = 0


TOY: dict[str, Any] = {"hidden": (32, 32), "epochs": 40, "batch_size": 32, "lr": 1e-2}
DEFAULTS: dict[str, dict[str, Any]] = {"digits": {}, "sine": {**TOY, "epochs": 100, "batch_size": 100, "lr": 3e-3}}
"""What suits a dataset better than the defaults above; other generated data take those of ``TOY``."""


def settings_for(dataset: str, chosen: dict[str, Any]) -> Settings:
    """The dataset's defaults, with what the user chose instead."""
    return Settings(dataset, **{**DEFAULTS.get(dataset, TOY), **chosen})


class Task(NamedTuple):
    """What is minimised, and what is reported of the test data besides."""

    loss: Callable[[Any, Any], Tensor]
    score_name: str
    score: Callable[[Tensor, Tensor], float]
    format: str


def accuracy(output: Tensor, target: Tensor) -> float:
    """The share of rows whose largest output is that of the target class."""
    return float((output.argmax(1) == target).float().mean())


def r2(output: Tensor, target: Tensor) -> float:
    """The share of the target's variance that is explained."""
    return 1 - float(F.mse_loss(output, target)) / float(target.var(correction=0))


TASKS = {
    "classification": Task(F.cross_entropy, "test_accuracy", accuracy, ".2%"),
    "regression": Task(F.mse_loss, "test_r2", r2, ".4f"),
}


class Row(NamedTuple):
    """One epoch of the history."""

    epoch: int
    train_loss: float
    test_loss: float
    score: float
    seconds: float


def mlp(
    inputs: int, hidden: tuple[int, ...], outputs: int, batchnorm: bool, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Linear, BatchNorm and the activation for each hidden layer, and a last Linear."""
    model = nn.Sequential()
    for width in hidden:
        model.append(nn.Linear(inputs, width))
        if batchnorm:
            model.append(nn.BatchNorm1d(width))
        model.append(activation())
        inputs = width
    return model.append(nn.Linear(inputs, outputs))


def train_and_test(dataset: str, batch_size: int) -> tuple[data.TensorDataset, data.TensorDataset]:
    """The fixed split of a dataset; refused if there is not one full batch to train on."""
    train_set, test_set = data.train_test_split(data.load_dataset(dataset), seed=SPLIT_SEED)
    if len(train_set) < batch_size:
        raise CommandError(f"--batch-size {batch_size} is more than the {len(train_set)} training samples.")
    return train_set, test_set


class Training:
    """A training run: data, model, optimiser and history, and the state to resume it from."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        source = data.DATASETS[settings.dataset]
        self.task = TASKS[source.task]
        self.train_set, self.test_set = train_and_test(settings.dataset, settings.batch_size)
        manual_seed(settings.seed)
        self.model = mlp(source.inputs, settings.hidden, source.outputs, settings.batchnorm)
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        # a last batch of one sample would have no variance to normalise with
        self.loader = data.DataLoader(
            self.train_set, settings.batch_size, shuffle=True, drop_last=True, generator=settings.seed
        )
        self.history: list[Row] = []

    def epoch(self, bar: Plain) -> Row:
        """Train on every batch once, then evaluate; the row is added to the history."""
        start = time.perf_counter()
        total = 0.0
        self.model.train()
        for x, target in self.loader:
            self.optimizer.zero_grad()
            loss = self.task.loss(self.model(x), target)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
            bar.update()
        test_loss, score = self.evaluate()
        row = Row(len(self.history) + 1, total / len(self.loader), test_loss, score, time.perf_counter() - start)
        self.history.append(row)
        return row

    def evaluate(self) -> tuple[float, float]:
        """The loss and the score on the test data, with BatchNorm's running statistics."""
        x, target = self.test_set.tensors
        with self.model.evaluating(), no_grad():
            output = self.model(x)
            return float(self.task.loss(output, target)), self.task.score(output, target)

    def state(self) -> dict[str, Any]:
        """All that the rest of the run depends on."""
        return {
            "settings": asdict(self.settings),
            "history": [tuple(row) for row in self.history],
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "loader": self.loader.state_dict(),
            "random": get_rng_state(),
        }

    @classmethod
    def resumed(cls, state: dict[str, Any], epochs: int | None) -> Training:
        """The run that ``state`` was taken from, to go on to ``epochs`` epochs."""
        settings = {**state["settings"], "hidden": tuple(state["settings"]["hidden"])}
        run = cls(Settings(**{**settings, "epochs": epochs or settings["epochs"]}))
        run.model.load_state_dict(state["model"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.loader.load_state_dict(state["loader"])
        run.history = [Row(*row) for row in state["history"]]
        set_rng_state(state["random"])
        return run


def resume(path: Path, dataset: str, epochs: int | None) -> Training:
    """Continue the run of a checkpoint; refused if it is not one of this command, or of other data."""
    try:
        state = load(path)
        run = Training.resumed(state, epochs)
    except (OSError, CheckpointError) as error:
        raise CommandError(str(error)) from error
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CommandError(
            f"{path} is no checkpoint of 'minigrad train': resume from a checkpoint.npz that it wrote."
        ) from error
    if run.settings.dataset != dataset:
        raise CommandError(
            f"{path} is a run on {run.settings.dataset}, not on {dataset}: "
            f"minigrad train {run.settings.dataset} --resume {path}"
        )
    if len(run.history) >= run.settings.epochs:
        raise CommandError(f"{path} has its {run.settings.epochs} epochs already: ask for more with --epochs.")
    return run


def writable_folder(path: Path) -> Path:
    """The folder, made if need be; refused if nothing can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with replacing(path / ".writable") as file:
            file.write(b"")
        (path / ".writable").unlink()
    except OSError as error:
        reason = error.strerror or "it is not writable"
        raise CommandError(f"cannot write to {path}: {reason}. Choose another folder with --out.") from error
    return path


def write_graph(run: Training, path: Path) -> Path:
    """The picture of one training step's graph, after backward; the model is not changed."""
    model = copy.deepcopy(run.model).train()
    x, target = (tensor[: run.settings.batch_size] for tensor in run.train_set.tensors)
    return draw_step(model, lambda net: run.task.loss(net(x), target)).save(path)


def train(run: Training, out: Path) -> list[str]:
    """Train to the end, writing the checkpoint after every epoch; returns the closing summary."""
    task, settings = run.task, run.settings
    score_name = task.score_name.replace("_", " ")
    samples = f"{len(run.train_set):,} training and {len(run.test_set):,} test samples"
    remaining = settings.epochs - len(run.history)
    bar = progress(remaining * len(run.loader), "step")
    bar.write(f"{settings.dataset}: {samples}, seed {settings.seed}")
    bar.write(repr(run.model))
    bar.write(f"{'epoch':>5}  {'train loss':>10}  {'test loss':>10}  {score_name:>13}  {'seconds':>7}")
    try:
        for _ in range(remaining):
            row = run.epoch(bar)
            save(run.state(), out / "checkpoint.npz")
            header = ["epoch", "train_loss", "test_loss", task.score_name, "seconds"]
            write_table(out / "history.csv", header, run.history)
            losses = f"{row.train_loss:>10.4f}  {row.test_loss:>10.4f}"
            bar.write(f"{row.epoch:>5}  {losses}  {row.score:>13{task.format}}  {row.seconds:>7.2f}")
    finally:
        bar.close()
    written, notes = write_pictures(run, out)
    last, seconds = run.history[-1], sum(row.seconds for row in run.history)
    epochs = f"{last.epoch} epoch{'s' * (last.epoch > 1)}"
    if not math.isfinite(last.train_loss + last.test_loss):
        notes.append("the loss is no finite number any more: try a smaller --lr")
    return [
        f"{settings.dataset}: {score_name} {last.score:{task.format}} after {epochs}, {seconds:.1f} s",
        f"wrote {out}: checkpoint.npz history.csv {' '.join(written)}",
        *notes,
    ]


def write_pictures(run: Training, out: Path) -> tuple[list[str], list[str]]:
    """Draw the graph, the curves and, in the plane or on a line, the fit; what was drawn, and what is missing."""
    name, sets = run.settings.dataset, (run.train_set.tensors, run.test_set.tensors)
    with warnings.catch_warnings(record=True) as caught:
        written = [write_graph(run, out / "graph.svg").name]
    notes = [str(warning.message) for warning in caught]
    jobs: dict[str, Callable[[Path], None]] = {
        "curves.png": lambda path: pictures.learning_curves(run.history, run.task.score_name, name, path)
    }
    inputs = sets[0][0].shape[1]
    if inputs == 2:
        title = f"{name}: decision boundary"
        jobs["boundary.png"] = lambda path: pictures.decision_boundary(run.model, *sets, title, path)
    if inputs == 1:
        jobs["fit.png"] = lambda path: pictures.fitted_curve(run.model, *sets, f"{name}: fitted curve", path)
    if pictures.MISSING:
        return written, [*notes, f"no {' '.join(jobs)}: {pictures.MISSING}"]
    for file, job in jobs.items():
        job(out / file)
    return [*written, *jobs], notes
