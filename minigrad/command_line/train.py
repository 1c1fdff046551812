"""``minigrad train``: train an MLP on a dataset, and leave everything about it in a folder."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from .. import data
from ..compile.compiling import compile
from ..graph.draw import Graph, draw
from ..io.checkpoint import load, save
from ..io.errors import CheckpointError
from ..nn import functional as F
from ..optim.lr_scheduler import ReduceLROnPlateau
from ..tensor.random import get_rng_state, manual_seed, set_rng_state
from ..tensor.tensor import Tensor
from ..training.fitting import evaluate, train_once
from ..training.metrics import accuracy, r2_score
from ..training.mlp import ACTIVATIONS, mlp
from . import ending
from .ending import DivergenceError, collected_warnings, distinct, diverged, finishing, finite
from .errors import CommandError
from .problem import SPLIT_SEED, Problem, is_file, problem_for, with_path
from .progress import Plain, progress
from .results import Lines, Result
from .run_pictures import graph_and_curves
from .settings import SCHEDULES, Settings, make_optimizer, restored, settings_for
from .table import write_table

__all__ = ["SPLIT_SEED", "Settings", "Training", "mlp", "settings_for", "train"]

CHECKPOINT, BEST, HISTORY = "checkpoint.npz", "best.npz", "history.csv"
PICTURES = "graph.svg", "graph.gv", "curves.png", "boundary.png", "fit.png"
FILES = CHECKPOINT, BEST, HISTORY, *PICTURES
"""What may be written into the folder of a run."""
LARGEST = 8192
"""Test samples that are evaluated at once."""


class Task(NamedTuple):
    """What is minimised, and what is reported of the test data besides."""

    loss: Callable[[Any, Any], Tensor]
    score_name: str
    score: Callable[[Any, Any], float]
    format: str

    @property
    def title(self) -> str:
        """The score's name in a sentence."""
        return self.score_name.replace("_", " ")


TASKS = {
    "classification": Task(F.cross_entropy, "test_accuracy", accuracy, ".2%"),
    "regression": Task(F.mse_loss, "test_r2", r2_score, ".4f"),
}


class Row(NamedTuple):
    """One epoch of the history."""

    epoch: int
    train_loss: float
    test_loss: float
    score: float
    seconds: float
    lr: float = math.nan


def order(row: Row) -> tuple[float, float]:
    """By what the best epoch is found: the score, and among equal ones the loss on the test data."""
    return row.score, -row.test_loss


class Step(NamedTuple):
    """One step of training, as it was taken."""

    number: int
    loss: float
    graph: Graph


