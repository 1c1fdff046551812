"""Each chapter runs without a warning, and its figures hold against an identity, a formula or a golden value."""

from __future__ import annotations

import csv
import math
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

from .chapters import EXAMPLES, run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_tensors_and_gradients():
    found = run(2)
    assert found["twice"] == pytest.approx(2, rel=1e-6)
    np.testing.assert_array_equal(found["row"].grad, found["column_sums"])
    assert found["derivatives"] == [32, 48, 48, 24]
    assert found["outside"].requires_grad and not found["inside"].requires_grad


@pytest.mark.slow
def test_the_mlp_by_hand_is_the_module():
    found = run(3)
    assert found["apart"] < 1e-6
    assert min(found["accuracies"]) > 0.95 > np.mean(found["straight"] == found["test_target"].numpy()) + 0.05


def test_batchnorm_by_hand_has_the_golden_values():
    found = run(4)
    x = mg.tensor([[1.0, 2], [3, 4], [5, 8], [7, 2]])
    golden = [[-1.341639, -0.632992], [-0.447213, 1], [0.447213, 4.265984], [1.341639, -0.632992]]
    by_hand = found["batch_norm_by_hand"](x, mg.tensor([1.0, 2]), mg.tensor([0.0, 1]))
    np.testing.assert_allclose(by_hand, golden, atol=2e-6)
    assert found["counts"] == (9, 1)
    assert max(found["value_apart"], found["running_apart"], found["invariance"], *found["gradient_apart"]) < 1e-13
    assert found["sums"] < 1e-13


def test_a_net_in_training_mode_depends_on_its_batch():
    found = run(5)
    right, shuffled, by_class = found["accuracies"].values()
    assert len(set(right)) == 1 and right[0] > 0.9
    assert shuffled[0] < right[0] - 0.1 and by_class[0] < 0.3
    assert shuffled[-1] == by_class[-1]  # one batch of all images has the same statistics in any order
    assert found["after"] < found["before"] and found["frozen_moved"] == 0
    assert len(found["caught"]) == 2 * len(found["sizes"])


@pytest.mark.slow
def test_batchnorm_learns_at_once_in_figure_1():
    found = run(6)
    (_, with_it, inputs), (_, without, _) = found["runs"].values()
    assert with_it[0] == without[0] < 0.2  # the same start
    assert with_it[6] > 0.9 > 0.6 > without[-1]
    assert found["first"]["without"] is None
    assert inputs[-1][0] < 0 < inputs[-1][2]


@pytest.fixture(scope="module")
def looped(tmp_path_factory):
    """The chapter of the heat map, its table in a plain loop and in the file it writes."""
    chapter, path = run(7), tmp_path_factory.mktemp("loop") / "rows.csv"
    return chapter, chapter["main"](["--quick", "--jobs", "1", "-o", str(path)]), path


def rows_of(path):
    """The rows of a file in a fixed order."""
    with path.open(newline="") as file:
        return sorted(csv.reader(file))


@pytest.mark.slow
def test_the_heat_map_is_fuller_with_batchnorm_and_the_same_in_any_order(looped):
    chapter, rows, path = looped
    good = [sum(row[3] >= 0.95 for row in rows if row[0] == batchnorm) for batchnorm in (True, False)]
    assert len(rows) == len(rows_of(path)) - 1 == 18 and good[0] >= 6 > 3 >= good[1]
    assert [chapter["training"](*row[:3]) for row in rows[-2:][::-1]] == rows[-2:][::-1]


@pytest.mark.slow
def test_the_heat_map_is_the_same_in_processes(looped, tmp_path):
    pytest.importorskip("joblib", reason="the extra sweep is not installed")
    command = [sys.executable, EXAMPLES / "07_learning_rates.py", "--quick", "--jobs", "2", "-o", "rows.csv"]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    assert rows_of(tmp_path / "rows.csv") == rows_of(looped[2])


def test_weights_in_front_of_batchnorm_grow_by_pythagoras():
    found = run(8)
    assert found["loss"] == pytest.approx(found["loss_10"], rel=1e-14)
    np.testing.assert_allclose(found["measured"], found["predicted"], rtol=1e-13)
    assert (np.diff(found["measured"]) > 0).all()
    assert np.abs(found["cosines"]).max() < 1e-14


def test_the_variance_keeps_its_digits_far_from_zero():
    found = run(9)
    assert found["worst"] < 1e-6
    assert np.isinf(found["errors"]["one pass"][-1]) and found["errors"]["two pass"][-1] > 1e-3
    x = (1e7 + np.random.default_rng(1).standard_normal(500)).astype(np.float32)
    mean = math.fsum(x.tolist()) / 500
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in x.tolist()) / 500)
    np.testing.assert_allclose(found["minigrads"](x), [(value - mean) / deviation for value in x.tolist()], atol=1e-6)


@pytest.mark.slow
def test_the_convolutional_net_reads_digits():
    model, accuracy = run(10)["trained"](seed=0, epochs=2)
    assert accuracy > 0.95
    assert not any(name.endswith("0.bias") for name in model.state_dict())


@pytest.mark.slow
def test_normalisations_differ_in_what_they_average():
    found = run(11)
    zero = {name: [value < 1e-6 for value in values] for name, values in found["means"].items()}
    assert zero["batch"] == [True, False, False] and zero["layer"] == [False, True, False]
    assert zero["instance"] == [True, True, True] and zero["none"] == [False] * 3
    of_features = found["of_features"]
    assert of_features["batch"][0] < of_features["layer"][0] - 0.1
    assert of_features["batch"][-1] > 0.95
    assert found["lost"]["MLP"] > found["lost"]["the other"] + 0.1


