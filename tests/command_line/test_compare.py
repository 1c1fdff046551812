"""``minigrad compare``: what it measures, prints and starts from."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.command_line import compare
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