class Training:
    """A training run: data, model, optimiser and history, and the state to resume it from."""

    def __init__(self, settings: Settings, problem: Problem | None = None) -> None:
        self.settings = settings
        self.problem = problem or problem_for(settings)
        if len(self.problem.train) < settings.batch_size:
            raise CommandError(
                f"--batch-size {settings.batch_size} is more than the {len(self.problem.train)} training samples."
            )
        self.task = TASKS[self.problem.task]
        self.train_set, self.test_set = self.problem.train, self.problem.test
        manual_seed(settings.seed)
        activation = ACTIVATIONS[settings.activation]
        sizes = self.problem.inputs, settings.hidden, self.problem.outputs
        self.model = mlp(*sizes, settings.batchnorm, activation, settings.bias)
        self.optimizer = make_optimizer(settings.optimizer, self.model, settings.lr, settings.weight_decay)
        self.schedule = SCHEDULES[settings.schedule].make(self.optimizer, settings.epochs)
        # a last batch of one sample would have no variance to normalise with
        self.loader = data.DataLoader(
            self.train_set, settings.batch_size, shuffle=True, drop_last=True, generator=settings.seed
        )
        self.compiled_step = compile(self.take_step, state=[self.model, self.optimizer])
        self.history: list[Row] = []
        self.best_model: dict[str, Any] | None = None
        """The parameters and buffers of the model after its best epoch."""
        self.last_step: Step | None = None
        """The last step of the last epoch."""
        self.unwritten_best = False
        """Whether the best model is not yet in a file of its own."""
        self.source: Path | None = None
        """The checkpoint that the run was resumed from."""

    @property
    def best(self) -> Row:
        """The epoch with the best score on the test data, the first of them."""
        return max(self.history, key=order)

    def epoch(self, bar: Plain) -> Row:
        """Train on every batch once, then evaluate; the row is added to the history.

        Raises:
            DivergenceError: at the first loss that is not finite, before anything is learned from it.
        """
        start = time.perf_counter()
        lr = float(self.optimizer.param_groups[0]["lr"])
        train_loss, last, picture = (self.compiled_epoch if self.settings.compile else self.eager_epoch)(bar)
        seconds = time.perf_counter() - start
        graph = picture()
        start = time.perf_counter()
        test_loss, score = self.evaluate()
        seconds += time.perf_counter() - start
        row = Row(len(self.history) + 1, train_loss, self.finite(test_loss, "test"), score, seconds, lr)
        self.history.append(row)
        advance(self.schedule, test_loss)
        self.last_step = Step(len(self.history) * len(self.loader), last, graph)
        if self.best is row:
            self.best_model, self.unwritten_best = self.model.state_dict(), True
        return row

    def eager_epoch(self, bar: Plain) -> tuple[float, float, Callable[[], Graph]]:
        """Train on every batch once; the mean loss, the last one, and what draws the last step."""
        losses: list[Tensor] = []

        def loss(output: Tensor, target: Tensor) -> Tensor:
            losses[:] = [self.task.loss(output, target)]
            self.finite(losses[0].item(), "training")
            bar.update()
            return losses[0]

        mean = train_once(self.model, self.loader, loss, self.optimizer)
        return mean, losses[0].item(), lambda: draw(losses[0], model=self.model)

    def compiled_epoch(self, bar: Plain) -> tuple[float, float, Callable[[], Graph]]:
        """As ``eager_epoch``; of a compiled step there is no graph, so the model is drawn with the last batch."""
        self.model.train()
        losses = []
        for x, target in self.loader:
            losses.append(self.finite(self.compiled_step(x, target).item(), "training"))
            bar.update()
        return sum(losses) / len(losses), losses[-1], lambda: draw(self.model, x)

    def take_step(self, x: Tensor, target: Tensor) -> Tensor:
        """One step, which is compiled."""
        self.optimizer.zero_grad()
        loss = self.task.loss(self.model(x), target)
        loss.backward()
        self.optimizer.step()
        return loss

    def finite(self, loss: float, data: str) -> float:
        """The loss; refused if it is not finite."""
        return finite(loss, f"{data} loss", f"in epoch {len(self.history) + 1}")

    def evaluate(self) -> tuple[float, float]:
        """The loss and the score on the test data, with BatchNorm's running statistics."""
        with self.model.evaluating():
            found = evaluate(self.model, self.test_batches(), self.task.loss, {"score": self.task.score})
        return found["test_loss"], found["score"]

    def test_batches(self) -> list[Any]:
        """The test data in few batches, which need little memory."""
        parts = [range(start, start + LARGEST) for start in range(0, len(self.test_set), LARGEST)]
        return [self.test_set[part.start : part.stop] for part in parts]

    def state(self) -> dict[str, Any]:
        """All that the rest of the run depends on."""
        return {
            "settings": asdict(self.settings),
            "history": [tuple(row) for row in self.history],
            "model": self.model.state_dict(),
            "best_model": self.best_model,
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "preparation": self.problem.preparation.state(),
            "digest": self.problem.digest,
            "loader": self.loader.state_dict(),
            "random": get_rng_state(),
        }

    def best_state(self) -> dict[str, Any]:
        """The best epoch, and the model as it was after it."""
        kept = {"settings": asdict(self.settings), "preparation": self.problem.preparation.state()}
        return {**kept, **self.best._asdict(), "model": self.best_model}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to the state of a checkpoint of this run."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.loader.load_state_dict(state["loader"])
        self.history = [Row(*row) for row in state["history"]]
        self.best_model = state.get("best_model")
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        set_rng_state(state["random"])

    @classmethod
    def resumed(cls, state: dict[str, Any], dataset: str, epochs: int | None) -> Training:
        """The run that ``state`` was taken from, to go on to ``epochs`` epochs; a file may have moved since."""
        kept = restored(state["settings"])
        if "loader" not in state:  # the best model alone
            raise KeyError("loader")
        if is_file(kept.dataset) and is_file(dataset):
            kept = replace(kept, dataset=dataset, path=os.path.abspath(dataset))
        epochs = epochs or kept.epochs
        if epochs != kept.epochs and SCHEDULES[kept.schedule].planned:
            raise CommandError(
                f"its schedule {kept.schedule} was planned for {counted(kept.epochs, 'epoch')}: leave --epochs out, or "
                "start a new run."
            )
        run = cls(replace(kept, epochs=epochs))
        if run.problem.digest != state.get("digest"):
            raise CommandError(f"{kept.dataset} has other data than when this run began: start a new run.")
        run.restore(state)
        run.unwritten_best = run.best_model is not None
        return run


