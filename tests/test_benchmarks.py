"""The benchmarks, but for the times: what competes computes the same, and what was measured is reported as it is."""

from __future__ import annotations

import gc
import json
import os
import sys
from argparse import Namespace

import numpy as np
import pytest

import minigrad as mg
from minigrad.benchmarks import blas, handwritten, table, timing
from minigrad.benchmarks.eager import EagerStep
from minigrad.benchmarks.handwritten import HandwrittenStep
from minigrad.benchmarks.timing import Disagreement, Measurement, check_agreement
from minigrad.benchmarks.workloads import LEARNING_RATE, WORKLOADS, Workload
from minigrad.command_line import bench, doctor
from minigrad.command_line.errors import CommandError
from minigrad.command_line.main import main as cli
from tests.benchmarks import batchnorm, nets, operations, optimizers, peers, processes, runs
from tests.benchmarks.__main__ import main
from tests.benchmarks.peers import Peers
from tests.benchmarks.settings import Section, Settings

NETS = {
    "toy": WORKLOADS["toy"],
    "sigmoid, SGD": Workload((5, 7, 6, 3), 9, "sigmoid", "sgd"),
    "sigmoid, Adam": Workload((3, 8, 4), 16, "sigmoid", "adam"),
    "no hidden layer": Workload((4, 3), 8, "relu", "sgd"),
}
SETTINGS = Settings(rounds=1, budget=1e-6, workloads=["toy"], threads=1, peers=Peers())


