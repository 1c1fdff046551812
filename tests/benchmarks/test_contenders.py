"""What competes in the benchmarks computes the same."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.benchmarks import handwritten
from minigrad.benchmarks.eager import EagerStep
from minigrad.benchmarks.handwritten import HandwrittenStep
from minigrad.benchmarks.timing import Disagreement, Measurement, check_agreement
from minigrad.benchmarks.workloads import LEARNING_RATE, WORKLOADS, Workload
from tests.benchmarks import batchnorm, nets, operations, optimizers, runs
from tests.benchmarks.peers import Peers
from tests.benchmarks.settings import Settings

NETS = {
    "toy": WORKLOADS["toy"],
    "sigmoid, SGD": Workload((5, 7, 6, 3), 9, "sigmoid", "sgd"),
    "sigmoid, Adam": Workload((3, 8, 4), 16, "sigmoid", "adam"),
    "no hidden layer": Workload((4, 3), 8, "relu", "sgd"),
}

SETTINGS = Settings(rounds=1, budget=1e-6, workloads=["toy"], threads=1, peers=Peers())


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
    compiled = {"steps": ["compiled", "compiled, NumPy"], "inference": ["compiled"], "scaling": ["compiled"]}
    assert {tuple(row.samples) for row in rows} == {("by hand", "minigrad", *compiled.get(name, []))}


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