def test_folding_changes_no_answer():
    found = run(12)
    assert found["same"] == len(found["x"]) and found["outputs_apart"] < 1e-5 and found["weights_apart"] < 1e-5
    assert (
        found["numbers"][0] - found["numbers"][1] == (8 + 32) * 3 + 2
    )  # of each four vectors and a counter become a bias
    assert found["instructions"][1] < found["instructions"][0]


def test_the_three_ways_add_up_to_the_gradient():
    found = run(13)
    x, dy, steps = found["x"].detach().numpy(), found["dy"].numpy(), np.eye(8)[..., None] * 1e-5

    def along(x):
        return (F.batch_norm(x, None, None, training=True) * dy).sum()

    differences = [(along(x + step) - along(x - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(found["total"], differences, atol=1e-9)
    (_, stretch), (shift, same_stretch), (at_last, orthogonal) = found["left"].values()
    assert abs(shift) < 1e-14 and abs(at_last) < 1e-14
    assert stretch == pytest.approx(same_stretch) and abs(orthogonal) < 1e-4 * abs(stretch)


@pytest.mark.slow
def test_an_operation_of_ones_own_is_right_and_trains():
    found = run(14)
    assert found["first"] and found["second"] is True
    assert found["losses"][-1] < 0.01 * found["losses"][0]
    assert found["lines"] and "swish" in found["graph"].source


def test_hessian_vector_products_are_those_of_the_matrix():
    found = run(15)
    assert found["product_apart"] < 1e-12
    np.testing.assert_allclose(found["H"], found["H"].T, atol=1e-12)
    np.testing.assert_allclose(found["H"] @ found["vector"].numpy(), found["difference"], atol=1e-6)
    assert found["estimates"][-1] == pytest.approx(found["exact"], rel=1e-5)
    np.testing.assert_allclose(found["factors"], 1 - found["rates"] * found["exact"], atol=1e-4)


def test_the_planted_faults_are_found_but_not_by_a_sum():
    found = run(16)
    right, without, sign = found["reports"].values()
    assert right and not without and not sign
    assert "sign" in str(sign) and "sign:" not in str(without)
    assert found["trapped"] is True and found["whole"] and found["untouched"]
    four, two = (found["errors"][name].min() for name in ("four_points", "two_points"))
    assert four < two


def test_a_compiled_step_is_its_text(capsys):
    found = run(17)
    assert found["same_loss"] and found["same_weights"] and found["apart"] < 1e-6 and found["bias_grad"] < 1e-6
    assert min(len(lines) for lines in found["parts"].values()) > 5
    assert found["formula"][-1].startswith("d_layer0 = (layer1_g - layer1_mean_g - layer1_xhat")
    names = found["names"]
    means = [(names[f"layer1_{g}"] * factor).mean(0) for g, factor in (("g", 1), ("g", names["layer1_xhat"]))]
    expected = (names["layer1_g"] - means[0] - names["layer1_xhat"] * means[1]) * names["layer1_inverse"]
    np.testing.assert_allclose(names["d_layer0"], expected, atol=1e-6)


def test_what_leaves_is_the_same_elsewhere(capsys):
    found = run(18)
    assert found["shared"]
    printed = capsys.readouterr().out
    if found["there"]["safetensors"]:
        assert found["same_bits"]
    else:
        assert "minigrad[safetensors]" in printed
    if found["there"]["onnx"]:
        assert found["onnx_apart"] < 1e-5 and found["nodes"] == ["Gemm", "BatchNormalization", "Relu", "Gemm"]
    else:
        assert "minigrad[onnx]" in printed


@pytest.mark.slow
def test_synchronised_ranks_do_what_one_process_does(capsys):
    run(19)["main"]()
    said = capsys.readouterr().out
    rows = re.findall(r"^  (\w+) +([\d +]+\d) +(\S+) +(\S+) +(\S+)$", said, re.MULTILINE)
    assert [shards for _, shards, *_ in rows] == ["32 + 32", "16 + 16 + 16 + 16", "6 + 12 + 19 + 27"] * 2
    off = np.array([row[2:] for row in rows], float)
    assert (off[:3] < 1e-13).all() and (off[3:, 0] > 0.2).all() and (off[3:, 2] > 0.1).all()
    np.testing.assert_allclose(off[3:5, 0], [0.28, 0.47], atol=0.01)
    assert "[(True, True), (True, True), (True, True), (True, True)]" in said
    without, with_bias = [float(by) for by in re.findall(r"by ([\d.e+-]+)$", said, re.MULTILINE)]
    assert without < 1e-4 < 1e-3 < with_bias


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [True, False])
def test_when_ranks_pay_prints_a_row_for_each_way(ranks, capsys, monkeypatch):
    found = runpy.run_path(str(EXAMPLES / "when_ranks_pay.py"))
    table = found["table"]
    if ranks:
        pytest.importorskip("mpi4py", reason="ranks as processes need the extra distributed: mpi4py and mpich")
    else:
        monkeypatch.setitem(table.__globals__, "MPIEXEC", EXAMPLES / "missing")
        monkeypatch.setitem(
            table.__globals__, "ROWS", {title: row for title, row in found["ROWS"].items() if row != (1, 2)}
        )
    monkeypatch.setitem(table.__globals__, "ROUNDS", 1)
    table([4, 8])
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[-2:] == ["4", "8"]
    times = [re.findall(r" (\d+\.\d\d)\b", row) for row in rows]
    assert [len(each) for each in times] == ([2, 2, 2] if ranks else [2, 0])
    assert ranks or 'pip install "minigrad[distributed]"' in rows[-1]
