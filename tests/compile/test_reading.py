"""``step.source``: it runs by itself, bit for bit as the step, and reads as the formulas of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.native import compiler
from minigrad.compile.passes import improved
from minigrad.compile.reading import Reading
from minigrad.compile.trees import tree_leaves
from minigrad.nn import functional as F
from tests.compile.test_numpy_execution import STEPS, prepared
from tests.compile.trainings import FOUND, TRAININGS, Training, batch, everything, leaves_of, pair


def run_text(step: Any, *inputs: Any) -> dict[str, Any]:
    """One step by the text of a compiled step, in a namespace with NumPy and arrays alone."""
    reading = Reading(improved(step.program))
    named = reading.names.known
    names = {**step.given, **{named[value]: inputs[number].array for number, value in reading.program.inputs}}
    for each in reading.program.instructions:
        made = [value for value in tree_leaves(each.results) if named.get(value) in reading.drawn]
        if each.kind == "host" and made:
            drawn = each.function(*each.args)
            names.update(zip([named[value] for value in made], drawn if len(made) > 1 else [drawn]))
    assert {k: v for k, v in names.items() if not isinstance(v, (np.ndarray, int, float))} == {}
    with np.errstate(all="ignore"):
        exec(compile(step.source, "step.source", "exec"), names)
    return names


def compiled_pair(name: str) -> tuple[tuple[Training, Any], tuple[Training, Any]]:
    """Twice the same training, compiled, after three steps."""
    pairs = []
    for training in trainings(name):
        step = mg.compile(training.step, backend="numpy")
        mg.manual_seed(1)
        for seed in range(3):
            step(*batch_of(name, training, seed))
        pairs.append((training, step))
    return pairs[0], pairs[1]


def trainings(name: str) -> list[Training]:
    if name in STEPS:
        return [Training(*prepared(name)[:3]) for _ in range(2)]
    return list(pair(name))


def batch_of(name: str, training: Training, seed: int) -> Any:
    return prepared(name)[3][seed] if name in STEPS else batch(seed, training)


@pytest.mark.parametrize("name", [*TRAININGS, *FOUND, "cnn", "layer norm", "rmsprop", "adamw"])
def test_the_text_runs_by_itself_and_gives_the_bits_of_the_step(name):
    (first, run), (other, step) = compiled_pair(name)
    inputs = batch_of(name, first, 4)
    mg.manual_seed(2)
    expected = leaves_of(run(*inputs))
    mg.manual_seed(2)
    names = run_text(step, *inputs)
    returned = names["returned"]
    found = returned.values() if isinstance(returned, dict) else returned if isinstance(returned, tuple) else [returned]
    for one, two in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, two)
        assert one.dtype == np.asarray(two).dtype
    kept = everything(other)
    for key, one in everything(first).items():
        if not key.startswith("gradient") and not key.endswith(" step"):
            np.testing.assert_array_equal(one, kept[key], err_msg=key)


class Net(nn.Module):
    def __init__(self):
        self.fc1, self.bn1, self.fc2 = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.bn1(self.fc1(x))))


def source_of(optimizer_of: Any, between: Any = lambda net: None, backend: str = "numpy") -> str:
    """The text of a step of a small net, after three calls."""
    mg.manual_seed(0)
    net = Net()
    optimizer = optimizer_of(net.parameters())

    def step(x, target):
        optimizer.zero_grad()
        F.cross_entropy(net(x), target).backward()
        between(net)
        optimizer.step()

    step = mg.compile(step, backend=backend)
    for _ in range(3):
        step(mg.randn(8, 3), mg.tensor(np.arange(8) % 2))
    return step.source if backend == "numpy" else step.c_source


def test_lines_are_the_formulas_with_the_names_of_the_model_and_of_the_definitions():
    lines = source_of(lambda p: optim.Adam(p, lr=0.01)).splitlines()
    for line in (
        "fc1 = x @ fc1_weight.T + fc1_bias",
        "bn1_xhat = bn1_d * bn1_inverse",
        "bn1 = bn1_xhat * bn1_weight + bn1_bias",
        "relu = np.maximum(bn1, 0)",
        "bn1_running_mean[...] = np.where(bn1_usable, bn1_moved, bn1_running_mean)",
        "d_relu = d_fc2 @ fc2_weight",
        "fc2_weight_grad = d_fc2.T @ relu",
        "d_fc1 = (bn1_g - bn1_mean_g - bn1_xhat * bn1_mean_gx) * bn1_inverse",
        "row_losses = np.log(np.exp(z).sum(axis=1, dtype=np.float64).astype(np.float32)) - picked",
        "softmax = np.exp(softmax)",
        "difference = softmax - (target[:, None] == np.arange(2)).astype(np.float32)",
        "lr, beta1, beta2, eps = 0.01, 0.9, 0.999, 1e-08  # settings of Adam",
        "rate = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)",
        "exp_avg *= beta1",
        "fc1_bias -= change[12:16]",
    ):
        assert line in lines, line


def test_a_result_that_is_computed_in_place_has_the_name_of_its_module_and_parts_have_names_of_the_field():
    net = nn.Sequential(nn.LayerNorm(3), nn.Softmax(1))

    @mg.compile(backend="numpy")
    def step(x):
        net.zero_grad()
        ((net(x) - 1) * x).sum().backward()

    step(mg.randn(4, 3))
    lines = step.source.splitlines()
    for line in (
        "layer0_xhat = layer0_d * layer0_inverse",
        "layer1 = np.exp(layer1)",
        "product = difference * x",
        "layer0_weight_grad = (d_layer0 * layer0_xhat).sum(axis=0, dtype=np.float64).astype(np.float32)",
    ):
        assert line in lines, line


@pytest.mark.parametrize("backend", ["numpy", "c"])
def test_forward_backward_and_update_are_apart_and_sections_name_module_mode_and_operation(backend):
    if backend == "c" and compiler.found() is None:
        pytest.skip("there is no compiler here")
    text = source_of(lambda p: optim.SGD(p, lr=0.1), backend=backend)
    mark = "#" if backend == "numpy" else "//"
    parts = text.split(f"{mark} ====")
    assert [part.split()[0] for part in parts[1:]] == ["forward", "backward", "update"]
    assert f"{mark} fc2 (Linear, train): linear\n" in parts[1] and "derivative" not in parts[1].partition("loops")[0]
    assert f"{mark} fc2 (Linear, train): derivative of linear\n" in parts[2]
    if backend == "numpy":
        assert "# bn1 (BatchNorm1d, train): moves running_mean, running_var, num_batches_tracked\n" in parts[1]
        assert ".py:" in parts[2] and "  optimizer.step()" in parts[3]


def test_what_is_done_with_gradients_before_the_optimiser_belongs_to_the_update():
    text = source_of(lambda p: optim.SGD(p, lr=0.1), lambda net: nn.utils.clip_grad_norm_(net.parameters(), 1.0))
    update = text.partition("# ==== update")[2]
    assert "fc1_weight_grad *= factor" in update and "lr = 0.1  # settings of SGD" in update


class Halving(optim.Optimizer):
    """A rule of a user's, whose numbers have no formula."""

    number_names = ("rate", "double")

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})

    def numbers(self, step, settings, new):
        return float(np.float64(settings["lr"]) / step), settings["lr"] * 2

    def change(self, gradient, out, state, numbers, settings):
        rate, double = numbers
        np.multiply(gradient, rate, out)
        out *= double


