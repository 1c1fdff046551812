"""Losses as modules, each against its formula."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.inputs import X, difference_quotient, log_softmax, rng, sigmoid, softmax

pytestmark = pytest.mark.usefixtures("seeded")
REDUCE = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}
TARGET = rng.standard_normal((5, 4))
LABELS = rng.integers(0, 2, (5, 4)).astype(float)
CLASSES = np.array([0, 3, 1, 1, 2])
CLASS_WEIGHT = np.array([1.0, 0.5, 2.0, 3.0])
ROW_WEIGHT = rng.random((5, 4)) + 0.5
P = 1 / (1 + np.exp(-X))


def bce(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def by_class(log_p, weight, reduction, ignored=None):
    """The weighted negative log likelihood, row by row."""
    rows = [(-weight[t] * log_p[i, t], weight[t]) if t != ignored else (0.0, 0.0) for i, t in enumerate(CLASSES)]
    losses, weights = np.array(rows).T
    return losses.sum() / weights.sum() if reduction == "mean" else REDUCE[reduction](losses)


def smoothed(x, weight, reduction, smoothing):
    """Cross entropy with a part of each target spread evenly over the classes."""
    log_p = log_softmax(x)
    spread = -(log_p * weight).sum(1)
    counted = weight[CLASSES]
    spread = spread.sum() / counted.sum() if reduction == "mean" else REDUCE[reduction](spread)
    return (1 - smoothing) * by_class(log_p, weight, reduction) + smoothing / 4 * spread


ONES = np.ones(4)

LOSSES = {
    "mse": (nn.MSELoss, {}, X, TARGET, lambda x, r: REDUCE[r]((x - TARGET) ** 2)),
    "l1": (nn.L1Loss, {}, X, TARGET, lambda x, r: REDUCE[r](np.abs(x - TARGET))),
    "bce": (nn.BCELoss, {}, P, LABELS, lambda x, r: REDUCE[r](bce(x, LABELS))),
    "weighted bce": (
        nn.BCELoss, {"weight": ROW_WEIGHT}, P, LABELS, lambda x, r: REDUCE[r](bce(x, LABELS) * ROW_WEIGHT),
    ),
    "bce of logits": (nn.BCEWithLogitsLoss, {}, X, LABELS, lambda x, r: REDUCE[r](bce(sigmoid(x), LABELS))),
    "weighted bce of logits": (
        nn.BCEWithLogitsLoss, {"weight": ROW_WEIGHT, "pos_weight": CLASS_WEIGHT}, X, LABELS,
        lambda x, r: REDUCE[r](
            -ROW_WEIGHT * (CLASS_WEIGHT * LABELS * np.log(sigmoid(x)) + (1 - LABELS) * np.log(1 - sigmoid(x)))
        ),
    ),
    "nll": (nn.NLLLoss, {}, log_softmax(X), CLASSES, lambda x, r: by_class(x, ONES, r)),
    "weighted nll": (
        nn.NLLLoss, {"weight": CLASS_WEIGHT, "ignore_index": 1}, log_softmax(X), CLASSES,
        lambda x, r: by_class(x, CLASS_WEIGHT, r, ignored=1),
    ),
    "cross entropy": (nn.CrossEntropyLoss, {}, X, CLASSES, lambda x, r: by_class(log_softmax(x), ONES, r)),
    "weighted cross entropy": (
        nn.CrossEntropyLoss, {"weight": CLASS_WEIGHT, "ignore_index": 3}, X, CLASSES,
        lambda x, r: by_class(log_softmax(x), CLASS_WEIGHT, r, ignored=3),
    ),
    "smoothed cross entropy": (
        nn.CrossEntropyLoss, {"weight": CLASS_WEIGHT, "label_smoothing": 0.3}, X, CLASSES,
        lambda x, r: smoothed(x, CLASS_WEIGHT, r, 0.3),
    ),
    "cross entropy of probabilities": (
        nn.CrossEntropyLoss, {}, X, softmax(TARGET, 1),
        lambda x, r: REDUCE[r](-(softmax(TARGET, 1) * log_softmax(x)).sum(1)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCE)
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, reduction):
    kind, settings, x, target, formula = LOSSES[name]
    criterion = kind(reduction=reduction, **settings)
    assert list(criterion.parameters()) == []
    assert set(criterion.state_dict()) == set(settings) & {"weight", "pos_weight"}
    input = mg.tensor(x, requires_grad=True)
    loss = criterion(input, mg.tensor(target))
    np.testing.assert_allclose(loss.numpy(), formula(x, reduction), rtol=1e-12, atol=1e-14)
    dy = np.random.default_rng(2).standard_normal(loss.shape)
    loss.backward(mg.tensor(dy))
    expected = difference_quotient(lambda values: np.sum(formula(values, reduction) * dy), x)
    np.testing.assert_allclose(input.grad.numpy(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", dict.fromkeys(case[0] for case in LOSSES.values()))
def test_losses_refuse_an_unknown_reduction(kind):
    with pytest.raises(ValueError, match=r"reduction must be one of 'mean', 'sum', 'none', got 'average'"):
        kind(reduction="average")


def test_a_loss_keeps_its_weights_as_a_buffer():
    criterion = nn.CrossEntropyLoss(weight=mg.tensor([1.0, 2.0]))
    assert type(criterion.weight) is nn.Buffer
    assert criterion.half().weight.dtype == np.float16
