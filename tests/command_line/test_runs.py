"""Runs of the command line: what ends them early, what is never lost, what the pictures and the summary say."""

from __future__ import annotations

import csv
import errno
import os
import re
import shlex
import subprocess
import sys
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.command_line import bench, compare, output, pictures, train
from minigrad.command_line.main import COMMANDS, main, make_parser
from minigrad.command_line.progress import Plain

QUICK = ["--epochs", "2", "--hidden", "16"]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def without_matplotlib(monkeypatch):
    """Most of what is tested here needs none of the pictures that take long."""
    before = pictures.MISSING
    monkeypatch.setattr(pictures, "MISSING", "not needed")
    return before


@pytest.fixture
def drawn(without_matplotlib, monkeypatch):
    monkeypatch.setattr(pictures, "MISSING", without_matplotlib)
    if without_matplotlib:
        pytest.skip(without_matplotlib)


@pytest.fixture
def said(capsys):
    """Runs a command; returns what it prints on standard output, and its one line on standard error."""

    def run(*arguments, code=0):
        assert main([str(argument) for argument in arguments]) == code
        out, error = capsys.readouterr()
        assert (error.count("\n") <= 1 and not error) or error.startswith("minigrad: ")
        return out, error

    return run


def contents(folder):
    return {path: (train.Path(folder) / path).read_bytes() for path in sorted(os.listdir(folder))}


def history(folder):
    with open(f"{folder}/history.csv", newline="") as file:
        return list(csv.DictReader(file))


def at_epoch(monkeypatch, number, happens):
    """Let something happen in the middle of an epoch."""
    original = train.Training.epoch

    def epoch(self, bar):
        if len(self.history) + 1 != number:
            return original(self, bar)
        update, steps = bar.update, []

        def counted():
            steps.append(update())
            if len(steps) == 3:
                happens()

        monkeypatch.setattr(bar, "update", counted)
        return original(self, bar)

    monkeypatch.setattr(train.Training, "epoch", epoch)


def interrupt():
    raise KeyboardInterrupt


# -- a run that is there -----------------------------------------------------------------------


@pytest.mark.parametrize("command", [["train", "moons", *QUICK], ["compare", "moons", "--steps", "3"]])
def test_a_run_that_is_there_is_replaced_only_when_asked(command, said):
    said(*command, "--out", "run")
    before = contents("run")
    _, error = said(*command, "--seed", 1, "--out", "run", code=2)
    assert "run has a run already" in error and "--overwrite" in error and "--out" in error
    assert ("minigrad train moons --resume run" in error) == (command[0] == "train")
    assert contents("run") == before
    said(*command, "--seed", 1, "--out", "run", "--overwrite")
    assert contents("run") != before and contents("run").keys() == before.keys()
    said(*command, "--out", "other")


def test_a_stopped_run_is_not_overwritten_either(said, monkeypatch):
    with monkeypatch.context() as patch:
        at_epoch(patch, 2, interrupt)
        said("train", "moons", *QUICK, code=130)
    before = contents("runs/moons")
    said("train", "moons", *QUICK, code=2)
    assert contents("runs/moons") == before


@pytest.mark.parametrize("name", train.FILES)
def test_no_file_of_the_users_is_overwritten(name, said):
    os.mkdir("mine")
    with open(f"mine/{name}", "w") as file:
        file.write("mine")
    assert name in said("train", "moons", *QUICK, "--out", "mine", code=2)[1]
    assert contents("mine") == {name: b"mine"}


@pytest.mark.slow
def test_pictures_of_a_replaced_run_do_not_stay(drawn, said):
    said("train", "moons", *QUICK, "--out", "run")
    said("train", "sine", *QUICK, "--out", "run", "--overwrite")
    assert "boundary.png" not in os.listdir("run")


# -- resume ------------------------------------------------------------------------------------


def test_a_resumed_run_writes_where_it_came_from(said):
    said("train", "moons", *QUICK, "--out", "a")
    said("train", "moons", *QUICK, "--seed", 1)
    before = contents("runs/moons")
    for epochs, path in ((3, "a"), (4, "a/checkpoint.npz")):
        said("train", "moons", "--resume", path, "--epochs", epochs)
        assert len(history("a")) == epochs
    os.symlink("a/checkpoint.npz", "latest.npz")
    said("train", "moons", "--resume", "latest.npz", "--epochs", 5)
    assert len(history("a")) == 5 and os.path.islink("latest.npz")
    assert contents("runs/moons") == before


