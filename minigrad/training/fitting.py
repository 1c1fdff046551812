"""``fit``: the usual loop over epochs and batches, with what is usually forgotten."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine.arguments import a_type, whole
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.modes import no_grad
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..optim.lr_scheduler.plateau import ReduceLROnPlateau
from ..tensor.tensor import Tensor
from .history import History
from .metrics import plain

Metric = Callable[[Any, Any], float]
"""A function of all outputs and all targets."""


def fit(
    model: Module, train: Iterable[Any], test: Iterable[Any] | None = None, *, loss: Callable[[Any, Any], Tensor],
    optimizer: Any, epochs: int, scheduler: Any = None, metrics: Iterable[Metric] | Mapping[str, Metric] = (),
    callbacks: Iterable[Callable[[Module, History], Any]] = (), patience: int | None = None,
) -> History:  # fmt: skip
    """Train a model, batch by batch, and say after each epoch how good it is.

    Each epoch trains in training mode, then looks at the test set in evaluation mode without a graph; at the end every
    module is in the mode it was in. On terminals a bar shows the progress (with tqdm).

    Args:
        model: the module.
        train: batches of (inputs, targets), gone through once in each epoch: a ``DataLoader`` or a list.
        test: such batches for ``test_loss`` and the metrics; without them the metrics are of the training set.
        loss: ``loss(output, target)``, one number, the mean over the batch.
        optimizer: that of the model's parameters.
        epochs: how many.
        scheduler: stepped after each epoch; a ``ReduceLROnPlateau`` is given the watched loss.
        metrics: functions ``metric(output, target)`` of all outputs and targets, under their names or those of a dict.
        callbacks: functions ``callback(model, history)``, called after each epoch; training ends if one returns True.
        patience: training ends after so many epochs without a lower watched loss; None: never.

    Returns:
        The ``History``, with the state of the best epoch: ``model.load_state_dict(history.best_state)``.

    Raises:
        FloatingPointError: if a loss is NaN or infinite; no step is made with it.
        ValueError: for a loader that yields nothing, a loss that is not one number, epochs below 1.
        TypeError: for arguments of another kind, or a loader that can be gone through only once.

    >>> _ = mg.manual_seed(0)
    >>> x = mg.linspace(-1, 1, 32).reshape(32, 1)
    >>> model = nn.Linear(1, 1)
    >>> history = training.fit(
    ...     model, [(x, 3 * x)], loss=nn.MSELoss(), optimizer=optim.SGD(model.parameters(), lr=0.5), epochs=50,
    ...     metrics=[training.r2_score])
    >>> round(history["r2_score"][-1], 3), len(history)
    (1.0, 50)
    """
    check(model, train, test, optimizer, loss)
    epochs = whole(epochs, 1, "fit: epochs must be an integer of at least 1")
    if patience is not None:
        patience = whole(patience, 1, "fit: patience must be an integer of at least 1, or None")
    measured = dict(metrics) if isinstance(metrics, Mapping) else {name_of(metric): metric for metric in metrics}
    callbacks = list(callbacks)
    history = History("loss" if test is None else "test_loss")
    with Snapshot(modes=list(model.modules())), bar(epochs) as advance:
        for _ in range(epochs):
            row = {"lr": float(optimizer.param_groups[0]["lr"]), "loss": train_once(model, train, loss, optimizer)}
            if test is not None or measured:
                row |= evaluate(model, train if test is None else test, loss if test is not None else None, measured)
            note(history, row, model)
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(row[history.watched])
            elif scheduler is not None:
                scheduler.step()
            advance()
            ended = [callback(model, history) is True for callback in callbacks]
            if any(ended) or (patience is not None and history.epochs_since_best >= patience):
                break
    return history


def check(model: Any, train: Any, test: Any, optimizer: Any, loss: Any) -> None:
    """Refuse what is no module, no loader, no function, no optimiser, or an optimiser of something else."""
    if not isinstance(model, Module):
        raise InvalidTypeError(f"fit expects a module, got {a_type(model)}.")
    if not hasattr(optimizer, "step") or not hasattr(optimizer, "param_groups"):
        raise InvalidTypeError(f"fit expects an optimizer, got {a_type(optimizer)}: optim.Adam(model.parameters()).")
    own = set(map(id, model.parameters()))
    if not any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"]):
        raise InvalidValueError(
            "fit: the optimizer has none of the model's parameters: optim.Adam(model.parameters()), after the model's "
            "last change."
        )
    if not callable(loss):
        raise InvalidTypeError(f"fit: loss is a function loss(output, target), such as F.cross_entropy, got {loss!r}.")
    for name, loader in (("train", train), ("test", test)):
        known = loader is None and name == "test"
        if not known and (isinstance(loader, Tensor) or not hasattr(loader, "__iter__") or hasattr(loader, "__next__")):
            raise InvalidTypeError(
                f"fit: {name} must be batches that can be gone through in each epoch, a DataLoader or a list, "
                f"got {a_type(loader)}: DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)."
            )


def pairs(batches: Iterable[Any], name: str) -> Iterator[tuple[Any, Any]]:
    """The inputs and targets of each batch.

    Raises:
        ValueError: if there is none, or a batch is something else.
    """
    empty = True
    for batch in batches:
        empty = False
        if not isinstance(batch, (list, tuple)) or len(batch) != 2:
            raise InvalidValueError(f"fit: a batch of {name} must be (inputs, targets), got {a_type(batch)}.")
        yield batch[0], batch[1]
    if empty:
        raise InvalidValueError(f"fit: {name} yields no batch.")


def train_once(model: Module, train: Iterable[Any], loss: Callable[[Any, Any], Tensor], optimizer: Any) -> float:
    """One epoch; the mean loss of its samples, each as it was seen."""
    model.train()
    total, count = 0.0, 0
    for inputs, targets in pairs(train, "train"):
        optimizer.zero_grad()
        value = loss(model(inputs), targets)
        number = finite(value)
        value.backward()
        optimizer.step()
        total, count = total + number * len(targets), count + len(targets)
    return total / count


def finite(value: Any) -> float:
    """A loss as a number, if it is one, and finite."""
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise InvalidValueError(f"fit: the loss must be a tensor of one number, got {a_type(value)}.")
    number = value.item()
    if not math.isfinite(number):
        raise FloatingPointError(
            f"fit: the loss is {number}: try a smaller learning rate, or find the operation with "
            "mg.autograd.detect_anomaly()."
        )
    return float(number)


def evaluate(
    model: Module, batches: Iterable[Any], loss: Callable[[Any, Any], Tensor] | None, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """The loss, if one is given, and the metrics of some batches in evaluation mode."""
    model.eval()
    outputs, targets, losses = [], [], []
    with no_grad():
        for x, y in pairs(batches, "test"):
            output = model(x)
            outputs.append(plain(output))
            targets.append(plain(y))
            if loss is not None:
                losses.append(loss(output, y).item() * len(y))
    row = {} if loss is None else {"test_loss": sum(losses) / sum(map(len, targets))}
    every_output, every_target = np.concatenate(outputs), np.concatenate(targets)
    return row | {name: float(metric(every_output, every_target)) for name, metric in metrics.items()}


def note(history: History, row: dict[str, float], model: Module) -> None:
    """Add an epoch, and keep the model's state if it is the best."""
    history.rows.append(row)
    best, number = history.best_epoch, row[history.watched]
    if not math.isnan(number) and (best is None or number < history.rows[best][history.watched]):
        history.best_epoch = len(history) - 1
        history.best_state = {name: value.clone() for name, value in model.state_dict().items()}


def name_of(metric: Any) -> str:
    """The name of a metric: a function's, or the class of an object."""
    if not callable(metric):
        raise InvalidTypeError(f"fit: a metric must be a function of outputs and targets, got {a_type(metric)}.")
    return getattr(metric, "__name__", type(metric).__name__)


@contextmanager
def bar(epochs: int) -> Iterator[Callable[[], Any]]:
    """What advances a bar by tqdm, which is shown on terminals only; without tqdm nothing is."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda: None
        return
    with tqdm(total=epochs, unit="epoch", leave=False, disable=None) as shown:
        yield shown.update
