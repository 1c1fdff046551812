"""Losses that are modules of a function, each against its formula; their gradients against finite differences."""

import copy
import math
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks.gradcheck import gradcheck

rng = np.random.default_rng(11)
X, Y, Z = rng.standard_normal((3, 5, 4))
SIGN, LABELS = np.sign(Y), (Y > 0).astype(float)
ROWS = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
CLASSES, WEIGHT = np.array([0, 3, 1, 1, 2]), np.array([1.0, 0.5, 2.0, 3.0])
P = np.exp(Z) / np.exp(Z).sum(1, keepdims=True)
SEVERAL = np.array([[0, 1, -1, 2], [3, -1, 0, 0], [-1, 0, 0, 0], [0, 1, 2, 3], [2, 0, -1, -1]])


def below(values):
    return np.maximum(values, 0)


def distance(a, b, p=2.0, eps=1e-6):
    return (np.abs(a - b + eps) ** p).sum(-1) ** (1 / p)


def near_and_far(a, b, c, margin, p=2.0, swap=False):
    far = np.minimum(distance(a, c, p), distance(b, c, p)) if swap else distance(a, c, p)
    return below(margin + distance(a, b, p) - far)


def cosine(a, b):
    return (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))


def by_margin(x, margin, p):
    right = x[np.arange(5), CLASSES][:, None]
    others = np.arange(4) != CLASSES[:, None]
    return (below(margin - right + x) ** p * others).sum(1) / 4 * WEIGHT[CLASSES]


def by_labels(x):
    total = []
    for row, places in zip(x, SEVERAL):
        right = [*places, -1][: [*places, -1].index(-1)]
        total.append(sum(max(0, 1 - (row[t] - row[i])) for t in right for i in range(4) if i not in right) / 4)
    return np.array(total)


def bce(x, t):
    return np.log(1 + np.exp(x)) - t * x


LOSSES = {
    "smooth l1": (nn.SmoothL1Loss(beta=0.5), (X, Y), lambda d: np.where(d < 0.5, d**2, d - 0.25)),
    "huber": (nn.HuberLoss(delta=0.5), (X, Y), lambda d: np.where(d < 0.5, d**2 / 2, (d - 0.25) / 2)),
    "kl": (nn.KLDivLoss(), (X, P), lambda x, t: t * (np.log(t) - x)),
    "kl of logarithms": (nn.KLDivLoss(log_target=True), (X, Y), lambda x, t: np.exp(t) * (t - x)),
    "poisson": (nn.PoissonNLLLoss(), (X, LABELS), lambda x, t: np.exp(x) - t * x),
    "poisson of counts": (
        nn.PoissonNLLLoss(False, True, eps=0.1), (P, 3 * LABELS),
        lambda x, t: x - t * np.log(x + 0.1) + (t > 1) * (3 * np.log(3) - 3 + np.log(6 * math.pi) / 2),
    ),
    "gaussian": (
        nn.GaussianNLLLoss(full=True), (X, Y, P),
        lambda x, t, var: (np.log(2 * math.pi * var) + (x - t) ** 2 / var) / 2,
    ),
    "hinge": (nn.HingeEmbeddingLoss(0.5), (P, SIGN), lambda x, t: np.where(t == 1, x, below(0.5 - x))),
    "ranking": (nn.MarginRankingLoss(0.5), (X, Z, SIGN), lambda a, b, t: below(0.5 - t * (a - b))),
    "cosine": (
        nn.CosineEmbeddingLoss(0.1), (X, Z, ROWS),
        lambda a, b, t: np.where(t == 1, 1 - cosine(a, b), below(cosine(a, b) - 0.1)),
    ),
    "triplet": (nn.TripletMarginLoss(), (X, Y, Z), lambda a, b, c: near_and_far(a, b, c, 1.0)),
    "triplet, swapped": (
        nn.TripletMarginLoss(2.0, 3.0, swap=True), (X, Y, Z), lambda a, b, c: near_and_far(a, b, c, 2.0, 3.0, True),
    ),
    "triplet of a distance": (
        nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().sum(-1), margin=0.5), (X, Y, Z),
        lambda a, b, c: below(0.5 + np.abs(a - b).sum(1) - np.abs(a - c).sum(1)),
    ),
    "triplet of the usual distance": (
        nn.TripletMarginWithDistanceLoss(swap=True), (X, Y, Z), lambda a, b, c: near_and_far(a, b, c, 1.0, swap=True),
    ),
    "margin of classes": (
        nn.MultiMarginLoss(2, 0.5, mg.tensor(WEIGHT)), (X, CLASSES), lambda x, t: by_margin(x, 0.5, 2),
    ),
    "margin of several classes": (nn.MultiLabelMarginLoss(), (X, SEVERAL), lambda x, t: by_labels(x)),
    "soft margin": (nn.SoftMarginLoss(), (X, SIGN), lambda x, t: np.log(1 + np.exp(-t * x))),
    "soft margin of several": (
        nn.MultiLabelSoftMarginLoss(mg.tensor(WEIGHT)), (X, LABELS), lambda x, t: (bce(x, t) * WEIGHT).mean(1),
    ),
}  # fmt: skip
OF_DIFFERENCES = {"smooth l1", "huber"}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_values(name, reduction):
    loss, operands, formula = LOSSES[name]
    loss = copy.copy(loss)
    loss.reduction = reduction
    expected = formula(np.abs(X - Y)) if name in OF_DIFFERENCES else formula(*operands)
    expected = {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](expected)
    np.testing.assert_allclose(loss(*map(mg.tensor, operands)).numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name):
    loss, (first, *others), _ = LOSSES[name]
    assert gradcheck(loss, [mg.tensor(first, requires_grad=True), *map(mg.tensor, others)])


