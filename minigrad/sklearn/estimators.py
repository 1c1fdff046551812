"""``MLPClassifier`` and ``MLPRegressor``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ..engine.errors import InvalidValueError
from ..engine.node import array_of
from ..nn import functional as F
from ..tensor.tensor import Tensor
from .perceptron import Perceptron


class MLPClassifier(ClassifierMixin, Perceptron):
    """A perceptron with batch normalisation that chooses among classes, trained by cross-entropy.

    Arguments that have scikit-learn's names mean what they mean in its ``MLPClassifier``. Without a ``sample_weight``:
    batch normalisation counts every sample of a batch once, so weights of the loss would not be what weights of
    samples are; repeat samples instead. Data are dense, of float32 or float64, which the model then has, too.

    Args:
        hidden_layer_sizes: how many units each hidden layer has; () for none.
        activation: relu, tanh, logistic, identity, leaky_relu, elu, gelu or silu, of the hidden layers.
        batch_norm: whether each hidden layer normalises, before its activation.
        batch_norm_momentum: weight of a new batch in the running statistics; None for the mean of all batches.
        solver: adam, or sgd with ``momentum`` and ``nesterovs_momentum``.
        alpha: strength of the penalty, alpha / (2 * batch_size) * the sum of the squares of all weights of layers.
        batch_size: samples in a batch, at least 2 with ``batch_norm``; "auto" is 200; never more than there are. What
            would be a last batch of a single sample is joined to the one before it.
        learning_rate_init: the learning rate.
        max_iter: so many epochs at most; a ``ConvergenceWarning`` says that they were too few.
        shuffle: whether each epoch has an order of its own.
        random_state: a seed, for the same result again; None or a ``numpy.random.RandomState``. The random state of
            minigrad is neither used nor changed.
        tol, n_iter_no_change: training ends when the loss, or with ``early_stopping`` the validation score, has not
            become better by ``tol`` for more than so many epochs.
        verbose: whether each epoch is printed.
        warm_start: whether ``fit`` goes on with the model it has and a new optimiser.
        momentum, nesterovs_momentum: of sgd.
        early_stopping: whether a part of the data is kept for validation, a share ``validation_fraction`` of each
            class; the model is then that of the epoch with the best score.
        validation_fraction: this part.
        beta_1, beta_2, epsilon: of adam.

    Attributes:
        classes_: the classes in order.
        model_: the ``nn.Sequential``, for ``mg.draw``, ``mg.save(model_.state_dict(), ...)`` and the like.
        loss_curve_, loss_, best_loss_: mean losses of the epochs, without the penalty; the last; the smallest one.
        validation_scores_, best_validation_score_: with ``early_stopping``, else None.
        n_iter_, n_features_in_, feature_names_in_, n_outputs_, n_layers_: as scikit-learn's.

    >>> from minigrad.sklearn import MLPClassifier  # doctest: +SKIP
    >>> MLPClassifier((32, 32), random_state=0).fit(X, y).predict_proba(X[:2])  # doctest: +SKIP
    """

    out_activation_ = "softmax"

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Any:
        """Go on training by one epoch, a pass over these data, with the same optimiser; returns the estimator.

        Args:
            X, y: the data.
            classes: all classes there will be, needed in the first call.
        """
        goes_on = self.__sklearn_is_fitted__()
        if not goes_on and classes is None:
            raise InvalidValueError(f"{type(self).__name__}: the first call of partial_fit needs classes, all of them.")
        return self._trained(X, y, goes_on, incremental=True, classes=classes)

    def _targets(self, y: ndarray, first: bool, classes: Any) -> ndarray:
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(y if classes is None else column_or_1d(classes))
            self.n_outputs_ = len(self.classes_)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise InvalidValueError(
                f"{type(self).__name__}: classes {np.unique(classes)} are not those of before, {self.classes_}."
            )
        places = np.searchsorted(self.classes_, y)
        places[places == len(self.classes_)] = 0
        unknown = self.classes_[places] != y
        if unknown.any():
            raise InvalidValueError(
                f"{type(self).__name__}: y has classes {np.unique(y[unknown])} that are not among {self.classes_}."
            )
        return places.astype(np.int64, copy=False)

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = F.cross_entropy(output, target)
        return loss

    def _score(self, output: ndarray, target: ndarray) -> float:
        return float(np.mean(output.argmax(axis=1) == target))

    def predict(self, X: Any) -> ndarray:
        """The most probable class of each sample."""
        output = array_of(self._checked_output(X))
        found: ndarray = self.classes_[output.argmax(axis=1)]
        return found

    def predict_proba(self, X: Any) -> ndarray:
        """The probabilities (samples, classes), in the order of ``classes_``."""
        return np.asarray(array_of(F.softmax(self._checked_output(X), dim=1)))

    def predict_log_proba(self, X: Any) -> ndarray:
        """Their logarithms, also where they are too small for a probability."""
        return np.asarray(array_of(F.log_softmax(self._checked_output(X), dim=1)))


class MLPRegressor(RegressorMixin, Perceptron):
    """A perceptron with batch normalisation for numbers, one or several of each sample, trained by squared errors.

    The arguments are those of ``MLPClassifier``, and so are the attributes but ``classes_``. The loss is half the mean
    of the squared errors. Targets are (samples,) or (samples, outputs); scale those that are far from 0 and 1, say by
    scikit-learn's ``TransformedTargetRegressor``. The validation score is R2.

    Attributes:
        n_features_in_, feature_names_in_, n_outputs_, n_layers_, n_iter_, loss_curve_, model_: as there.

    >>> from minigrad.sklearn import MLPRegressor  # doctest: +SKIP
    >>> MLPRegressor((32, 32), random_state=0).fit(X, y).predict(X[:2])  # doctest: +SKIP
    """

    out_activation_ = "identity"

    def _targets(self, y: ndarray, first: bool, classes: Any) -> ndarray:
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        targets = y.reshape(len(y), -1)
        if first:
            self.n_outputs_ = targets.shape[1]
        elif targets.shape[1] != self.n_outputs_:
            raise InvalidValueError(
                f"{type(self).__name__}: y has {targets.shape[1]} outputs, the model to go on with {self.n_outputs_}."
            )
        return targets if targets.dtype.kind == "f" else targets.astype(np.float64)

    def _loss(self, output: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = F.mse_loss(output, target) / 2
        return loss

    def _score(self, output: ndarray, target: ndarray) -> float:
        return float(r2_score(target, output))

    def predict(self, X: Any) -> ndarray:
        """The numbers of each sample, (samples,) or (samples, outputs)."""
        output: ndarray = array_of(self._checked_output(X))
        return output[:, 0] if self.n_outputs_ == 1 else output
