"""What is found before training, and that nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.utils.data import DataLoader, TensorDataset


class Holder:
    """An object that is no module."""

    def __init__(self, held):
        self.held = held


class Hiding(nn.Module):
    def __init__(self, hide):
        self.seen = nn.Linear(2, 2)
        self.hiding = hide(nn.Linear(2, 2))

    def forward(self, x):
        return self.seen(x)


class Reused(nn.Module):
    """An object that holds a module which the model has itself hides nothing."""

    def __init__(self):
        self.seen = nn.Linear(2, 2)
        self.helper = Holder(self.seen)

    def forward(self, x):
        return self.seen(x)


def net(*layers, inputs=2, width=4):
    return nn.Sequential(nn.Linear(inputs, width, bias=False), *layers, nn.Linear(width, 2))


def batches(*shapes):
    rng = np.random.default_rng(0)
    return [
        [mg.tensor(rng.standard_normal(shape).astype(np.float32)), mg.tensor(np.arange(shape[0]) % 2)]
        for shape in shapes
    ]


def loader(n, batch_size, shuffle=True, classes=2, **kwargs):
    x = np.random.default_rng(0).standard_normal((n, 2)).astype(np.float32)
    y = np.sort(np.arange(n) % classes)
    return DataLoader(TensorDataset(x, y), batch_size, shuffle=shuffle, generator=0, **kwargs)


def rare():
    """Batches of which few can have the second class: that its three samples meet in one is chance."""
    x = np.random.default_rng(0).standard_normal((256, 2)).astype(np.float32)
    y = np.zeros(256, int)
    y[[3, 4, 5]] = 1
    return DataLoader(TensorDataset(x, y), 16)


GOOD = batches((16, 2), (16, 2))

CASES = {
    "good": (lambda: net(nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout()), GOOD, None, []),
    "good by a loader": (lambda: net(nn.BatchNorm1d(4)), loader(64, 16), None, []),
    "last dropped": (lambda: net(nn.BatchNorm1d(4)), loader(65, 16, drop_last=True), None, []),
    "no BatchNorm": (lambda: net(nn.Dropout(), nn.ReLU()), loader(65, 16), None, []),
    "bias": (
        lambda: nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)), GOOD, None,
        [("0.bias", "a bias in front of BatchNorm.")],
    ),
    "bias and activation": (lambda: nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.BatchNorm1d(4)), GOOD, None, []),
    "bias before a frozen one": (
        lambda: nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4).eval().freeze()), GOOD, None, [],
    ),
    "axis": (
        lambda: net(nn.BatchNorm1d(5)), batches((16, 5, 2)), None,
        [("1 (BatchNorm1d)", "(N, L, C) data (16, 5, 4) from a linear layer.")],
    ),
    "channels last": (
        lambda: nn.BatchNorm1d(2), batches((16, 5, 2)), None,
        [("BatchNorm1d", "it cannot be called with a batch of the loader.")],
    ),
    "dropout": (
        lambda: net(nn.Dropout(), nn.ReLU(), nn.BatchNorm1d(4)), GOOD, None,
        [("1 (Dropout)", "dropout before 3 (BatchNorm1d).")],
    ),
    "dropout between": (
        lambda: net(nn.BatchNorm1d(4), nn.Dropout(), nn.BatchNorm1d(4)), GOOD, None,
        [("2 (Dropout)", "dropout before 3 (BatchNorm1d).")],
    ),
    "momentum": (lambda: net(nn.BatchNorm1d(4, momentum=0.0)), GOOD, None, [("1", "momentum=0.")]),
    "tiny": (lambda: net(nn.BatchNorm1d(4)), batches((3, 2), (2, 2)), None, [("loader", "BatchNorm on batches of 3.")]),
    "last of one": (
        lambda: net(nn.BatchNorm1d(4)), loader(65, 16), None, [("loader", "the last batch has one sample.")],
    ),
    "last of a list": (
        lambda: net(nn.BatchNorm1d(4)), batches((16, 2), (1, 2)), None, [("loader", "the last batch has one sample.")],
    ),
    "sorted": (
        lambda: net(), loader(256, 16, shuffle=False, classes=4), None,
        [("loader", "batches sorted by class: 1.0 classes in each, 4.0 if they were drawn at random.")],
    ),
    "two sorted classes": (
        lambda: net(), loader(256, 16, shuffle=False, classes=2), None,
        [("loader", "batches sorted by class: 1.0 classes in each, 2.0 if they were drawn at random.")],
    ),
    "a rare class": (lambda: net(), rare(), None, []),
    "one class": (
        lambda: net(), loader(4096, 16, shuffle=False, classes=2), None,
        [("loader", "all first 64 batches have the same class.")],
    ),
    "decay": (
        lambda: net(nn.BatchNorm1d(4)), GOOD, lambda m: optim.SGD(m.parameters(), 0.1, weight_decay=1e-4),
        [("optimizer", "weight decay of 1.weight, 1.bias.")],
    ),
    "decay in its place": (
        lambda: net(nn.BatchNorm1d(4)), GOOD, lambda m: optim.SGD(optim.param_groups(m, 1e-4), 0.1), [],
    ),
    "left out": (
        lambda: net(), GOOD, lambda m: optim.SGD(m[0].parameters(), 0.1),
        [("optimizer", "it does not have 1.weight, 1.bias.")],
    ),
    "of another model": (
        lambda: net(), None, lambda m: optim.SGD([*m.parameters(), *net().parameters()], 0.1),
        [("optimizer", "it has 3 parameters that the model does not have.")],
    ),
    "in an object": (lambda: Hiding(Holder), GOOD, None, [("hiding.held", "a Linear hidden in another object.")]),
    "in a function": (
        lambda: Hiding(lambda layer: lambda x: layer(x)), GOOD, None,
        [("hiding (layer)", "a Linear hidden in another object.")],
    ),
    "in an object of a list": (
        lambda: Hiding(lambda layer: [Holder(layer)]), GOOD, None,
        [("hiding[0].held", "a Linear hidden in another object.")],
    ),
    "not used": (
        lambda: Hiding(lambda layer: layer), GOOD, None, [("hiding.weight, hiding.bias", "no part in the output.")],
    ),
    "one BatchNorm in two places": (
        lambda: net(bn := nn.BatchNorm1d(4), nn.ReLU(), bn), GOOD, None,
        [("1", "one BatchNorm, applied 2 times in a pass.")],
    ),
    "held twice": (Reused, GOOD, None, []),
}  # fmt: skip


@pytest.mark.parametrize(("model", "batches_", "optimizer", "expected"), CASES.values(), ids=CASES)
def test_findings(model, batches_, optimizer, expected):
    model = model()
    report = mg.diagnose(model, batches_, optimizer and optimizer(model))
    assert [(finding.where, finding.what) for finding in report.findings] == expected
    assert bool(report) == (not expected)
    for finding in report.findings:
        assert finding.why and finding.cure and str(finding) in str(report)


def test_the_error_of_the_pass_is_told():
    finding = mg.diagnose(nn.BatchNorm1d(2), batches((16, 5, 2))).findings[0]
    assert finding.why.startswith("ValueError: ") and "transpose(1, 2)" in finding.why


def test_momentum_of_another_convention():
    with pytest.warns(UserWarning, match="momentum"):
        model = net(nn.BatchNorm1d(4, momentum=0.9))
    (finding,) = mg.diagnose(model, GOOD).findings
    assert finding.where == "1" and finding.what == "momentum=0.9." and finding.cure == "momentum=0.1."


def test_everything_is_as_it_was():
    model = net(nn.BatchNorm1d(4), nn.Dropout())
    model.eval()
    model(mg.ones(2, 2)).sum().backward()
    data = loader(64, 16)
    next(iter(data))
    twin, random = loader(64, 16), mg.get_rng_state()
    next(iter(twin))
    state = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    mg.diagnose(model, data)
    assert not any(module.training for module in model.modules())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[name])
    for p, gradient in zip(model.parameters(), gradients):
        np.testing.assert_array_equal(p.grad.numpy(), gradient)
    assert mg.get_rng_state() == random
    for (x, _), (y, _) in zip(data, twin, strict=True):
        np.testing.assert_array_equal(x.numpy(), y.numpy())


def test_a_forward_of_ones_own():
    model = net(nn.BatchNorm1d(4))
    rows = [{"x": mg.ones(16, 2)}]
    assert mg.diagnose(model, rows, forward=lambda model, batch: model(batch["x"]))
    (finding,) = mg.diagnose(model, rows).findings
    assert "forward=" in finding.cure


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((3,), "diagnose expects a module, got"),
        ((nn.Linear(2, 2), iter(GOOD)), "again and again"),
        ((nn.Linear(2, 2), mg.ones(2, 2)), "again and again"),
        ((nn.Linear(2, 2), GOOD, 0.1), "expects an optimizer with param_groups"),
    ],
)
def test_what_cannot_be_looked_at(arguments, text):
    with pytest.raises(TypeError, match=text):
        mg.diagnose(*arguments)


def test_the_first_layer_comes_first():
    layers = [
        nn.Linear(2, 4),
        nn.BatchNorm1d(4),
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
        nn.Linear(4, 4),
        nn.BatchNorm1d(4),
    ]
    report = mg.diagnose(nn.Sequential(*layers), GOOD)
    assert [finding.where for finding in report.findings] == ["0.bias", "2.bias", "4.bias"]


def test_how_it_prints():
    report = mg.diagnose(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)), GOOD)
    assert repr(report).splitlines() == [
        "0.bias: a bias in front of BatchNorm.",
        "  Why: BatchNorm subtracts the mean, and the bias with it, so its gradient is 0.",
        "  Cure: bias=False in the layer before it.",
    ]
    assert "<table" in report._repr_html_() and "0.bias" in report._repr_html_()
    assert str(mg.diagnose(net(), GOOD)) == "Nothing suspicious." and "Nothing" in mg.diagnose(net())._repr_html_()