def test_the_mean_over_the_rows_of_a_divergence():
    loss = nn.KLDivLoss(reduction="batchmean")(mg.tensor(X), mg.tensor(P))
    np.testing.assert_allclose(loss.item(), (P * (np.log(P) - X)).sum() / 5)


def test_a_distance_with_parameters_is_trained():
    class Stretched(nn.Module):
        def __init__(self):
            self.scale = nn.Parameter(mg.tensor(2.0))

        def forward(self, a, b):
            return self.scale * (a - b).abs().sum(-1)

    loss = nn.TripletMarginWithDistanceLoss(distance_function=Stretched())
    assert list(loss.state_dict()) == ["distance_function.scale"]
    loss(mg.tensor([[0.0]]), mg.tensor([[2.0]]), mg.tensor([[1.0]])).backward()
    assert loss.distance_function.scale.grad.item() == 1


class Focal(nn.CrossEntropyLoss):
    """A loss of one's own, with fields of its own."""

    gamma: float

    def __init__(self, gamma, **settings):
        super().__init__(reduction="none", **settings)
        self.gamma = gamma

    def forward(self, input, target):
        loss = super().forward(input, target)
        return ((1 - (-loss).exp()) ** self.gamma * loss).mean()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_a_loss_of_ones_own(duplicate):
    loss = duplicate(Focal(2.0, weight=mg.tensor(WEIGHT)))
    log_p = (X - np.log(np.exp(X).sum(1, keepdims=True)))[np.arange(5), CLASSES] * WEIGHT[CLASSES]
    expected = ((1 - np.exp(log_p)) ** 2 * -log_p).mean()
    np.testing.assert_allclose(loss(mg.tensor(X), mg.tensor(CLASSES)).item(), expected)
    assert list(loss.state_dict()) == ["weight"]


def test_a_setting_that_is_changed_counts():
    loss = nn.HuberLoss()
    loss.delta = 0.5
    assert loss(mg.tensor([2.0]), mg.tensor([0.0])).item() == 0.875