def test_a_resumed_run_overwrites_no_other_run(said):
    said("train", "moons", *QUICK, "--out", "a")
    said("train", "moons", *QUICK, "--out", "b")
    os.rename("a/checkpoint.npz", "a/epoch2.npz")
    said("train", "moons", "--resume", "b", "--epochs", 3)
    before = contents("b")
    said("train", "moons", "--resume", "a/epoch2.npz", "--epochs", 3, "--out", "b", code=2)
    said("train", "moons", "--resume", "a/epoch2.npz", "--epochs", 3, code=2)
    assert contents("b") == before
    said("train", "moons", "--resume", "a/epoch2.npz", "--epochs", 3, "--out", "c")
    assert sorted(contents("c")) == sorted(contents("b"))


@pytest.mark.parametrize("epochs", [1, 2])
def test_the_printed_epochs_are_those_of_the_file(epochs, said):
    said("train", "moons", *QUICK)
    _, error = said("train", "moons", "--resume", "runs/moons", "--epochs", epochs, code=2)
    assert "has 2 epochs already: ask for more with --epochs" in error


def test_the_best_model_is_no_run_to_resume(said):
    said("train", "moons", *QUICK)
    _, error = said("train", "moons", "--resume", "runs/moons/best.npz", "--epochs", 3, code=2)
    assert "resume from a checkpoint.npz" in error


# -- what ends a run early ---------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_names_the_command_and_draws_what_was_finished(drawn, said, monkeypatch):
    folder = "my runs/it's"
    options = ["train", "moons", "--hidden", "16", "--epochs", "4"]
    with monkeypatch.context() as patch:
        at_epoch(patch, 3, interrupt)
        out, error = said(*options, "--out", folder, code=130)
    assert {"curves.png", "boundary.png"} <= contents(folder).keys()
    first, error = error.splitlines()
    assert first == "minigrad: stopping: first what was finished is drawn; Ctrl-C again leaves that out"
    assert error.startswith("minigrad: stopped after 2 of 4 epochs; go on with: minigrad train moons --resume ")
    assert "curves.png" in out and "after 2 epochs" in out
    said("train", "moons", *QUICK, "--out", "two")
    assert contents(folder)["boundary.png"] == contents("two")["boundary.png"]
    said(*shlex.split(error.strip().partition("minigrad train")[2].replace("moons", "train moons", 1)))
    said(*options, "--out", "whole")
    whole, resumed = (mg.load(f"{name}/checkpoint.npz") for name in ("whole", folder))
    for name, tensor in whole["model"].items():
        np.testing.assert_array_equal(tensor.numpy(), resumed["model"][name].numpy())
    assert [row[:4] for row in whole["history"]] == [row[:4] for row in resumed["history"]]


def test_ctrl_c_before_an_epoch_is_finished(said, monkeypatch):
    with monkeypatch.context() as patch:
        at_epoch(patch, 1, interrupt)
        error = said("train", "moons", *QUICK, code=130)[1]
        assert f"finished; start again with: minigrad train moons {' '.join(map(str, QUICK))}\n" in error
        assert not os.path.exists("runs")
    said("train", "moons", *QUICK)
    before = contents("runs/moons")
    with monkeypatch.context() as patch:
        at_epoch(patch, 3, interrupt)
        _, error = said("train", "moons", "--resume", "runs/moons", "--epochs", 4, code=130)
    assert "start again with: minigrad train moons --resume runs/moons --epochs 4\n" in error
    assert contents("runs/moons") == before


def test_ctrl_c_while_pictures_are_drawn(said, monkeypatch):
    monkeypatch.setattr(train.ending, "written", lambda *_: interrupt())
    assert "the checkpoint is complete" in said("train", "moons", *QUICK, code=130)[1]


def test_a_diverging_run_stops_at_its_first_loss_that_is_not_finite(said):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out, error = said("train", "moons", *QUICK, "--lr", "1e30", code=1)
    assert "loss is nan in epoch 1: start again with an --lr below 1e+30" in error
    assert "nan" not in out and not os.path.exists("runs")


def test_numbers_that_overflow_are_no_message_of_numpys(said, monkeypatch):
    original = train.Training.evaluate

    def evaluate(self):
        np.array([3e38], np.float32) * np.float32(10)
        warnings.warn("a warning of the library's", stacklevel=1)
        return original(self)

    monkeypatch.setattr(train.Training, "evaluate", evaluate)
    out, _ = said("train", "moons", *QUICK)
    assert "overflow" not in out and out.count("a warning of the library's\n") == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("data", ["training", "test"])
def test_nothing_is_lost_when_a_loss_is_not_finite(data, value, said, monkeypatch):
    original = train.Training.finite

    def finite(self, loss, kind):
        return original(self, value if kind == data and len(self.history) == 2 else loss, kind)

    monkeypatch.setattr(train.Training, "finite", finite)
    out, error = said("train", "moons", "--hidden", "8", "--epochs", "5", code=1)
    assert f"the {data} loss is {value} in epoch 3" in error and "after 2 epochs" in out
    state = mg.load("runs/moons/checkpoint.npz")
    assert len(state["history"]) == len(history("runs/moons")) == 2
    assert all(np.isfinite(tensor.numpy()).all() for tensor in state["model"].values())


