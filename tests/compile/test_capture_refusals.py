"""What cannot be captured is refused with the user's line, and everything is as it was before."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Refusal, capture
from minigrad.compile.stand_in import FUNCTIONS, METHODS
from minigrad.engine.host import host
from minigrad.engine.modes import own_calls

X, TARGET = mg.tensor(np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)), mg.tensor(np.arange(8) % 4)
KEPT: list[object] = []
OUTSIDE = mg.zeros(3)


class Made:
    """A training whose step does everything there is, and then what is refused."""

    def __init__(self, steps: int) -> None:
        mg.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 4))
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        self.state = [self.model, self.optimizer]
        self.model[0].calls = 0
        for _ in range(steps):
            self.step(X, TARGET)

    def step(self, x, target, then=None):
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(x), target)
        loss.backward()
        self.optimizer.step()
        return loss if then is None else self.changed_meanwhile(then, loss)

    def changed_meanwhile(self, then, loss):
        """What ``then`` returns; if it is refused, an attribute and a setting are others than before the step."""
        group, layer = self.optimizer.param_groups[0], self.model[0]
        rate, group["lr"], layer.calls = group["lr"], group["lr"] * 0.5, layer.calls + 1
        result = then(loss, self.model)
        group["lr"], layer.calls = rate, layer.calls - 1
        return result

    def everything(self):
        """All that the step reads and changes, as bytes."""
        arrays = [*self.model.parameters(), *self.model.buffers()]
        gradients = [p.grad for p in self.model.parameters()]
        entries = self.optimizer.state_dict()
        return (
            [(x.array.tobytes(), id(x.array), id(x.memory)) for x in arrays],
            [None if dx is None else dx.numpy().tobytes() for dx in gradients],
            entries["param_groups"],
            [{k: np.asarray(v).tobytes() for k, v in entry.items()} for entry in entries["state"].values()],
            mg.get_rng_state(),
            self.model[0].calls,
        )


def overwrite(array):
    array[0] += 1


REFUSED = {
    "if": (lambda loss, _: 1 if loss.item() < 1 else 2, "bool.. asks for the value"),
    "if of a tensor": (lambda loss, _: 1 if loss < 1 else 2, "bool.. asks for the value"),
    "float": (lambda loss, _: float(loss), "float.. asks for the value"),
    "int": (lambda loss, _: int(loss), "int.. asks for the value"),
    "bool": (lambda loss, _: bool(loss), "bool.. asks for the value"),
    "np.asarray": (lambda loss, _: np.asarray(loss.detach()), "numpy.. asks for the value"),
    "numpy()": (lambda loss, _: loss.numpy(), "numpy.. asks for the value"),
    "tolist()": (lambda loss, _: loss.tolist(), "tolist.. asks for the value"),
    "an array as index": (lambda _, model: OUTSIDE.numpy()[model[1].num_batches_tracked.array], "asks for the value"),
    "a mask as index": (lambda _, model: model[0].weight[model[0].weight > 0], "a mask as index asks for the value"),
    "range": (lambda _, model: range(model[1].num_batches_tracked), "int.. asks for the value"),
    "np.where": (lambda _, model: np.where(model[0].weight.array > 0), "np.where of one argument asks for the value"),
    "nonzero": (lambda _, model: mg.nonzero(model[0].weight), "nonzero.. asks for the value"),
    "where of one argument": (lambda _, model: mg.where(model[0].weight > 0), "nonzero.. asks for the value"),
    "masked_select": (lambda _, model: model[0].bias.masked_select(model[0].bias > 0), "a mask as index asks"),
    "repeats": (lambda _, m: X[:1].repeat_interleave(m[0].bias.long()[:1], 0), "tolist.. asks for the value"),
    "groups": (
        lambda _, m: m[0].bias.scatter_reduce(0, m[0].bias.argmax(0, True), m[0].bias, "prod"),
        "np.broadcast_arrays cannot be captured",
    ),
    "np.unique": (lambda _, model: np.unique(model[0].weight.array), "np.unique cannot be captured"),
    "np.allclose": (lambda _, model: np.allclose(model[0].weight.array, 0), "np.allclose cannot be captured"),
    "ufunc.at": (lambda _, model: np.add.at(model[0].bias.array, [0, 0], 1), "np.add.at cannot be captured"),
    "a method": (lambda _, model: model[0].bias.array.sort(), "the array's sort cannot be captured"),
    "kept": (lambda loss, _: KEPT.append(loss.detach()), "is kept after it"),
    "kept although returned": (lambda loss, _: KEPT.append(loss) or loss, "is kept after it"),
    "a parameter kept": (lambda _, model: KEPT.append(model[0].weight.detach()), "is kept after it"),
    "written to outside": (lambda loss, _: OUTSIDE.add_(loss.detach()), "name what is to be changed in state"),
    "changed behind": (lambda loss, _: [loss + OUTSIDE, overwrite(OUTSIDE.array)][0], "was changed in it"),
    "host of an array": (lambda loss, _: host(np.exp, loss.array), "it may read only inputs"),
    "another shape": (lambda _, model: setattr(model[0].bias, "array", mg.ones(2).array), "cannot change shapes"),
}


@pytest.mark.parametrize("steps", [0, 2], ids=["first step", "third step"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_down_is_refused_with_its_line_and_rolled_back(name, steps):
    then, message = REFUSED[name]
    made = Made(steps)
    before, outside = made.everything(), OUTSIDE.numpy().tobytes()
    line = then.__code__.co_firstlineno
    within = rf"^{__file__}:{line}: " if "kept" not in name and name not in ("changed behind", "another shape") else ""
    try:
        with pytest.raises(Refusal, match=f"{within}.*{message}"):
            capture(made.step, X, TARGET, then, state=made.state)
    finally:
        KEPT.clear()
        if name == "changed behind":
            OUTSIDE.fill_(0)
    assert made.everything() == before
    assert OUTSIDE.numpy().tobytes() == outside
    assert own_calls().writer is None and type(X.array) is type(TARGET.array) is np.ndarray
    made.step(X, TARGET)
    again = Made(steps + 1)
    for p, q in zip(made.model.parameters(), again.model.parameters()):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_an_error_of_the_step_leaves_what_it_leaves_in_eager():
    def fail(loss, _):
        raise ZeroDivisionError("of the user's")

    captured, eager = Made(1), Made(1)
    mg.manual_seed(1)
    with pytest.raises(ZeroDivisionError):
        captured_error = capture(captured.step, X, TARGET, fail, state=captured.state)
        assert captured_error is None
    mg.manual_seed(1)
    with pytest.raises(ZeroDivisionError):
        eager.step(X, TARGET, fail)
    for (name, value), other in zip(captured.model.state_dict().items(), eager.model.state_dict().values()):
        np.testing.assert_allclose(value.numpy(), other.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)
    for p, q in zip(captured.model.parameters(), eager.model.parameters()):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5, atol=1e-6)
    assert [block.step for block in captured.optimizer._blocks[0]] == [2]


def test_an_error_of_an_operation_is_eagers_own():
    with pytest.raises(ValueError, match="linear") as eager:
        nn.functional.linear(mg.ones(2, 3), mg.ones(4, 5))
    with pytest.raises(ValueError, match="linear") as captured:
        capture(nn.functional.linear, mg.ones(2, 3), mg.ones(4, 5))
    assert str(captured.value) == str(eager.value)


def test_a_gradient_of_an_input_is_refused_with_the_cure():
    x = mg.ones(3, requires_grad=True)
    with pytest.raises(Refusal, match=r"compute it with mg\.grad and return it"):
        capture(lambda x: (x * x).sum().backward(), x)
    assert x.grad is None


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam])
def test_parameters_without_a_gradient_are_refused_in_the_first_step_only(make):
    used, unused = nn.Linear(2, 2), nn.Linear(2, 2)
    optimizer = make([*used.parameters(), *unused.parameters()], lr=0.1)

    def step(x):
        optimizer.zero_grad()
        used(x).sum().backward()
        optimizer.step()

    before = used.weight.numpy().tobytes()
    with pytest.raises(Refusal, match="take one step before"):
        capture(step, mg.ones(1, 2), state=[used, unused, optimizer])
    assert used.weight.numpy().tobytes() == before
    assert len(optimizer._blocks[0]) == 1 and not optimizer.state_dict()["state"]
    step(mg.ones(1, 2))
    program, _ = capture(step, mg.ones(1, 2), state=[used, unused, optimizer])
    program.run(mg.ones(1, 2))
    np.testing.assert_allclose(
        used.weight.detach().numpy(), np.frombuffer(before, np.float32).reshape(2, 2) - 0.3, rtol=1e-5
    )
    assert not any(block.state for block in optimizer._blocks[0] if not block.step)
    if make is optim.Adam:
        assert {int(entry["step"]) for entry in optimizer.state_dict()["state"].values()} == {3}


def test_what_is_no_state_is_refused():
    with pytest.raises(TypeError, match="expected modules, optimisers and tensors"):
        capture(lambda: None, state=["model"])


def test_a_capture_within_a_capture_is_refused():
    with pytest.raises(RuntimeError, match="cannot capture another"):
        capture(lambda x: capture(lambda: None), mg.ones(1))
    assert own_calls().writer is None


MISFITS = {
    "shape": ((mg.ones(2, 4), 2), "input 0 is .2, 4. float32"),
    "dtype": ((mg.ones(3).double(), 2), "input 0 is .3,. float64"),
    "a number": ((mg.ones(3), 5), "argument 1 was 2 and is 5"),
    "too few": ((mg.ones(3),), "captured with 2 arguments, got 1"),
    "no array": ((None, 2), "input 0 is NoneType"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_replay_refuses_what_it_was_not_captured_for(name):
    arguments, message = MISFITS[name]
    program, _ = capture(lambda x, n: x * n, mg.ones(3), 2)
    with pytest.raises((ValueError, TypeError), match=message):
        program.run(*arguments)


def test_a_replay_refuses_a_parameter_of_another_dtype_before_anything_changes():
    made = Made(1)
    program, _ = capture(made.step, X, TARGET, state=made.state)
    made.model[3].double()
    before = made.everything()
    with pytest.raises(ValueError, match=r"3\.weight is .4, 5. float64, the step was captured with .4, 5. float32"):
        program.run(X, TARGET)
    assert made.everything() == before


def test_tables_name_functions_that_exist():
    assert all(callable(function) for function in FUNCTIONS)
    assert all(callable(getattr(np.ndarray, name)) for name in METHODS)


def test_a_replay_refuses_a_target_that_is_no_class_before_anything_changes():
    made = Made(1)
    program, _ = capture(made.step, X, TARGET, state=made.state)
    before = made.everything()
    with pytest.raises(ValueError, match="target 4 is no class"):
        program.run(X, TARGET + 1)
    assert made.everything() == before


def test_a_replay_refuses_shapes_that_have_become_others():
    program, _ = capture(lambda x, n: x[: n.array], mg.ones(3), mg.tensor(2))
    with pytest.raises(ValueError, match=r"has become \(1,\), the step was captured with \(2,\)"):
        program.run(mg.ones(3), mg.tensor(1))


def test_a_replay_refuses_a_parameter_that_lies_otherwise_in_memory():
    weight = nn.Parameter(mg.ones(2, 3))
    program, _ = capture(lambda: weight * 2, state=[weight])
    weight.data = mg.tensor(np.ones((3, 2), np.float32)).T
    with pytest.raises(ValueError, match="lies otherwise in memory"):
        program.run()


@pytest.mark.parametrize(("name", "value"), [("momentum", 0), ("weight_decay", 0.1), ("nesterov", True)])
def test_a_replay_refuses_settings_that_were_switched_on_or_off_before_anything_changes(name, value):
    made = Made(1)
    program, _ = capture(made.step, X, TARGET, state=made.state)
    made.optimizer.param_groups[0][name] = value
    before = made.everything()
    with pytest.raises(ValueError, match=f"SGD: {name} was switched on or off since the step was captured"):
        program.run(X, TARGET)
    assert made.everything() == before


def test_a_replay_takes_settings_that_are_other_numbers():
    made = Made(1)
    program, _ = capture(made.step, X, TARGET, state=made.state)
    eager = Made(1)
    eager.step(X, TARGET)
    found = []
    for training, step in ((made, program.run), (eager, eager.step)):
        training.optimizer.param_groups[0].update(lr=0.3, momentum=0.5)
        mg.manual_seed(1)
        step(X, TARGET)
        found.append([p.detach().numpy() for p in training.model.parameters()])
    for replayed, expected in zip(*found, strict=True):
        np.testing.assert_allclose(replayed, expected, rtol=1e-5, atol=1e-6)