def test_a_number_without_a_formula_is_given_by_the_name_that_the_rule_gives_it():
    text = source_of(Halving)
    assert "change = gradient * rate" in text and "change *= lr * 2" in text and "rate = 0.025" in text


@pytest.mark.parametrize("kind", ["NAdam", "RAdam", "Adamax", "Adadelta", "Rprop", "ASGD", "Adagrad"])
def test_every_optimiser_has_a_text_with_its_numbers(kind):
    text = source_of(getattr(optim, kind))
    assert f"settings of {kind}" in text or "numbers:" in text
    compile(text, "text", "exec")


class Interleaved(optim.Optimizer):
    """A rule that reads an array before and after it has changed it, in one expression, and chooses numbers."""

    state_names = ("memory",)

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})

    def change(self, gradient, out, state, numbers, settings):
        (memory,), (lr,) = state, numbers
        np.multiply(memory + gradient, np.add(memory, lr, out=memory), out)
        out += np.where(gradient > 0, lr, -lr) / 3


def test_what_an_expression_reads_is_read_before_it_changes_and_numbers_have_their_dtype():
    weights = []
    for by_text in (False, True):
        mg.manual_seed(0)
        net = Net()
        optimizer = Interleaved(net.parameters())

        def step(x, net=net, optimizer=optimizer):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()

        step, x = mg.compile(step, backend="numpy"), mg.randn(8, 3)
        for _ in range(3):
            step(x)
        run_text(step, x) if by_text else step(x)
        weights.append([p.detach().numpy().tobytes() for p in net.parameters()])
    assert weights[0] == weights[1]
