"""The command line: what it writes, what it prints, and what it says to mistakes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.benchmarks import blas
from minigrad.command_line import bench, compare, doctor, pictures, process, train
from minigrad.command_line import main as main_module
from minigrad.command_line.main import main
from minigrad.command_line.progress import Plain

QUICK = ["--epochs", "2", "--hidden", "16"]


def run(*arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("seed", range(10))
def test_digits_reach_97_percent(seed):
    training = train.Training(train.settings_for("digits", {"seed": seed}))
    for _ in range(training.settings.epochs):
        row = training.epoch(Plain(0, ""))
    x, target = training.test_set.tensors
    with training.model.evaluating(), mg.no_grad():
        right = training.model(x).numpy().argmax(1) == target.numpy()
    assert row.score == pytest.approx(right.mean(), abs=1e-6)
    assert right.mean() >= 0.97


@pytest.mark.parametrize(
    ("dataset", "fit"),
    [
        ("digits", []),
        ("moons", ["boundary.png"]),
        ("circles", ["boundary.png"]),
        ("spirals", ["boundary.png"]),
        ("blobs", ["boundary.png"]),
        ("xor", ["boundary.png"]),
        ("checkerboard", ["boundary.png"]),
        ("sine", ["fit.png"]),
    ],
)
def test_train_writes_everything(dataset, fit, capsys):
    pytest.importorskip("matplotlib")
    run("train", dataset, *QUICK)
    printed = capsys.readouterr().out
    folder = f"runs/{dataset}"
    written = set(os.listdir(folder)) - {"graph.svg", "graph.gv"}
    assert written == {"checkpoint.npz", "best.npz", "history.csv", "curves.png", *fit}
    assert {"graph.svg", "graph.gv"} & set(os.listdir(folder))
    for name in written - {"checkpoint.npz", "best.npz", "history.csv"}:
        with open(f"{folder}/{name}", "rb") as file:
            assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    history = rows_of(f"{folder}/history.csv")
    assert [row["epoch"] for row in history] == ["1", "2"]
    for row in history:
        assert f"{float(row['train_loss']):.4f}" in printed
        assert f"{float(row['test_loss']):.4f}" in printed


LEARNED = {
    "moons": 0.97,
    "circles": 0.95,
    "spirals": 0.95,
    "blobs": 0.9,
    "xor": 0.93,
    "checkerboard": 0.85,
    "sine": 0.95,
}


@pytest.mark.parametrize("dataset", LEARNED)
def test_generated_data_is_learned(dataset):
    training = train.Training(train.settings_for(dataset, {}))
    scores = [training.epoch(Plain(0, "")).score for _ in range(training.settings.epochs)]
    assert np.mean(scores[-5:]) > LEARNED[dataset]


def test_the_checkpoint_holds_the_model_that_was_evaluated():
    run("train", "moons", *QUICK)
    state = mg.load("runs/moons/checkpoint.npz")
    model = train.mlp(2, (16,), 2, batchnorm=True)
    model.load_state_dict(state["model"])
    _, test = mg.data.train_test_split(mg.data.moons(), seed=train.SPLIT_SEED)
    x, target = test.tensors
    accuracy = (model.eval()(x).argmax(1).numpy() == target.numpy()).mean()
    assert float(rows_of("runs/moons/history.csv")[-1]["test_accuracy"]) == pytest.approx(accuracy, abs=1e-6)


def test_a_resumed_run_is_the_run_that_was_not_interrupted():
    run("train", "digits", "--epochs", 4, "--hidden", "16", "--seed", 3, "--out", "whole")
    run("train", "digits", "--epochs", 2, "--hidden", "16", "--seed", 3, "--out", "part")
    run("train", "digits", "--epochs", 4, "--resume", "part/checkpoint.npz", "--out", "part")
    whole, part = mg.load("whole/checkpoint.npz"), mg.load("part/checkpoint.npz")
    for name, tensor in whole["model"].items():
        assert np.array_equal(tensor.numpy(), part["model"][name].numpy()), name
    for number, state in whole["optimizer"]["state"].items():
        for name, value in state.items():
            assert np.array_equal(np.asarray(value), np.asarray(part["optimizer"]["state"][number][name]))
    assert [row[:4] for row in whole["history"]] == [row[:4] for row in part["history"]]
    assert whole["random"] == part["random"]
    assert whole["loader"] == part["loader"]


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


MISTAKES = [
    (["train", "digit"], "Did you mean 'digits'"),
    (["train", "nothing-like-it"], "There are moons"),
    (["train"], "required: DATASET"),
    (["fly"], "there is no command 'fly'. There are train, compare, bench, doctor (see minigrad --help)"),
    (["trian", "digits"], "Did you mean minigrad train?"),
    (["digits"], "Did you mean minigrad train digits?"),
    (["train", "mnist"], "Did you mean 'digits'"),
    (["train", "MNIST"], "Did you mean 'digits'"),
    (["train", "moons", "xor"], "unrecognized arguments: xor (see minigrad train --help)"),
    (["compare", "moons", "--resume", "x"], "(see minigrad compare --help)"),
    (["train", "moons", "--hidden", "8,,8"], "got ''"),
    (["train", "moons", "--hidden", ""], "got ''"),
    (["train", "moons", "--out", ""], "the current folder is ."),
    (["train", "moons", "--resume", ""], "expected a path, got ''"),
    (["train", "moons", "--out", "x" * 300], "Choose a shorter name"),
    (["train", "moons", "--resume", "x" * 300], "Choose a shorter name"),
    (["train", "moons", "--resume", "folder"], "no checkpoint folder/checkpoint.npz: there is no such file"),
    (["train", "moons", "--epochs", "0"], "whole number of at least 1, got '0'"),
    (["train", "moons", "--epochs", "many"], "got 'many'"),
    (["train", "moons", "--lr", "0"], "above 0"),
    (["train", "moons", "--lr", "nan"], "above 0, got 'nan'"),
    (["train", "moons", "--lr", "-1"], "above 0, got '-1'"),
    (["train", "moons", "--epochs", "1.5"], "whole number"),
    (["train", "moons", "--batch-size", "1"], "at least 2"),
    (["train", "moons", "--batch-size", "100000"], "training samples"),
    (["train", "moons", "--hidden", "8,x"], "got 'x'"),
    (["train", "moons", "--learning-rate", "1"], "--learning-rate 1 (see minigrad train --help)"),
    (["train", "moons", "--resume", "missing.npz"], "no such file"),
    (["train", "moons", "--resume", "noise.npz"], "not a minigrad checkpoint"),
    (["train", "moons", "--resume", "other.npz"], "resume from a checkpoint.npz that it wrote"),
    (["train", "moons", "--resume", "other.npz", "--lr", "1"], "--lr cannot change"),
    (["train", "moons", "--out", "file"], "Choose another folder with --out"),
    (["compare", "sine"], "try minigrad compare digits"),
]


@pytest.mark.parametrize(("arguments", "cure"), MISTAKES, ids=[" ".join(a)[:50] for a, _ in MISTAKES])
def test_mistakes_get_one_line_and_exit_code_2(arguments, cure, capsys):
    with open("noise.npz", "wb") as file:
        file.write(bytes(range(256)))
    with open("file", "w"):
        pass
    mg.save({"some": "thing"}, "other.npz")
    os.mkdir("folder")
    before = set(os.listdir())
    run(*arguments, code=2)
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("minigrad: ")
    assert error.count("\n") == 1
    assert cure in error
    assert not any(files for _, _, files in os.walk("runs"))
    assert set(os.listdir()) - {"runs"} == before


def test_another_runs_checkpoint_is_refused(capsys):
    run("train", "moons", *QUICK)
    capsys.readouterr()
    run("train", "xor", "--resume", "runs/moons/checkpoint.npz", code=2)
    assert "is a run on moons, not on xor" in capsys.readouterr().err
    run("train", "moons", "--resume", "runs/moons/checkpoint.npz", code=2)
    assert "ask for more with --epochs" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_without_permission_is_refused(capsys):
    os.mkdir("locked", 0o500)
    run("train", "moons", "--out", "locked/run", code=2)
    assert "Choose another folder with --out" in capsys.readouterr().err


def test_without_matplotlib_everything_else_is_written(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MISSING", "pip install matplotlib")
    run("train", "moons", *QUICK)
    run("compare", "moons", "--steps", 3)
    printed = capsys.readouterr().out
    assert "no curves.png boundary.png: pip" in printed and "no compare.png: pip" in printed
    assert os.listdir("runs/compare-moons") == ["compare.csv"]
    assert {"checkpoint.npz", "history.csv"} <= set(os.listdir("runs/moons"))
    assert "curves.png" not in os.listdir("runs/moons")


def test_without_tqdm_the_lines_are_printed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    run("train", "moons", *QUICK)
    assert "test accuracy" in capsys.readouterr().out


def test_ctrl_c_leaves_a_checkpoint_to_resume_from(monkeypatch, capsys):
    original = train.Training.epoch

    def interrupted(self, bar):
        if len(self.history) == 1:
            raise KeyboardInterrupt
        return original(self, bar)

    with monkeypatch.context() as patch:
        patch.setattr(train.Training, "epoch", interrupted)
        run("train", "moons", *QUICK, code=130)
    assert "--resume" in capsys.readouterr().err
    run("train", "moons", "--resume", "runs/moons/checkpoint.npz", "--out", "again")
    assert len(rows_of("again/history.csv")) == 2


def restarts_of(arguments, environment, monkeypatch):
    """What ``minigrad`` with these arguments starts in its place, and whether it goes on in this process."""
    restarts, runs = [], []
    monkeypatch.setattr(process.os, "execve", lambda *arguments: restarts.append(arguments))
    monkeypatch.setattr(process.os, "environ", {"PATH": "somewhere", **environment})
    monkeypatch.setattr(process, "RESTARTS", True)
    monkeypatch.setattr(process.blas, "alternative", dict)
    for module in (bench, doctor):
        monkeypatch.setattr(module, "run", lambda options: runs.append(options) or [])
    for name in ("run_train", "run_compare"):
        monkeypatch.setattr(main_module, name, lambda options: runs.append(options) or [])
    assert main_module.main(arguments, own_process=True) == 0
    assert len(runs) == 1
    return restarts


@pytest.mark.parametrize("command", [["train", "moons"], ["compare", "digits"], ["bench"]], ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("environment", "added"),
    [
        ({}, {"OPENBLAS_NUM_THREADS": "1"}),
        ({"OPENBLAS_NUM_THREADS": "3"}, None),
        ({"GOTO_NUM_THREADS": "3"}, None),
        ({"OMP_NUM_THREADS": "3"}, None),
    ],
    ids=["default", "the user's own", "the user's own, older name", "the user's own for all of OpenMP"],
)
def test_training_restarts_with_one_thread_unless_told_otherwise(command, environment, added, monkeypatch):
    restarts = restarts_of(command, environment, monkeypatch)
    if added is None:
        assert restarts == []
    else:
        assert restarts == [(sys.executable, sys.orig_argv, {"PATH": "somewhere", **environment, **added})]


def test_what_examines_the_users_settings_runs_with_them(monkeypatch):
    assert restarts_of(["doctor"], {}, monkeypatch) == []


def test_only_a_process_of_its_own_is_replaced(monkeypatch):
    monkeypatch.setattr(main_module, "restart_with_settings", lambda: pytest.fail("restarted"))
    monkeypatch.setattr(main_module, "run_train", lambda options: [])
    run("train", "moons")


def test_importing_the_library_changes_no_environment():
    code = "import os; before = dict(os.environ); import minigrad.command_line.main; assert dict(os.environ) == before"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_installed_command_runs():
    command = [sys.executable, "-m", "minigrad", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"minigrad {mg.__version__}\n")


@pytest.mark.skipif(not process.RESTARTS, reason="a process cannot be replaced here")
def test_the_installed_command_restarts_once_and_trains():
    environment = {name: value for name, value in os.environ.items() if name not in blas.OPENBLAS_THREADS}
    command = [sys.executable, "-m", "minigrad", "train", "moons", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 0
    assert done.stdout.count("moons: test accuracy") == 1