@pytest.mark.parametrize("fails", range(4))
def test_a_full_disk_is_one_line_and_the_last_checkpoint_stays(fails, said, monkeypatch):
    """Whichever of the files of the second epoch does not fit any more."""
    said("train", "moons", "--hidden", "8", "--epochs", "1")
    before = mg.load("runs/moons/checkpoint.npz")
    syncs, original = [], os.fsync

    def fsync(number):
        syncs.append(number)
        if len(syncs) > 1 + fails:  # the first is that of the test whether the folder can be written to
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        _, error = said("train", "moons", "--resume", "runs/moons", "--epochs", "2", code=1)
    assert "No space left on device. Free space on its disk" in error
    after = mg.load("runs/moons/checkpoint.npz")
    assert after["history"][:1] == before["history"]
    assert not any(name.startswith(".") for name in os.listdir("runs/moons"))


def test_a_full_disk_ends_compare_in_one_line(said, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", fail)
    _, error = said("compare", "moons", "--steps", 3, code=1)
    assert "No space left on device. Free space on its disk" in error


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [["train", "moons", *QUICK], ["doctor"], [], ["--help"], ["--version"], ["train", "--help"]],
    ids=" ".join,
)
def test_a_full_standard_output_is_one_line(arguments):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "minigrad", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == (
        "minigrad: cannot write to standard output: No space left on device. Free space there, or send it elsewhere.\n"
    )


def test_memory_that_is_short_is_one_line(said, monkeypatch):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 4.00 TiB")

    monkeypatch.setattr(train, "mlp", full)
    assert "out of memory (Unable to allocate 4.00 TiB): try fewer --hidden" in said("train", "moons", code=1)[1]


def test_an_error_that_cannot_be_printed_changes_nothing(monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("builtins.print", fail)
    output.complain("text")
    assert main(["fly"]) == 2


# -- what is said and drawn --------------------------------------------------------------------


def test_the_picture_is_of_the_last_step(said):
    out, _ = said("train", "moons", *QUICK)
    number, loss = re.search(r"graph\.\w+ shows the last step, number (\d+), with loss ([\d.e-]+)", out).groups()
    run = train.Training(train.settings_for("moons", {"hidden": (16,), "epochs": 2}))
    run.epoch(Plain(0, ""))
    losses = []
    original = run.task.loss
    run.task = run.task._replace(loss=lambda *a: losses.append(original(*a)) or losses[-1])
    run.epoch(Plain(0, ""))
    *_, last, _test = losses
    assert float(loss) == pytest.approx(last.item(), rel=1e-3)
    state = mg.load("runs/moons/checkpoint.npz")
    assert int(number) == 50 == state["model"]["1.num_batches_tracked"].item()
    assert run.last_step.number == 50 and "= 50" in run.last_step.graph.source
    assert f"{last.item():.4g}"[:5] in run.last_step.graph.source


def test_the_best_epoch_is_named_and_kept(said, monkeypatch):
    scores = iter([(0.3, 0.5), (0.2, 0.9), (0.1, 0.9), (0.1, 0.9), (0.4, 0.7)])
    models = []

    def evaluate(self):
        models.append(self.model.state_dict())
        return next(scores)

    monkeypatch.setattr(train.Training, "evaluate", evaluate)
    options = ["train", "moons", "--hidden", "8", "--epochs"]
    said(*options, 4, "--out", "a")
    out, _ = said(*options[:2], "--epochs", 5, "--resume", "a", "--out", "b")
    assert "test accuracy 70.00% after 5 epochs, best after epoch 3 (90.00%)" in out
    for folder in "ab":
        best = mg.load(f"{folder}/best.npz")
        assert (best["epoch"], best["score"], best["test_loss"]) == (3, 0.9, 0.1)
        for name, tensor in best["model"].items():
            np.testing.assert_array_equal(tensor.numpy(), models[2][name].numpy())


def test_a_checkpoint_without_a_best_model_is_resumed(said):
    said("train", "moons", *QUICK, "--out", "a")
    state = mg.load("a/checkpoint.npz")
    del state["best_model"]
    mg.save(state, "old.npz")
    said("train", "moons", "--resume", "old.npz", "--epochs", "3", "--out", "b")
    assert len(history("b")) == 3


def test_the_seconds_of_an_epoch_are_more_than_zero(said):
    out, _ = said("train", "moons", *QUICK)
    times = [float(line.split()[-1]) for line in out.splitlines() if re.match(r" +\d+ +\d\.\d{4} ", line)]
    assert len(times) == 2 and min(times) > 0


@pytest.mark.slow
def test_the_legend_says_how_the_losses_differ(monkeypatch):
    pytest.importorskip("matplotlib")
    drawings = []
    monkeypatch.setattr(pictures, "write", lambda drawing, path: drawings.append(drawing))
    rows = [train.Row(1, 0.5, 0.2, 0.9, 0.1), train.Row(2, 0.4, 0.3, 0.8, 0.1)]
    for batchnorm in (True, False):
        pictures.learning_curves(rows, rows[0], "test accuracy", batchnorm, "moons", "seed 0", train.Path("x"))
    for drawing, batchnorm in zip(drawings, (True, False), strict=True):
        (legend,) = drawing.legends
        training, test = (text.get_text() for text in legend.get_texts())
        assert "mean of the epoch's steps" in training and "after the epoch" in test
        assert ("batch statistics" in training) == ("running statistics" in test) == batchnorm
        assert drawing.axes[1].get_title() == "test accuracy: 0.8000 at the end, best 0.9000"


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["moons", "circles", "spirals", "blobs", "xor", "checkerboard"])
def test_the_legend_of_a_decision_boundary_covers_no_point(dataset, monkeypatch):
    pytest.importorskip("matplotlib")
    drawings = []
    monkeypatch.setattr(pictures, "write", lambda drawing, path: drawings.append(drawing))
    run = train.Training(train.settings_for(dataset, {}))
    sets = run.train_set.tensors, run.test_set.tensors
    pictures.decision_boundary(run.model, sets, (), ("a", "b"), "moons", "seed 0", train.Path("x"))
    (drawing,) = drawings
    drawing.draw_without_rendering()
    legend = drawing.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()][-2:] == ["training data", "test data"]
    assert not legend.get_window_extent().overlaps(drawing.axes[0].get_window_extent())


