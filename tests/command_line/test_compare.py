"""``minigrad compare``: what it measures, prints and starts from."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.command_line import compare, pictures
from tests.command_line.runs import rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.mark.slow
def test_compare_prints_what_it_measured(capsys):
    run("compare", "digits", "--steps", 300, "--lr", 0.1)
    printed = capsys.readouterr().out
    table = rows_of("runs/compare-digits/compare.csv")
    last = table[-1]
    assert float(last["with_BatchNorm_accuracy"]) > 0.9
    assert float(last["without_BatchNorm_accuracy"]) < 0.2
    assert f"with BatchNorm: {float(last['with_BatchNorm_accuracy']):.2%} test accuracy after 300 steps" in printed
    assert f"15% {float(last['with_BatchNorm_p15']):.3g}" in printed
    for row in table:
        assert float(row["with_BatchNorm_p15"]) <= float(row["with_BatchNorm_p50"]) <= float(row["with_BatchNorm_p85"])


def test_compare_starts_both_nets_alike_and_measures_the_last_sigmoid():
    nets = []
    for batchnorm in (True, False):
        mg.manual_seed(0)
        nets.append(compare.Contender(compare.sigmoid_net(64, 10, batchnorm), 0.1))
    weights = [[p for p in net.model.parameters() if p.ndim == 2] for net in nets]
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(*weights))
    assert [w.shape for w in weights[0]] == [(100, 64), (100, 100), (100, 100), (10, 100)]
    assert np.std(np.concatenate([w.numpy().ravel() for w in weights[0]])) == pytest.approx(0.01, rel=0.02)
    x = mg.randn(50, 64)
    for net in nets:
        net.measure(x, mg.zeros(50, dtype=np.int64))
        h = x.numpy()
        for layer in list(net.model)[:-2]:
            h = layer.eval()(mg.tensor(h)).numpy()
        assert net.inputs[-1] == pytest.approx(np.percentile(h, [15, 50, 85], axis=0), abs=1e-5)
        spread = np.sort(net.inputs[-1][2] - net.inputs[-1][0])
        assert net.spread[-1][2] - net.spread[-1][0] == pytest.approx(spread[50])


def test_compare_of_several_seeds_has_means_and_deviations(capsys):
    options = ["--steps", 60, "--batch-size", 30, "--hidden", "12,12"]
    tables = []
    for seed in range(3, 6):
        run("compare", "iris", *options, "--seed", seed, "--out", f"one{seed}")
        tables.append(rows_of(f"one{seed}/compare.csv"))
    capsys.readouterr()
    run("compare", "iris", *options, "--seed", 3, "--seeds", 3, "--out", "all")
    out = capsys.readouterr().out
    together = rows_of("all/compare.csv")
    for name in ("with_BatchNorm", "without_BatchNorm"):
        alone = np.array([[float(row[f"{name}_accuracy"]) for row in table] for table in tables])
        found = [[float(row[f"{name}_accuracy{end}"]) for row in together] for end in ("", "_deviation")]
        np.testing.assert_allclose(found, [alone.mean(0), alone.std(0, ddof=1)], atol=1e-12)
        assert [row[f"{name}_p50"] for row in together] == [row[f"{name}_p50"] for row in tables[0]]
        reached = f"{alone[:, -1].mean():.2%} +- {alone[:, -1].std(ddof=1):.2%} (mean and deviation of 3 seeds)"
        assert f"{name.replace('_', ' ')}: {reached} test accuracy after 60 steps" in out
    assert "seeds 3 to 5" in out


def test_ctrl_c_in_a_later_seed_writes_the_seeds_that_were_finished(monkeypatch, capsys):
    monkeypatch.setattr(compare.pictures, "MISSING", "not needed")
    original, steps = compare.Contender.step, []

    def step(self, *batch):
        steps.append(batch)
        if len(steps) == 2 * 2 * 20 + 5:
            raise KeyboardInterrupt
        original(self, *batch)

    monkeypatch.setattr(compare.Contender, "step", step)
    run("compare", "moons", "--steps", 20, "--seeds", 4, code=130)
    out, error = capsys.readouterr()
    assert error.splitlines()[1].startswith("minigrad: stopped after 2 of 4 seeds; ")
    assert "(mean and deviation of 2 seeds)" in out


def test_compare_takes_another_net_and_optimiser(capsys):
    run(
        "compare", "moons", "--steps", 60, "--activation", "relu", "--optimizer", "adam", "--hidden", "16", "--noise", 0
    )
    out = capsys.readouterr().out
    assert "2-16-2, relu, adam with lr 0.01, batches of 60" in out and "input of relu" in out


def test_every_seed_has_its_own_weights_and_batches(monkeypatch, capsys):
    monkeypatch.setattr(compare.pictures, "MISSING", "not needed")
    original, first = compare.Contender.step, []

    def step(self, x, target, where=""):
        if where == "in step 1 with BatchNorm":
            first.append((self.model[0].weight.numpy().copy(), x.numpy()))
        original(self, x, target, where)

    monkeypatch.setattr(compare.Contender, "step", step)
    run("compare", "moons", "--steps", 2, "--seed", 5, "--seeds", 2)
    train, _ = mg.data.train_test_split(mg.data.moons(), seed=0)
    for seed, (weight, x) in zip((5, 6), first, strict=True):
        loader = mg.data.DataLoader(train, 60, shuffle=True, drop_last=True, generator=seed)
        np.testing.assert_array_equal(x, next(iter(loader))[0].numpy())
        mg.manual_seed(seed)
        np.testing.assert_array_equal(weight, compare.sigmoid_net(2, 2, True)[0].weight.numpy())


def test_a_file_is_compared_as_it_is_trained_on(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MISSING", "not needed")
    with open("my.csv", "w") as file:
        file.write("a,kind,id\n" + "".join(f"{i % 7},{'left' if i % 7 < 3 else 'right'},{i}\n" for i in range(100)))
    run("compare", "my.csv", "--target", "kind", "--drop", "id", "--steps", 20, "--hidden", "8", "--batch-size", 20)
    out = capsys.readouterr().out
    assert out.startswith(
        "my: 80 training and 20 test samples, seed 0\ntarget 'kind' (2 classes: left, right)\nfrom a;"
    )
    assert [row["step"] for row in rows_of("runs/compare-my/compare.csv")] == [str(step) for step in range(21)]
    run("compare", "my.csv", "--target", "id", "--task", "regression", "--overwrite", code=2)
    assert "my has no classes, which compare wants: its target 'id' is a number" in capsys.readouterr().err