# -- contenders --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_by_hand_and_minigrad_do_the_same_training_and_prediction(name):
    hand, eager = HandwrittenStep(NETS[name]), EagerStep(NETS[name])
    losses = [[step.step() for _ in range(10)] for step in (hand, eager)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert np.isfinite(losses).all() and losses[0][-1] < losses[0][0]
    outputs = [step.predictor()() for step in (hand, eager)]
    assert outputs[0].shape == (1, NETS[name].sizes[-1])
    # before BatchNorm a bias has no gradient but rounding, which Adam scales to whole steps
    tolerance = {"sgd": 1e-5, "adam": 1e-2}[NETS[name].optimizer]
    np.testing.assert_allclose(outputs[0], outputs[1].numpy(), atol=tolerance * abs(outputs[0]).max())
    assert not outputs[1].requires_grad


def test_the_gradient_by_hand_is_that_of_finite_differences():
    hand = HandwrittenStep(NETS["sigmoid, SGD"])
    hand.update = lambda: None
    hand.step()
    derivative = hand.gradient.astype(float)
    for i in range(0, len(hand.vector), 7):
        value, losses = hand.vector[i], []
        for change in (0.05, -0.05):
            hand.vector[i] = value + np.float32(change)
            losses.append(hand.step())
        hand.vector[i] = value
        assert (losses[0] - losses[1]) / 0.1 == pytest.approx(derivative[i], abs=2e-3)


@pytest.mark.parametrize(
    ("by_hand", "kind", "settings"),
    [
        (handwritten.SGD, mg.optim.SGD, {}),
        (handwritten.SGD, mg.optim.SGD, {"momentum": 0.9}),
        (handwritten.Adam, mg.optim.Adam, {}),
    ],
)
def test_the_optimisers_by_hand_do_what_minigrads_do(by_hand, kind, settings):
    random = np.random.default_rng(0)
    vector = random.standard_normal(50).astype(np.float32)
    gradient = np.zeros_like(vector)
    parameter = mg.nn.Parameter(vector.copy())
    optimizer, mine = kind([parameter], lr=LEARNING_RATE, **settings), by_hand(vector, gradient, **settings)
    for _ in range(5):
        gradient[:] = random.standard_normal(50)
        parameter.grad = mg.tensor(gradient)
        before = gradient.copy()
        optimizer.step()
        mine.step()
        np.testing.assert_array_equal(gradient, before)
    np.testing.assert_allclose(vector, parameter.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("mean", [0, 3])
@pytest.mark.parametrize("shape", [(9, 4), (5, 3, 2, 4)])
def test_batchnorm_by_hand_is_minigrads(shape, mean):
    arrays = batchnorm.arrays_of(shape, mean)
    assert abs(arrays[0].mean() - mean) < 0.5
    np.testing.assert_allclose(batchnorm.by_hand(*arrays)(), batchnorm.eager(mg, *arrays)().numpy(), atol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_memory_limit_moves_eight_times_the_bytes(threads, monkeypatch):
    moved = []
    copyto = np.copyto
    monkeypatch.setattr(np, "copyto", lambda to, source: moved.append(to.nbytes + source.nbytes) or copyto(to, source))
    x, dy = batchnorm.arrays_of((10, 4))[:2]
    batchnorm.copies(x, dy, threads)()
    assert len(moved) == 4 * threads
    assert sum(moved) == 8 * x.nbytes


@pytest.mark.parametrize("name", operations.OPERATIONS)
def test_each_operations_gradients_are_minigrads(name):
    operation = operations.OPERATIONS[name]
    random = np.random.default_rng(0)
    arrays = [random.uniform(0.5, 1.5, (32, 5)).astype(np.float32), random.uniform(0.5, 1.5, (32, 5)).astype("f")]
    if name == "a @ b":
        arrays = [array[:5] for array in arrays]
    a, b = (mg.tensor(array, requires_grad=True) for array in arrays)
    y = operation.call(mg, a, b)
    plain = (operation.plain or operation.call)(np, *arrays)
    np.testing.assert_allclose(plain, y.detach().numpy(), rtol=1e-5)
    dy = random.standard_normal(y.shape).astype(np.float32)
    y.backward(mg.tensor(dy))
    gradients = operation.gradients(dy, plain, *arrays)
    assert len(gradients) == 1 + (b.grad is not None)
    for gradient, tensor in zip(gradients, (a, b)):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-5, atol=1e-6)


ROWS = {
    "steps": ["toy"],
    "inference": ["toy"],
    "batchnorm": ["(32, 32)", "(64, 64), mean 3"],
    "operations": [row for name in operations.OPERATIONS for row in (name, f"{name}, backward")],
    "optimizers": ["SGD, 3 of 2x2", "SGD momentum, 3 of 2x2", "Adam, 3 of 2x2"],
    "scaling": ["width 2", "width 4", "depth 1", "depth 2", "batch 8", "batch 16"],
}


@pytest.mark.parametrize("name", ROWS)
def test_a_section_times_by_hand_and_minigrad(name, monkeypatch):
    monkeypatch.setattr(batchnorm, "CASES", [((32, 32), 0), ((64, 64), 3)])
    monkeypatch.setattr(optimizers, "PARAMETERS", {"3 of 2x2": [(2, 2)] * 3})
    monkeypatch.setattr(nets, "DOUBLINGS", 1)
    rows = [row for row in runs.SECTIONS[name].rows(SETTINGS) if isinstance(row, Measurement)]
    assert [row.name for row in rows] == ROWS[name]
    assert {tuple(row.samples) for row in rows} == {("by hand", "minigrad")}


def test_the_memory_limit_is_for_large_arrays(monkeypatch):
    monkeypatch.setattr(batchnorm, "CASES", [((32, 32), 0), ((64, 64), 0)])
    monkeypatch.setattr(batchnorm, "LARGE", 64 * 64)
    small, large, _ = batchnorm.batchnorm(SETTINGS)
    assert [*small.samples] == ["by hand", "minigrad"]
    assert [*large.samples] == ["by hand", "minigrad", "memory limit"]


@pytest.mark.parametrize(("doublings", "expected"), [(1, ["width above 2", "depth above 1", "batch above 8"]), (0, [])])
def test_scaling_says_what_it_leaves_out(doublings, expected, monkeypatch):
    monkeypatch.setattr(nets, "DOUBLINGS", doublings)
    monkeypatch.setattr(nets, "LONGEST", 0)
    rows = list(nets.scaling(SETTINGS))
    assert [row.name for row in rows if isinstance(row, Measurement)] == ["width 2", "depth 1", "batch 8"]
    assert [row.partition(" is left out")[0] for row in rows if isinstance(row, str) and "above" in row] == expected


@pytest.mark.parametrize("section", ["steps", "inference"])
def test_a_contender_that_trains_otherwise_is_named(section, monkeypatch):
    class Other(EagerStep):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.model[-1].weight.data.mul_(1.1)

    monkeypatch.setattr(nets, "EagerStep", Other)
    with pytest.raises(Disagreement, match="the loss of toy: minigrad differs from by hand by"):
        list(runs.SECTIONS[section].rows(SETTINGS))


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"a": 1.0, "b": 1.002}, "it: b differs from a by 0.002, at values of 1"),
        ({"a": [100.0, 0.0], "b": [100.0, 0.2]}, "it: b differs from a by 0.2, at values of 100"),
        ({"a": 1.0, "b": 1.0, "c": float("nan")}, "it: the result of c is not finite"),
        ({"a": float("inf"), "b": float("inf")}, "it: the result of a is not finite"),
        ({"a": np.ones(2), "b": np.ones((2, 1))}, r"it: b has shape \(2, 1\), a \(2,\)"),
    ],
)
def test_disagreement_is_refused(results, message):
    with pytest.raises(Disagreement, match=message):
        check_agreement("it", results)