def started(dataset: str, chosen: dict[str, Any]) -> Training:
    """A new run with these settings chosen; the batch fits few samples, unless its size is among them."""
    settings = settings_for(dataset, with_path(dataset, chosen))
    problem = problem_for(settings)
    if "batch_size" not in chosen:
        settings = replace(settings, batch_size=max(2, min(settings.batch_size, len(problem.train))))
    return Training(settings, problem)


def checkpoint_in(path: Path) -> Path:
    """The checkpoint that a user names: the file, or the one in the folder."""
    return path / CHECKPOINT if os.path.isdir(path) else path


def resume(path: Path, dataset: str, epochs: int | None) -> Training:
    """Continue the run of a checkpoint; refused if it is not one of this command, or of other data."""
    try:
        state = load(path)
        run = Training.resumed(state, dataset, epochs)
    except (OSError, CheckpointError) as error:
        raise CommandError(str(error)) from error
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CommandError(
            f"{path} is no checkpoint of 'minigrad train': resume from a {CHECKPOINT} that it wrote."
        ) from error
    if run.settings.dataset != dataset:
        raise CommandError(
            f"{path} is a run on {run.settings.dataset}, not on {dataset}: {resuming(run.settings.dataset, path)}"
        )
    done = len(run.history)
    if done >= run.settings.epochs:
        planned = SCHEDULES[run.settings.schedule].planned
        cure = f"start a new run with --epochs {done + 10}" if planned else f"ask for more with --epochs {done + 10}"
        raise CommandError(f"{path} has {done} epochs already: {cure}.")
    run.source = path
    return run


def resuming(dataset: str, path: Path) -> str:
    """The command that goes on with a run."""
    return f"minigrad train {shlex.quote(dataset)} --resume {shlex.quote(str(path))}"


def train(run: Training, out: Path, quiet: bool = False) -> Lines:
    """Train to the end, writing the checkpoint after every epoch; the lines of the closing summary.

    Raises:
        CommandError: after Ctrl-C, and if a loss is not finite. Everything is then written that belongs to the
            epochs which were finished.
    """
    end: CommandError | None = None
    with collected_warnings() as caught:
        written = 0
        try:
            for _ in epochs(run, out, quiet):
                written, step = len(run.history), run.last_step
        except DivergenceError as error:
            end = diverged(error, run.settings.lr)
        except KeyboardInterrupt:
            if not written:
                raise
            end = stopped(run, written, out)
            finishing()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CommandError(f"{error}{then(run, written, out)}", code=1) from error
        if not written and end:
            raise end
        assert step
        try:
            if end:  # the model may be in the middle of an epoch
                run.restore(load(out / CHECKPOINT))
                write_history(run, out)
            files, notes, missing = ending.written(graph_and_curves(run, step.graph), out, quiet)
        except KeyboardInterrupt:
            message = "stopped before all pictures were drawn; the checkpoint is complete."
            raise end or CommandError(message, code=130) from None
    yield from summary(run, step, files, out)
    notes += distinct(caught)
    yield from notes
    end = end or missing
    yield result(run, out, [*notes], files, end)
    if end:
        raise end


