"""``fit`` against the loop that users write."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn, optim, training

rng = np.random.default_rng(0)
X = rng.standard_normal((48, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


def batches(start, stop, size=8):
    places = [slice(i, min(i + size, stop)) for i in range(start, stop, size)]
    return [(mg.tensor(X[place]), mg.tensor(Y[place])) for place in places]


TRAIN, TEST = batches(0, 36), batches(36, 48)


def net(seed=0):
    mg.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def by_hand(model, optimizer, epochs, scheduler=None):
    """The rows that fit should give."""
    rows = []
    for _ in range(epochs):
        model.train()
        lr, total = optimizer.param_groups[0]["lr"], 0.0
        for x, y in TRAIN:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        model.eval()
        with mg.no_grad():
            scores = np.concatenate([model(x).numpy() for x, _ in TEST])
        targets = np.concatenate([y.numpy() for _, y in TEST])
        logs = scores - np.log(np.exp(scores.astype(np.float64)).sum(1, keepdims=True))
        test_loss = -logs[np.arange(len(targets)), targets].mean()
        rows.append((lr, total / 36, test_loss, (scores.argmax(1) == targets).mean()))
        if scheduler is not None:
            scheduler.step()
    return rows


def test_it_is_the_loop_that_users_write():
    models = net(), net()
    optimizers = [optim.Adam(model.parameters(), lr=0.05) for model in models]
    schedules = [optim.lr_scheduler.StepLR(optimizer, 2) for optimizer in optimizers]
    rows = by_hand(models[0], optimizers[0], 5, schedules[0])
    history = training.fit(
        models[1], TRAIN, TEST, loss=nn.CrossEntropyLoss(), optimizer=optimizers[1], epochs=5,
        scheduler=schedules[1], metrics=[training.accuracy],
    )  # fmt: skip
    columns = [history[name] for name in ("lr", "loss", "test_loss", "accuracy")]
    np.testing.assert_allclose(np.transpose(columns), rows, rtol=1e-5)
    for p, q in zip(models[0].parameters(), models[1].parameters()):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    assert history.best_epoch == int(np.argmin(history["test_loss"]))


def test_the_best_state_is_that_of_the_best_epoch():
    model = net()
    states = []
    history = training.fit(
        model, TRAIN, TEST, loss=F.cross_entropy, optimizer=optim.SGD(model.parameters(), lr=3.0), epochs=6,
        callbacks=[lambda model, _: states.append({k: v.clone() for k, v in model.state_dict().items()})],
    )  # fmt: skip
    assert history.best_epoch == int(np.argmin(history["test_loss"])) and len(states) == 6
    for name, value in states[history.best_epoch].items():
        np.testing.assert_array_equal(history.best_state[name].numpy(), value.numpy())
    model.load_state_dict(history.best_state)


def test_patience_counts_epochs_without_a_lower_loss():
    model = nn.Linear(3, 2)
    losses = iter([3.0, 2.0, 2.5, 2.0, 1.9, 2.0, 2.0, 2.0, 1.0])
    loss = lambda output, target: output.sum() * 0 + next(losses)  # noqa: E731
    history = training.fit(
        model, [TRAIN[0]], loss=loss, optimizer=optim.SGD(model.parameters()), epochs=9, patience=3
    )  # fmt: skip
    np.testing.assert_allclose(history["loss"], [3.0, 2.0, 2.5, 2.0, 1.9, 2.0, 2.0, 2.0])
    assert history.best_epoch == 4 and history.watched == "loss"


def test_a_callback_ends_it():
    model = net()
    history = training.fit(
        model, TRAIN, loss=F.cross_entropy, optimizer=optim.SGD(model.parameters()), epochs=9,
        callbacks=[lambda _, history: len(history) == 2],
    )  # fmt: skip
    assert len(history) == 2


def test_a_plateau_is_given_the_watched_loss():
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10.0, threshold_mode="abs")
    history = training.fit(model, TRAIN, TEST, loss=F.cross_entropy, optimizer=optimizer, epochs=3, scheduler=plateau)
    np.testing.assert_allclose(history["lr"], [0.1, 0.1, 0.01])


def test_modes_are_as_before_and_metrics_of_the_training_set():
    model = net()
    model[1].eval()
    modes = [module.training for module in model.modules()]
    history = training.fit(
        model, TRAIN, loss=F.cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=1,
        metrics={"right": training.accuracy},
    )  # fmt: skip
    assert [module.training for module in model.modules()] == modes
    with model.evaluating():
        scores = np.concatenate([model(x).detach().numpy() for x, _ in TRAIN])
    assert history["right"] == [training.accuracy(scores, np.concatenate([y.numpy() for _, y in TRAIN]))]


def test_how_it_prints():
    model = net()
    history = training.fit(model, TRAIN, TEST, loss=F.cross_entropy, optimizer=optim.SGD(model.parameters()), epochs=2)
    header, *rows, legend = repr(history).splitlines()
    assert legend == "* the lowest test_loss" in history._repr_html_()
    assert header.split() == ["epoch", "lr", "loss", "test_loss"] and len(rows) == 2
    assert rows[history.best_epoch].split()[0] == f"{history.best_epoch}*"
    assert history._repr_html_().count("<tr>") == 3
    assert repr(training.History("test_loss")).split() == ["epoch", "test_loss"]
    with pytest.raises(KeyError, match="there are lr, loss, test_loss"):
        history["accuracy"]


def calling(**changes):
    model = net()
    given = {"train": TRAIN, "loss": F.cross_entropy, "optimizer": optim.SGD(model.parameters()), "epochs": 1}
    given |= changes
    return training.fit(given.pop("model", model), given.pop("train"), given.pop("test", None), **given)


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"model": F.relu}, TypeError, "expects a module"),
        ({"optimizer": 0.1}, TypeError, "expects an optimizer"),
        ({"train": iter(TRAIN)}, TypeError, "train must be batches that can be gone through in each epoch"),
        ({"test": mg.ones(3, 3)}, TypeError, "test must be batches"),
        ({"train": []}, ValueError, "train yields no batch"),
        ({"test": []}, ValueError, "test yields no batch"),
        ({"train": [mg.ones(3, 3)]}, ValueError, "must be .inputs, targets."),
        ({"epochs": 0}, ValueError, "epochs must be"),
        ({"patience": 0}, ValueError, "patience must be"),
        ({"metrics": [3]}, TypeError, "a metric must be a function"),
        ({"loss": "cross_entropy"}, TypeError, "loss is a function .*, got 'cross_entropy'"),
        ({"optimizer": optim.SGD(net().parameters(), lr=0.1)}, ValueError, "none of the model's parameters"),
        ({"train": mg.ones(3, 3)}, TypeError, r"DataLoader\(TensorDataset\(x, y\)"),
        ({"loss": lambda output, target: output}, ValueError, "one number"),
        ({"loss": lambda output, target: 1.0}, ValueError, "one number"),
    ],
)
def test_what_cannot_be_trained(changes, kind, text):
    with pytest.raises(kind, match=text):
        calling(**changes)


def test_no_step_is_made_with_a_loss_that_is_not_finite():
    model = net()
    before = [p.numpy().copy() for p in model.parameters()]
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match="the loss is nan: try a smaller learning rate"):
        training.fit(model, TRAIN, loss=lambda o, t: o.sum() * np.nan, optimizer=optimizer, epochs=1)
    for p, value in zip(model.parameters(), before):
        np.testing.assert_array_equal(p.numpy(), value)