def test_small_differences_agree():
    check_agreement("it", {"a": np.array([1.0, 1e-6]), "b": np.array([1.0005, -1e-6]), "c": mg.tensor([1.0, 0.0])})


# -- timing ------------------------------------------------------------------------------------


class Clock:
    """A clock that only contenders move on, each by its own times in turn."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def __call__(self):
        return self.now

    def contender(self, name, *seconds):
        def call():
            self.now += seconds[min(self.calls.count(name), len(seconds) - 1)]
            self.calls.append(name)

        return call


def test_medians_and_ratios_of_rounds_in_turn():
    clock = Clock()
    # the first two calls are a warm-up, and an estimate
    contenders = {"a": clock.contender("a", 9, 9, 2, 1, 30), "b": clock.contender("b", 9, 9, 5, 6, 4)}
    pauses = []
    measured = timing.measure("it", contenders, 3, budget=1, clock=clock, pause=lambda: pauses.append(clock.calls[-1]))
    assert measured == ("it", {"a": [2, 1, 30], "b": [5, 6, 4]})
    assert clock.calls == [*"aabb", *"abbaab"]  # every second round backwards
    assert pauses == [*"babbaa"]
    assert measured.medians == {"a": 2, "b": 5}
    assert measured.ratios == {"a": 1, "b": 2.5}


@pytest.mark.parametrize(
    ("seconds", "calls"), [(0.25, 4), (0.75, 1), (2.0, 1), (0.0, timing.MOST_CALLS), (1e-9, timing.MOST_CALLS)]
)
def test_a_measurement_takes_its_budget_but_not_more_calls_than_make_sense(seconds, calls):
    clock = Clock()
    measured = timing.measure("it", {"a": clock.contender("a", seconds)}, 2, budget=1, clock=clock, pause=int)
    assert measured.samples["a"] == pytest.approx([seconds] * 2)
    cold = 1 if calls > 1 else 0
    assert len(clock.calls) == 2 + 2 * (cold + calls)


def test_what_was_made_before_is_not_collected_meanwhile():
    frozen = []
    timing.measure("it", {"a": lambda: frozen.append(gc.get_freeze_count())}, 1, budget=1e-9)
    assert min(frozen) > 0 and gc.get_freeze_count() == 0


# -- reports -----------------------------------------------------------------------------------

UNIT = table.MICROSECONDS
ROW = Measurement("toy", {"by hand": [5e-5, 1e-4, 9e-3], "minigrad": [1.25e-4], "JAX": [9.5e-5]})
OTHER = Measurement("mid", {"by hand": [2e-3], "JAX": [0.0415]})


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.12"), (1.2, "1.20"), (12.34, "12.3"), (123.4, "123"), (1234567, "1,234,567")]
)
def test_numbers_have_the_digits_that_mean_something(value, text):
    assert table.number(value) == text


def test_a_table_is_aligned_and_has_a_new_head_for_others():
    lines = list(runs.table(Section("", UNIT, None), [ROW, "a remark", OTHER], markdown=False))
    assert [line.split() for line in lines] == [
        ["microseconds", "by", "hand", "minigrad", "JAX"],
        ["toy", "100", "125", "(1.25)", "95.0", "(0.95)"],
        [],
        ["microseconds", "by", "hand", "JAX"],
        ["mid", "2,000", "41,500", "(20.8)"],
        ["a", "remark"],
    ]
    assert len(lines[0]) == len(lines[1]) and len(lines[3]) == len(lines[4])


def test_a_table_in_markdown():
    lines = list(runs.table(Section("", UNIT, None), [ROW, ROW, "a remark"], markdown=True))
    row = "| toy | 100 | 125 (1.25) | 95.0 (0.95) |"
    head = ["| microseconds | by hand | minigrad | JAX |", "| --- | ---: | ---: | ---: |"]
    assert lines == [*head, row, row, "", "- a remark"]


def test_rows_are_printed_as_they_are_measured():
    pulled = []
    lines = runs.table(Section("", UNIT, None), (pulled.append(row) or row for row in (ROW, ROW)), markdown=False)
    next(lines), next(lines)
    assert len(pulled) == 1


QUICK = ["--no-peers", "--rounds", "1", "--budget", "1e-6"]


def test_a_run_prints_and_writes_everything_measured(tmp_path, capsys):
    file = tmp_path / "measured.json"
    assert main(["steps", "inference", "--workload", "toy", *QUICK, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    (run,) = json.loads(file.read_text())["runs"]
    assert list(run["sections"]) == ["steps", "inference"]
    for name, section in run["sections"].items():
        assert f"\n{name}: {section['title']}\n" in printed
        (row,) = section["measurements"]
        assert row["name"] == "toy" and section["unit"] == "seconds"
        assert {who: [median] for who, median in row["medians"].items()} == row["samples"]
        assert row["ratios"]["minigrad"] == row["medians"]["minigrad"] / row["medians"]["by hand"]
        assert (
            f"{table.number(1e6 * row['medians']['minigrad'])} ({table.number(row['ratios']['minigrad'])})" in printed
        )
    environment = run["environment"]
    assert environment["versions"]["NumPy"] == np.__version__
    assert environment["blas"] == blas.blas_in_use()._asdict()
    assert environment["missing"] == ["PyTorch", "JAX", "HIPS autograd"]
    for text in (
        environment["date"][:10],
        blas.processor(),
        blas.describe_blas(blas.blas_in_use()),
        "left out: PyTorch",
    ):
        assert text in printed


def test_each_environment_is_a_run_of_its_own(monkeypatch, tmp_path):
    started = []

    def in_fresh_process(function, options, environment):
        started.append((function, options.sections, environment))
        return {"run": len(started)}

    monkeypatch.setattr(runs, "in_fresh_process", in_fresh_process)
    file = tmp_path / "measured.json"
    assert main(["steps", "--json", str(file), "--environment", "A=1", "B=x=y", "--environment", "A="]) == 0
    assert started == [(runs.run, ["steps"], changes) for changes in ({}, {"A": "1", "B": "x=y"}, {"A": ""})]
    assert json.loads(file.read_text()) == {"runs": [{"run": 1}, {"run": 2}, {"run": 3}]}


def test_a_fresh_process_has_its_environment_and_this_one_keeps_its_own():
    before = dict(os.environ)
    assert processes.in_fresh_process(os.getenv, "MINIGRAD_TEST", environment={"MINIGRAD_TEST": "1"}) == "1"
    assert dict(os.environ) == before


def test_a_process_that_dies_is_reported():
    with pytest.raises(CommandError, match="the process for MINIGRAD_TEST=1 died: try without it"):
        processes.in_fresh_process(os._exit, 1, environment={"MINIGRAD_TEST": "1"})


MISTAKES = {
    "a section": (["speed"], "unknown section 'speed': there are steps, inference,"),
    "a workload": (["--workload", "huge"], "unknown workload 'huge': there are toy,"),
    "rounds": (["--rounds", "0"], "expected a whole number of at least 1, got '0'"),
    "a budget": (["--budget", "-1"], "expected a number above 0, got '-1'"),
    "an environment": (["--environment", "OPENBLAS_NUM_THREADS"], "expected NAME=VALUE, got 'OPENBLAS_NUM_THREADS'"),
    "an option": (["--fast"], "unrecognized arguments: --fast"),
    "a file": (["steps", "--json", "nowhere/measured.json"], "there is no folder nowhere"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_measured(name, capsys, monkeypatch):
    arguments, message = MISTAKES[name]
    monkeypatch.setattr(runs, "run", lambda *_: pytest.fail("measured"))
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("benchmarks: ") and printed.err.count("\n") == 1
    assert message in printed.err


def test_peers_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(peers.os, "environ", {})
    found = peers.find_peers(2)
    assert found == (None, None, None)
    assert found.missing == ["PyTorch", "JAX", "HIPS autograd"] and found.versions == {}
    assert Peers(jax=object()).missing == ["PyTorch", "HIPS autograd"]


def test_a_peer_that_cannot_be_imported_is_missing(tmp_path, monkeypatch, capsys):
    (tmp_path / "autograd.py").write_text("raise ImportError('NumPy is too new')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "autograd", raising=False)
    assert peers.load("autograd") is None
    assert "HIPS autograd is installed, but cannot be imported: NumPy is too new" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (Disagreement("the loss of mid: JAX differs."), 2, "benchmarks: the loss of mid: JAX differs.\n"),
        (KeyboardInterrupt(), 130, "benchmarks: stopped\n"),
        (CommandError("the process died: try without it."), 2, "benchmarks: the process died: try without it.\n"),
    ],
    ids=["disagreement", "Ctrl-C", "died"],
)
def test_what_was_measured_before_a_failure_is_kept(failure, code, said, tmp_path, monkeypatch, capsys):
    def fail(settings):
        yield Measurement("small", {"by hand": [1.0]})
        raise failure

    def rows(settings):
        yield Measurement("toy", {"by hand": [1.0]})

    monkeypatch.setitem(runs.SECTIONS, "steps", Section("title", table.MICROSECONDS, rows))
    monkeypatch.setitem(runs.SECTIONS, "inference", Section("title", table.MICROSECONDS, fail))
    file = tmp_path / "measured.json"
    assert main(["steps", "inference", "--no-peers", "--json", str(file)]) == code
    assert capsys.readouterr().err == said
    (run,) = json.loads(file.read_text())["runs"]
    assert [row["name"] for row in run["sections"]["steps"]["measurements"]] == ["toy"]
    assert "inference" not in run["sections"]


# -- minigrad bench ----------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "BUDGET", 1e-6)
    monkeypatch.setattr(bench.blas, "alternative", dict)


def test_the_short_form(quick):
    head, row, last = bench.run(Namespace(workload=["toy"]))
    assert head.split() == ["microseconds", "a", "step", "by", "hand", "minigrad"]
    assert row.split()[0] == "toy" and len(row) == len(head)
    assert blas.describe_blas(blas.blas_in_use()) in last


@pytest.mark.parametrize(("gain", "said"), [(1.8, True), (1.0, False), (None, False)])
def test_other_kernels_are_recommended_where_they_pay(gain, said, quick, monkeypatch):
    speeds = {"usual": blas.Speed(blas.Blas("OpenBLAS", "0", "Haswell", 1), [100.0])}
    if gain is not None:
        speeds["other"] = blas.Speed(blas.Blas("OpenBLAS", "0", "SkylakeX", 1), [100 * gain])
    asked = []
    monkeypatch.setattr(bench.blas, "alternative", lambda: {"OPENBLAS_CORETYPE": "SkylakeX"})
    monkeypatch.setattr(bench.blas, "measure", lambda settings: asked.append(settings) or speeds)
    lines = list(bench.run(Namespace(workload=["toy"])))[3:]
    assert asked == [{"usual": {}, "other": {"OPENBLAS_CORETYPE": "SkylakeX"}}]
    cure = doctor.setting("OPENBLAS_CORETYPE", "SkylakeX")
    assert lines == [f"SkylakeX kernels multiply matrices 1.80 times as fast: before Python starts, {cure}"] * said


def test_the_command_bench_knows_its_workloads(quick, capsys):
    assert cli(["bench", "--workload", "huge"]) == 2
    assert "unknown workload 'huge': there are toy, small" in capsys.readouterr().err
    assert cli(["bench", "--workload", "toy"]) == 0
    assert "toy" in capsys.readouterr().out
