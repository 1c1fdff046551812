"""What the estimators share: the arguments, the training and the prediction."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy import ndarray
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..engine.arguments import below_one, not_negative, real, switch, whole
from ..engine.errors import InvalidValueError
from ..engine.modes import no_grad
from ..tensor.creation import tensor
from ..tensor.tensor import Tensor
from .learner import ACTIVATIONS, SOLVERS, Batches, Learner, Plan

DTYPES = (np.float64, np.float32)
"""Data of other dtypes become the first."""


class Perceptron(BaseEstimator):
    """What classifier and regressor share: the arguments, which ``MLPClassifier`` describes, and the training."""

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: str = "relu", *, batch_norm: bool = True,
        batch_norm_momentum: float | None = 0.1, solver: str = "adam", alpha: float = 0.0001,
        batch_size: Any = "auto", learning_rate_init: float = 0.001, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
    ) -> None:  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.batch_norm = batch_norm
        self.batch_norm_momentum = batch_norm_momentum
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change

    _learner: Learner

    # -- of the subclass -------------------------------------------------------------------------

    def _targets(self, y: ndarray, first: bool, classes: Any) -> ndarray:
        """Targets as the loss takes them; the first ones decide the output, or the classes that are announced."""
        raise NotImplementedError

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean loss of a batch."""
        raise NotImplementedError

    def _score(self, output: ndarray, target: ndarray) -> float:
        """How good outputs are, as ``score`` says it."""
        raise NotImplementedError

    # -- training --------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any) -> Any:
        """Train on data (samples, features) and their targets; returns the estimator.

        Raises:
            ValueError: for data or settings that do not fit. After an error the estimator is what it was before.
            FloatingPointError: if the loss is no longer finite.
        """
        goes_on = switch(self.warm_start, f"{type(self).__name__}: warm_start") and self.__sklearn_is_fitted__()
        return self._trained(X, y, goes_on, incremental=False)

    def partial_fit(self, X: Any, y: Any) -> Any:
        """Go on training by one epoch, a pass over these data, with the same optimiser; returns the estimator."""
        return self._trained(X, y, self.__sklearn_is_fitted__(), incremental=True)

    def _trained(self, X: Any, y: Any, goes_on: bool, incremental: bool, classes: Any = None) -> Any:
        """Train, all of it or, after an error, nothing."""
        with all_or_nothing(self):
            X, y = validate_data(
                self, X, y, reset=not goes_on, dtype=DTYPES, multi_output=is_regressor(self),
                y_numeric=is_regressor(self),
            )  # fmt: skip
            targets = self._targets(y, not goes_on, classes)
            random = check_random_state(self.random_state)
            size = self._batch_size(len(X))
            settings = self._settings(size)
            plan = self._plan(X)
            if goes_on:
                X = X.astype(self._learner.plan.dtype, copy=False)
                self._learner = copy.deepcopy(self._learner)
                self._refuse_another(plan)
                if not incremental:
                    self._learner.restart(self.solver, settings)
            else:
                self._learner = Learner(plan, random.randint(np.iinfo(np.int32).max), self.solver, settings)
                self.loss_curve_: list[float] = []
            if targets.dtype.kind == "f":
                targets = targets.astype(X.dtype, copy=False)
            if incremental:
                self._one_epoch(X, targets, size)
            else:
                self._all_epochs(X, targets, size, random)
            self.n_layers_ = len(self._learner.plan.sizes)
        return self

    def _one_epoch(self, X: ndarray, targets: ndarray, size: int) -> None:
        """A pass over the data."""
        if switch(self.early_stopping, f"{type(self).__name__}: early_stopping"):
            raise InvalidValueError(f"{type(self).__name__}: partial_fit does not support early_stopping=True.")
        self.loss_ = self._learner.epoch(self._batches(X, targets, size), self._loss)
        self.loss_curve_.append(self.loss_)
        self.n_iter_ = len(self.loss_curve_)

    def _all_epochs(self, X: ndarray, targets: ndarray, size: int, random: Any) -> None:
        """Passes over the data until nothing improves any more, or they are ``max_iter``."""
        name = type(self).__name__
        max_iter = whole(self.max_iter, 1, f"{name}: max_iter must be an integer of at least 1")
        tol = real(self.tol, not_negative, f"{name}: tol must be a number of at least 0")
        patience = self.n_iter_no_change
        if patience != math.inf:
            patience = whole(patience, 1, f"{name}: n_iter_no_change must be an integer of at least 1, or infinity")
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_ = self.best_loss_ = None
        if switch(self.early_stopping, f"{name}: early_stopping"):
            X, held_out, targets, right = self._split(X, targets, random)
            self.validation_scores_ = []
        batches = self._batches(X, targets, min(size, len(X)))
        best, best_state, stale, self.n_iter_ = math.inf, None, 0, 0
        while stale <= patience and self.n_iter_ < max_iter:
            cost = self.loss_ = self._learner.epoch(batches, self._loss)
            self.loss_curve_.append(cost)
            self.n_iter_ += 1
            if self.validation_scores_ is not None:
                self.validation_scores_.append(self._score(self._output(held_out).numpy(), right))
                cost = -self.validation_scores_[-1]
            stale = stale + 1 if cost > best - tol else 0
            if cost < best:
                best = cost
                if self.validation_scores_ is not None:
                    best_state = {key: value.clone() for key, value in self._learner.model.state_dict().items()}
            self._print_epoch()
        if stale <= patience:
            warnings.warn(
                f"{name}: {max_iter} epochs were not enough to converge: give a larger max_iter, or a larger tol.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if best_state is not None:
            self._learner.model.load_state_dict(best_state)
            self.best_validation_score_ = -best
        else:
            self.best_loss_ = best

    def _print_epoch(self) -> None:
        """Print the last epoch, if it is wanted."""
        if self.verbose:
            score = f", validation score {self.validation_scores_[-1]:.6f}" if self.validation_scores_ else ""
            print(f"Iteration {self.n_iter_}, loss {self.loss_:.8f}{score}")

    def _split(self, X: ndarray, targets: ndarray, random: Any) -> list[ndarray]:
        """The data without a share for validation, and this share; of classes the same share of each."""
        message = f"{type(self).__name__}: validation_fraction must be a number above 0 and below 1"
        share = real(self.validation_fraction, lambda number: 0 < number < 1, message)
        stratify = targets if is_classifier(self) else None
        parts: list[ndarray] = train_test_split(X, targets, random_state=random, test_size=share, stratify=stratify)
        if len(parts[1]) < 2 or len(parts[0]) < self._least():
            raise InvalidValueError(
                f"{type(self).__name__}: early_stopping cuts {len(X)} samples into {len(parts[0])} for training and "
                f"{len(parts[1])} for validation, too few: give another validation_fraction, or more samples."
            )
        return parts

    def _batches(self, X: ndarray, targets: ndarray, size: int) -> Batches:
        """The data in batches."""
        shuffled = switch(self.shuffle, f"{type(self).__name__}: shuffle")
        return Batches(X, targets, size, self._least(), self._learner.generator if shuffled else None)

    # -- settings --------------------------------------------------------------------------------

    def _least(self) -> int:
        """How many samples a batch must have: of one there is no variance that could be normalised."""
        return 2 if self.batch_norm else 1

    def _batch_size(self, samples: int) -> int:
        """How many samples a batch has."""
        name = type(self).__name__
        if samples < self._least():
            raise InvalidValueError(
                f"{name}: n_samples=1, and batch normalisation needs two samples or more in a batch: give more, or "
                "batch_norm=False."
            )
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return min(200, samples)
        least = self._least()
        reason = " with batch normalisation" if least > 1 else ""
        message = f"{name}: batch_size must be 'auto', or an integer of at least {least}{reason}"
        return min(whole(self.batch_size, least, message), samples)

    def _plan(self, X: ndarray) -> Plan:
        """The model of now."""
        name = type(self).__name__
        sizes = self.hidden_layer_sizes
        sizes = sizes if hasattr(sizes, "__iter__") and not isinstance(sizes, str) else [sizes]
        message = f"{name}: hidden_layer_sizes must be integers of at least 1"
        hidden = [whole(size, 1, message) for size in sizes]
        momentum = self.batch_norm_momentum
        if momentum is not None:
            message = f"{name}: batch_norm_momentum must be a number from 0 to 1, or None"
            momentum = real(momentum, lambda number: 0 <= number <= 1, message)
        return Plan(
            (X.shape[1], *hidden, self.n_outputs_), self._one_of("activation", ACTIVATIONS),
            switch(self.batch_norm, f"{name}: batch_norm"), momentum, str(X.dtype),
        )  # fmt: skip

    def _settings(self, size: int) -> dict[str, Any]:
        """The optimiser's settings; of the penalty of a batch the gradient is weight decay."""
        name = type(self).__name__
        alpha = real(self.alpha, not_negative, f"{name}: alpha must be a number of at least 0")
        message = f"{name}: learning_rate_init must be a number above 0"
        rate = real(self.learning_rate_init, lambda number: number > 0, message)
        common = {"lr": rate, "weight_decay": alpha / size}
        if self._one_of("solver", SOLVERS) == "sgd":
            momentum = real(self.momentum, not_negative, f"{name}: momentum must be a number of at least 0")
            nesterov = switch(self.nesterovs_momentum, f"{name}: nesterovs_momentum") and momentum > 0
            return {**common, "momentum": momentum, "nesterov": nesterov}
        betas = tuple(
            real(getattr(self, beta), below_one, f"{name}: {beta} must be a number from 0 to below 1")
            for beta in ("beta_1", "beta_2")
        )
        eps = real(self.epsilon, not_negative, f"{name}: epsilon must be a number of at least 0")
        return {**common, "betas": betas, "eps": eps}

    def _one_of(self, name: str, table: Any) -> str:
        """A setting that is one of some words."""
        value = getattr(self, name)
        if not isinstance(value, str) or value not in table:
            raise InvalidValueError(f"{type(self).__name__}: {name} must be one of {', '.join(table)}, got {value!r}.")
        return value

    def _refuse_another(self, plan: Plan) -> None:
        """Refuse to go on with a model of another structure."""
        own = self._learner.plan._replace(dtype=plan.dtype)
        if own != plan:
            raise InvalidValueError(
                f"{type(self).__name__}: the model to go on with has sizes {own.sizes}, {own.activation}, "
                f"batch_norm={own.batch_norm}, the settings are of {plan.sizes}, {plan.activation}, "
                f"batch_norm={plan.batch_norm}: begin anew by fit with warm_start=False."
            )

    # -- prediction ------------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_learner")

    @property
    def model_(self) -> Any:
        """The ``nn.Sequential`` that was trained, in evaluation mode."""
        check_is_fitted(self)
        return self._learner.model

    def _output(self, X: ndarray) -> Tensor:
        """What the model says, by the running statistics."""
        with no_grad():
            output: Tensor = self._learner.model(tensor(X, dtype=self._learner.plan.dtype))
        return output

    def _checked_output(self, X: Any) -> Tensor:
        """What the model says of data that users give."""
        check_is_fitted(self)
        return self._output(validate_data(self, X, reset=False, dtype=DTYPES))


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """A block after which, if it raises, the estimator has the attributes it had before."""
    before = {name: list(value) if name == "loss_curve_" else value for name, value in vars(estimator).items()}
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