def epochs(run: Training, out: Path, quiet: bool = False) -> Iterator[None]:
    """Train and print epoch by epoch; goes on to the next when the files of the last are written."""
    task, settings = run.task, run.settings
    samples = f"{len(run.train_set):,} training and {len(run.test_set):,} test samples"
    remaining = settings.epochs - len(run.history)
    bar = progress(remaining * len(run.loader), "step", quiet)
    write = bar.write
    try:
        for line in (f"{run.problem.name}: {samples}, seed {settings.seed}", *run.problem.notes):
            write(line)
        write(repr(run.model))
        lr = "        lr" * (run.schedule is not None)
        write(f"{'epoch':>5}  {'train loss':>10}  {'test loss':>10}  {task.title:>13}{lr}  {'seconds':>7}")
        for _ in range(remaining):
            row = run.epoch(bar)
            write_state(run, out)
            yield
            losses = f"{row.train_loss:>10.4f}  {row.test_loss:>10.4f}"
            lr = f"  {row.lr:>8.2g}" * (run.schedule is not None)
            write(f"{row.epoch:>5}  {losses}  {row.score:>13{task.format}}{lr}  {row.seconds:>7.3f}")
    finally:
        bar.close()


def write_state(run: Training, out: Path) -> None:
    """Write what the run can be resumed from, its best model and its history; pictures of an earlier state go."""
    if run.best_model is not None and run.unwritten_best:
        save(run.best_state(), out / BEST)
        run.unwritten_best = False
    save(run.state(), out / CHECKPOINT)
    write_history(run, out)
    for picture in (out / name for name in PICTURES):
        if not picture.is_symlink():
            picture.unlink(missing_ok=True)


def write_history(run: Training, out: Path) -> None:
    """Write the table of all epochs."""
    header = ["epoch", "train_loss", "test_loss", run.task.score_name, "seconds", "lr"]
    write_table(out / HISTORY, header, run.history)


def stopped(run: Training, written: int, out: Path) -> CommandError:
    """What is said after Ctrl-C: how to go on."""
    done, go_on = f"after {written} of {run.settings.epochs} epochs", resuming(run.settings.dataset, out)
    return CommandError(f"stopped {done}; go on with: {go_on}", code=130)


def then(run: Training, written: int, out: Path) -> str:
    """How to go on when the cause of an error is removed, if an epoch was finished."""
    return f" Then go on with: {resuming(run.settings.dataset, out)}" if written else ""


def result(run: Training, out: Path, notes: list[str], pictures: list[str], end: CommandError | None) -> Result:
    """What was reached and written, for programs."""
    last, best = (row._asdict() for row in (run.history[-1], run.best))
    unfinished = end and end.code == 130 and len(run.history) < run.settings.epochs
    return Result(
        dataset=run.settings.dataset, task=run.problem.task, seed=run.settings.seed, epochs=len(run.history),
        score=run.task.score_name, last=last, best=best, folder=out, files=written_files(run, pictures),
        resume=resuming(run.settings.dataset, out) if unfinished else None,
        notes=[*run.problem.notes, *notes],
    )  # fmt: skip


def written_files(run: Training, pictures: list[str]) -> list[str]:
    """The names of the files of a run."""
    return [CHECKPOINT, *[BEST] * (run.best_model is not None), HISTORY, *pictures]


def summary(run: Training, step: Step, files: list[str], out: Path) -> Iterator[str]:
    """What was reached and written."""
    task, last, best = run.task, run.history[-1], run.best
    line = f"{run.problem.name}: {task.title} {last.score:{task.format}} after {counted(last.epoch, 'epoch')}"
    if len(run.history) > 1:
        where = "which is the best" if best is last else f"best after epoch {best.epoch}"
        line += f", {where}" + f" ({best.score:{task.format}})" * (best is not last)
    yield f"{line}, {sum(row.seconds for row in run.history):.1f} s"
    yield f"wrote {out}: {' '.join(written_files(run, files))}"
    if best is not last and run.best_model is not None:
        yield f"{BEST} has the net of epoch {best.epoch}, {CHECKPOINT} that of epoch {last.epoch}"
    shown = "the net with the batch of the last step" if run.settings.compile else "the last step"
    if files and files[0].startswith("graph"):
        yield f"{files[0]} shows {shown}, number {step.number}, with loss {step.loss:.4g}"


def advance(schedule: Any, test_loss: float) -> None:
    """One more epoch of a schedule, if there is one."""
    if isinstance(schedule, ReduceLROnPlateau):
        schedule.step(test_loss)
    elif schedule is not None:
        schedule.step()


def counted(number: int, word: str) -> str:
    """``1 epoch``, ``2 epochs``."""
    return f"{number:,} {word}{'s' * (number != 1)}"
