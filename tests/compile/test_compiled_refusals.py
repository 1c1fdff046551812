"""What a compiled step refuses, with the line and the cure, and what a refusal or an error leaves behind."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Refusal
from tests.compile.test_compiled_step import data, make


def compiled(function: Any, **options: Any) -> Any:
    """A function compiled for NumPy, which is there on every machine."""
    return mg.compile(function, backend="numpy", **options)


class Net(nn.Module):
    """A net that has everything that may be rolled back."""

    def __init__(self) -> None:
        mg.manual_seed(4)
        self.first, self.norm, self.drop = nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Dropout(0.3)
        self.last = nn.Linear(6, 4)
        self.seen = nn.Buffer(mg.zeros(1))
        self.count, self.kept = 0, []

    def forward(self, x: Any) -> Any:
        self.seen.add_(1)
        return self.last(self.drop(self.norm(self.first(x))))


net = Net()
optimizer = optim.Adam(net.parameters(), lr=0.01)
numbers = itertools.count()
history: list[Any] = []
best = 10.0


def after(loss: Any) -> None:
    """Set by each test: what the step does besides."""


def step(x: Any, target: Any) -> Any:
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(x), target)
    loss.backward()
    optimizer.step()
    after(loss)
    return loss


def everything() -> dict[str, Any]:
    """All that a step changes, as bytes."""
    found = {name: value.numpy().tobytes() for name, value in net.state_dict().items()}
    for name, p in net.named_parameters():
        found[f"{name}.grad"] = None if p.grad is None else p.grad.numpy().tobytes()
        found[f"{name}.memory"] = id(p.array)
    for number, entry in optimizer.state_dict()["state"].items():
        found.update({f"{number}.{name}": np.asarray(value).tobytes() for name, value in entry.items()})
    found["groups"] = [
        {key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups
    ]
    found["random"] = str(mg.get_rng_state())
    found["count"], found["kept"] = net.count, list(net.kept)
    return found


def set_count(loss: Any) -> None:
    net.count += 1


def raise_rate(loss: Any) -> None:
    optimizer.param_groups[0]["lr"] *= 0.5


def set_global(loss: Any) -> None:
    global best
    best = best - 1


REFUSED = {
    "a decision": (lambda loss: 1 if loss > 2 else 0, r"bool\(\) asks for the value.*mg.where"),
    "a decision on a number": (lambda loss: 1 if loss.item() < best else 0, r"bool\(\) asks for.*Decide outside"),
    "float": (lambda loss: float(loss), r"float\(\) asks for the value.*return it"),
    "int": (lambda loss: int(loss), r"int\(\) asks for the value"),
    "numpy": (lambda loss: loss.detach().numpy(), r"numpy\(\) asks for the value.*convert it outside"),
    "asarray": (lambda loss: np.asarray(loss.detach()), r"numpy\(\) asks for the value"),
    "tolist": (lambda loss: loss.tolist(), r"tolist\(\) asks for the value"),
    "a mask": (lambda loss: net.last.weight.detach()[net.last.weight.detach() > 0], "a mask as index.*mg.where"),
    "nonzero": (lambda loss: mg.nonzero(net.last.weight.detach()), "nonzero"),
    "a tensor that is kept": (lambda loss: history.append(loss), "is kept after it.*return it, or make it a Buffer"),
    "a number that is kept": (lambda loss: history.append(loss.item()), "is kept after it"),
    "an attribute that is kept": (lambda loss: setattr(net, "latest", loss), r"Net.latest is changed|is kept after it"),
    "an attribute that counts": (set_count, "Net.count is changed by the step.*keep a tensor in a Buffer"),
    "a list that grows": (lambda loss: net.kept.append(1), "kept is changed by the step"),
    "a setting": (raise_rate, "lr of parameter group 0 of Adam is changed by the step.*between steps"),
    "the mode": (lambda loss: net.eval(), "training.* is changed by the step"),
    "requires_grad": (lambda loss: net.first.weight.requires_grad_(False), "requires_grad of .*weight is changed"),
    "a global": (set_global, "best is changed by the step"),
    "a function of NumPy": (lambda loss: np.unique(net.last.weight.array), "cannot be captured.*operation of minigrad"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def afresh():
    """Modes as they were."""
    global after
    yield
    net.train().requires_grad_(True)
    after = lambda loss: None  # noqa: E731
    history.clear()


@pytest.mark.parametrize("when", ["the first call", "a later call"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_line_and_cure_and_rolls_everything_back(name, when):
    global after
    what, message = REFUSED[name]
    if when == "a later call":
        for i in range(3):
            compiled(step)(*data(seed=i))
    after = what
    before = everything()
    with pytest.raises(Refusal, match=message) as error:
        compiled(step)(*data())
    assert "test_compiled_refusals.py:" in str(error.value)
    assert everything() == before
    step_of_eager = nn.functional.cross_entropy(net(data()[0]), data()[1])
    step_of_eager.backward()


def test_after_a_refusal_the_same_step_can_be_called_once_it_is_cured():
    global after
    run = compiled(step)
    after = REFUSED["float"][0]
    with pytest.raises(Refusal):
        run(*data())
    after = REFUSED["the mode"][0]
    with pytest.raises(Refusal):
        run(*data())
    after = lambda loss: None  # noqa: E731
    for _ in range(4):
        run(*data())
    assert len(run.programs) == 1


# -- what differs between two captures -----------------------------------------------------------

HIDDEN = {
    "a counter": (lambda x: x * next(numbers), r"refusals.py:\d+: x \* \d+, and before x \* \d+: what changes"),
    "the clock": (lambda x: x + time.perf_counter(), r"x \+ [\d.]+, and before x \+ [\d.]+: what changes"),
    "an array": (lambda x: x * mg.tensor([float(next(numbers))]), r"x \* \[[\d.]+\], and before x \* \[[\d.]+\]"),
    "a text": (lambda x: f"{x.sum().item():.2f} {next(numbers)}", "the step returns '.*write the text outside"),
    "a module made anew": (lambda x: nn.Linear(3, 1)(x), "and before|from other arrays than before"),
    "a branch": (lambda x: x * 2 if next(numbers) % 2 else x + 2, "and before"),
    "a result": (lambda x: (x, next(numbers)), r"the step returns \d+, and \d+ before"),
    "more": (lambda x: x if next(numbers) % 2 else x * 1 * 1, "is done|and before|returns"),
    "a generator": (lambda x: x + mg.rand(3, generator=mg.Generator().manual_seed(1)), "random"),
}


@pytest.mark.filterwarnings("ignore:.*shows values there only")
@pytest.mark.parametrize("name", HIDDEN)
def test_two_captures_that_differ_are_refused_with_the_difference(name):
    function, message = HIDDEN[name]
    state = nn.Buffer(mg.zeros(3))

    def run(x):
        state.add_(1)
        return function(x)

    run = compiled(run)
    run(mg.ones(3))
    with pytest.raises(Refusal, match=f"two runs of the step are not the same program.*{message}"):
        run(mg.ones(3))
    np.testing.assert_array_equal(state.numpy(), np.ones(3))


def test_what_changes_later_is_found_at_the_hundredth_call():
    turns = itertools.count()
    state = nn.Buffer(mg.zeros(1))

    def run(x):
        state.add_(1 if next(turns) < 2 else 2)

    run = compiled(run)
    for _ in range(99):
        run(mg.ones(1))
    assert state.item() == 99
    with pytest.raises(
        Refusal, match=r"not the same program. .*state\[\.\.\.\] = state \+ 2, and before state\[\.\.\.\] = state \+ 1"
    ):
        run(mg.ones(1))
    assert state.item() == 99


# -- arguments -----------------------------------------------------------------------------------


def test_an_argument_that_is_changed_in_place_is_refused():
    x = mg.ones(3)
    with pytest.raises(Refusal, match=r"test_compiled_refusals.py:\d+: the argument batch is changed in place"):
        compiled(lambda batch: batch.add_(1).sum())(x)
    np.testing.assert_array_equal(x.numpy(), np.ones(3))


def test_arguments_of_unknown_kinds_are_refused():
    with pytest.raises(TypeError, match="argument 0 is set: a step takes tensors"):
        compiled(lambda x: None)({1})


# -- errors that are eager's own -----------------------------------------------------------------

WRONG = {
    "a class": lambda x, target: (x, target + 9),
    "a shape": lambda x, target: (x[:, :2], target),
    "a dtype": lambda x, target: (x.double(), target),
    "another target": lambda x, target: (x, target[:5]),
    "one row": lambda x, target: (x[:1], target[:1]),
    "no tensor": lambda x, target: (None, target),
}


@pytest.mark.parametrize("calls", [0, 4])
@pytest.mark.parametrize("name", WRONG)
def test_errors_are_eagers_own_and_leave_what_eager_leaves(name, calls):
    first, other = make(), make()
    run = compiled(first.step)
    messages = []
    for function in (run, other.step):
        mg.manual_seed(3)
        for i in range(calls):
            function(*data(seed=i))
        with pytest.raises((ValueError, TypeError, IndexError, RuntimeError)) as error:
            function(*WRONG[name](*data()))
        messages.append((type(error.value), str(error.value), getattr(error.value, "__notes__", None)))
        messages[-1] += (str(mg.get_rng_state()),)
        function(*data())
    assert messages[0] == messages[1]
    for (key, p), q in zip(first.model.state_dict().items(), other.model.state_dict().values()):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-6, err_msg=key)


def test_a_setting_that_makes_no_sense_is_refused_as_in_eager():
    training = make()
    run = compiled(training.step)
    for _ in range(3):
        run(*data())
    training.optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(ValueError, match="SGD: lr must be a number of at least 0"):
        run(*data())
    training.optimizer.param_groups[0]["lr"] = 0.1
    run(*data())


def test_a_users_exception_leaves_what_eager_leaves():
    results = []
    for compile_it in (True, False):
        net = Net()
        optimizer = optim.SGD(net.parameters(), lr=0.1)

        def fails(x, target, net=net, optimizer=optimizer):
            loss = nn.functional.cross_entropy(net(x), target)
            loss.backward()
            optimizer.step()
            raise LookupError("own")

        mg.manual_seed(0)
        with pytest.raises(LookupError, match="own"):
            (compiled(fails) if compile_it else fails)(*data())
        results.append({name: value.numpy() for name, value in net.state_dict().items()})
        results[-1].update({f"{name}.grad": p.grad.numpy() for name, p in net.named_parameters()})
    for name, value in results[0].items():
        np.testing.assert_allclose(value, results[1][name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_parameters_that_get_no_gradient_need_no_care(kind):
    found = []
    for compile_it in (True, False):
        mg.manual_seed(0)
        used, unused = nn.Linear(2, 1), nn.Linear(2, 1)
        optimizer = kind([*used.parameters(), *unused.parameters()], lr=0.1)

        def run(x, used=used, optimizer=optimizer):
            optimizer.zero_grad()
            loss = used(x).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = compiled(run) if compile_it else run
        found.append([run(mg.full((2, 2), i + 1.0)).item() for i in range(6)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


# -- how it is called ----------------------------------------------------------------------------


class Endless:
    """What gives numbers when it is called."""

    def __call__(self) -> Any:
        yield 1


CALLS = {
    "a class": (lambda: mg.compile(nn.Linear), TypeError, "takes a function or a model, got the class Linear"),
    "no function": (lambda: mg.compile(3), TypeError, "takes a function or a model, got 3"),
    "a generator": (lambda: mg.compile(lambda: (yield)), TypeError, "no generator or coroutine"),
    "a callable generator": (lambda: mg.compile(Endless()), TypeError, "no generator or coroutine"),
    "a back end": (lambda: mg.compile(len, backend="inductor"), ValueError, 'backend is "c" or "numpy", or None'),
    "a keyword": (lambda: mg.compile(len, fast=True), TypeError, "unexpected keyword argument 'fast'"),
    "a mode": (lambda: mg.compile(len, mode="slow"), ValueError, "mode is one of None, 'default'.*got 'slow'"),
    "options": (lambda: mg.compile(len, options={"a": 1}), ValueError, "there are no options"),
    "a state": (lambda: mg.compile(len, state=["net"]), TypeError, "state is a list of modules.*got str in it"),
    "no list": (lambda: mg.compile(len, state=net), TypeError, "state is a list of modules.*got Net"),
    "disable": (lambda: mg.compile(len, disable=2), TypeError, "disable is True or False, got 2"),
}  # fmt: skip


def test_a_wrong_keyword_is_refused_by_the_function_itself():
    with pytest.raises(TypeError, match=r"step\(\) got an unexpected keyword argument 'z'"):
        compiled(step)(*data(), z=1)


def test_a_step_that_returns_a_generator_is_refused():
    with pytest.raises(Refusal, match="returns a generator, which runs after it: return tensors"):
        compiled(lambda x: (each for each in (x,)))(mg.ones(1))


def test_a_method_of_a_class_can_be_compiled():
    class Shifted:
        by = 2.0

        @classmethod
        @mg.compile(backend="numpy")
        def shift(cls, x):
            return x + cls.by

    assert [Shifted.shift(mg.ones(1)).item() for _ in range(4)] == [3.0] * 4


@pytest.mark.filterwarnings("ignore::minigrad.compile.CompileWarning")
def test_a_number_is_printed_as_a_number_in_a_capture(capsys):
    run = compiled(lambda x: print(x.sum().item(), [x.sum().item()]))
    run(mg.ones(2))
    assert capsys.readouterr().out == "2.0 [2.0]\n"


@pytest.mark.parametrize("name", CALLS)
def test_compile_refuses_what_makes_no_sense(name):
    call, kind, message = CALLS[name]
    with pytest.raises(kind, match=message):
        call()


def test_pytorchs_choices_are_accepted():
    for choices in (
        {"fullgraph": True},
        {"dynamic": None},
        {"dynamic": True},
        {"mode": "max-autotune"},
        {"options": None},
    ):
        assert mg.compile(lambda x: x + 1, backend="numpy", **choices)(mg.ones(1)).item() == 2
    assert mg.compile(len, disable=True) is len
    assert mg.compile(disable=True)(len) is len