@pytest.mark.slow
def test_compare_shows_the_papers_figure_by_default(said):
    settings = compare.Settings("digits")
    assert (settings.lr, settings.steps) == (2.0, 4000)
    out, _ = said("compare", "digits", "--steps", 1600)
    rows = {int(row.split()[0]): row.split()[1:] for row in out.splitlines() if re.match(r" +\d+ +\d", row)}
    with_batchnorm, without = (float(text.rstrip("%")) for text in rows[1600])
    assert with_batchnorm > 93 and without < 70


# -- help --------------------------------------------------------------------------------------


def test_without_arguments_the_help_is_printed(said):
    out, error = said(code=2)
    assert error == "" and out == make_parser().format_help()


def help_of(command, said):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    return " ".join(said("--version-of-nothing", code=2)[0].split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_begins_with_its_use(command, said):
    used, _, rest = help_of(command, said).partition("] ")
    assert used.startswith(f"usage: minigrad {command}")
    assert re.search(r" [A-Z][a-z]+ [^.]+\. ", rest.partition("options:")[0])


def test_the_help_has_every_default(said):
    text = help_of("train", said)
    for default in (
        "training data (default: sine 100, digits 20, others 40)",
        "per step (default: sine 100, digits 64, others 32)",
        "of Adam (default: sine 0.003, digits 0.003, others 0.01)",
        "layers (default: digits 128,64, others 32,32)",
        "start of all random numbers: weights,",
        "(default: runs/DATASET,",
    ):
        assert default in text
    assert all(name in text for name in mg.data.DATASETS)


def test_the_help_of_compare_lists_what_it_can_do(said):
    text = help_of("compare", said)
    assert "sine" not in text and "digits (1,797" in text
    for default in ("steps (default: 4000)", "step (default: 60)", "SGD (default: 2)"):
        assert default in text


def test_there_is_one_word_for_a_dataset():
    root = train.Path(mg.__file__).parent
    texts = {path: path.read_text(encoding="utf-8") for path in (*root.rglob("*.py"), root.parent / "README.md")}
    assert [str(path) for path, text in texts.items() if re.search(r"data\s+sets?\b", text, re.IGNORECASE)] == []


# -- bench -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rounds", "disturbed"), [([1.0, 1.1, 1.2], False), ([1.0, 40.0, 41.0], True)])
def test_bench_shows_the_nets_and_says_when_it_was_disturbed(rounds, disturbed, said, monkeypatch):
    def measure(name, contenders, *_, **__):
        return bench.Measurement(name, dict.fromkeys(contenders, rounds))

    monkeypatch.setattr(bench, "measure", measure)
    monkeypatch.setattr(bench.blas, "alternative", dict)
    out, _ = said("bench", "--workload", "toy", "--workload", "paper")
    assert "\ntoy 2-32-32-2, 32 " in out and "\npaper 64-100-100-100-10, 60 " in out
    assert ("Something else was running: toy, paper" in out) == disturbed
