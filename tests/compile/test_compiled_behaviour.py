"""What a compiled step does with results, gradients, numbers, prints, threads and copies."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import Compiled, CompileWarning
from tests.compile.test_compiled_step import Trainer, data, make

CALLS = 4


def compiled(function, **options):
    """A function compiled for NumPy, which is there on every machine."""
    return mg.compile(function, backend="numpy", **options)


# -- results -------------------------------------------------------------------------------------


def test_results_are_new_at_each_call_and_outside_of_any_graph():
    weight = nn.Parameter(mg.ones(3))

    def step(x):
        y = weight * x
        return {"y": y, "all": (y, weight, [y.sum()]), "text": "t", "array": x.array + 0}

    step, kept = compiled(step), []
    for i in range(CALLS):
        result = step(mg.full((3,), float(i)))
        kept.append([result["y"], *result["all"][:2], result["all"][2][0], result["array"]])
        assert result["text"] == "t" and not any(tensor.requires_grad for tensor in kept[-1][:4])
    for i, values in enumerate(kept):
        for found, expected in zip(values, (np.full(3, i), np.full(3, i), np.ones(3), 3 * i, np.full(3, i))):
            np.testing.assert_array_equal(np.asarray(found), expected)
    arrays = [np.asarray(value) for values in kept for value in values] + [weight.array]
    assert not any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_numbers_are_returned_computed_with_and_shown():
    weight = nn.Parameter(mg.ones(3))

    def step(x):
        total = (weight * x).sum().item()
        return total, total / 2 + 1, f"{3:.1f}", len(x)

    step = compiled(step)
    for i in range(CALLS):
        found = step(mg.full((3,), float(i)))
        assert found == (3 * i, 1.5 * i + 1, "3.0", 3) and [type(x) for x in found] == [float, float, str, int]


def test_python_prints_in_captures_and_mg_print_at_every_call(capsys):
    def step(x):
        total = x.sum()
        print(f"total {total:.1f}")
        mg.print("loss {:.2f} {what}", total, what=x)
        mg.print(total.item(), "items", sep=": ")
        x = x + 1
        return total

    step = compiled(step)
    with pytest.warns(CompileWarning, match=r"test_compiled_behaviour.py:\d+: .*prints at every call") as said:
        for i in range(CALLS):
            step(mg.full((1,), float(i)))
    own = [f"loss {i}.00 tensor([{i}.])\n{i}.0: items\n" for i in range(CALLS)]
    assert capsys.readouterr().out == "total 0.0\n" + own[0] + "total 1.0\n" + own[1] + own[2] + own[3]
    assert len(said) == 1


def test_what_is_printed_is_what_it_was_at_that_line(capsys):
    total = nn.Buffer(mg.zeros(1))

    def step(x):
        total.add_(x)
        mg.print(total)
        total.add_(x)

    step = compiled(step)
    for _ in range(3):
        step(mg.ones(1))
    assert capsys.readouterr().out == "tensor([1.])\ntensor([3.])\ntensor([5.])\n"


# -- gradients -----------------------------------------------------------------------------------


def test_a_gradient_that_is_kept_never_changes():
    training = make(dropout=0.0)
    step, weight, kept = compiled(training.step), training.model[0].weight, []
    for i in range(6):
        step(*data(seed=i))
        gradient = weight.grad
        assert weight.grad is gradient
        kept.append((gradient, gradient.numpy().copy()))
    assert all((gradient.numpy() == values).all() for gradient, values in kept)
    assert len({values.tobytes() for _, values in kept}) == 6


def test_gradients_after_a_step_are_added_to_clipped_and_used_as_in_eager():
    first, other = make(dropout=0.0), make(dropout=0.0)
    for training, step in ((first, compiled(first.step)), (other, other.step)):
        for i in range(3):
            step(*data(seed=i))
        nn.functional.cross_entropy(training.model(data()[0]), data()[1]).backward()
        nn.utils.clip_grad_norm_(training.model.parameters(), 0.1)
        training.optimizer.step()
        step(*data(seed=9))
        training.optimizer.step()
    for p, q in zip(first.model.parameters(), other.model.parameters()):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("zero_at", ["never", "the end", "outside"])
def test_gradients_are_accumulated_over_calls(zero_at):
    results = []
    for compile_it in (True, False):
        mg.manual_seed(0)
        net = nn.Linear(2, 1)

        def step(x, net=net):
            net(x).square().sum().backward()
            if zero_at == "the end":
                net.zero_grad()

        run, found = compiled(step) if compile_it else step, []
        for i in range(8):
            if zero_at == "outside" and i % 3 == 2:
                net.zero_grad()
            run(mg.full((2, 2), i + 1.0))
            found.append(None if net.weight.grad is None else net.weight.grad.numpy().copy())
        results.append(found)
    for found, expected in zip(*results):
        assert (found is None) == (expected is None) == (zero_at == "the end")
        if found is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_graph_from_before_a_step_is_refused_as_in_eager():
    training = make()
    step, (x, target) = compiled(training.step), data()
    for _ in range(3):
        step(x, target)
    loss = training.model(x).sum()
    step(x, target)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


# -- predictions ---------------------------------------------------------------------------------


def test_a_model_in_evaluation_predicts_and_one_in_training_is_refused():
    training = make()
    predict, (x, _) = compiled(training.model), data()
    with pytest.raises(RuntimeError, match=r"in training mode: call model.eval\(\) first.*mg.compile\(train_step\)"):
        predict(x)
    assert predict.eval() is training.model
    for rows in (8, 8, 8, 1, 1, 1):
        found, expected = predict(x[:rows]), training.model(x[:rows])
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
        assert not found.requires_grad and type(found) is mg.Tensor
    training.model.train()
    training.step(*data())
    with pytest.raises(RuntimeError, match="in training mode"):
        predict(x)
    training.model.eval()
    np.testing.assert_allclose(predict(x).numpy(), training.model(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    assert [plan.calls for plan in predict._all()] == [3, 4]


def test_a_step_called_in_another_step_is_part_of_that():
    inner = compiled(lambda x: x * 2)
    outer = compiled(lambda x: inner(x) + 1)
    for i in range(CALLS):
        assert outer(mg.tensor(float(i))).item() == 2 * i + 1
    assert inner.backend is None and not inner.programs


# -- modes ---------------------------------------------------------------------------------------


def test_modes_of_recording_have_programs_of_their_own():
    weight = nn.Parameter(mg.ones(2))
    step = compiled(lambda x: (weight * x).sum().requires_grad)
    for _ in range(4):
        assert step(mg.ones(2)) is True
        with mg.no_grad():
            assert step(mg.ones(2)) is False


def test_anomalies_are_looked_for_in_eager():
    weight = nn.Parameter(mg.ones(2))
    step = compiled(lambda x: mg.log(weight * x).sum())
    for _ in range(3):
        step(mg.ones(2))
    with mg.detect_anomaly(), pytest.raises(RuntimeError, match="first NaN"), np.errstate(invalid="ignore"):
        step(mg.full((2,), -1.0))


def test_other_default_dtypes_are_other_programs():
    step = compiled(lambda x: x.long() / 2)
    for dtype in (mg.float32, mg.float64, mg.float32):
        mg.set_default_dtype(dtype)
        try:
            assert [step(mg.ones(2, dtype=mg.float32)).dtype for _ in range(3)] == [dtype] * 3
        finally:
            mg.set_default_dtype(mg.float32)


# -- threads, copies -----------------------------------------------------------------------------


def test_two_threads_may_call_one_step():
    weight = nn.Buffer(mg.zeros(1))

    def step(x):
        weight.add_(x)

    step = compiled(step)

    def work():
        for _ in range(200):
            step(mg.ones(1))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert weight.item() == 400


def test_two_steps_of_one_model_may_be_captured_in_two_threads():
    training = make(dropout=0.0)
    steps, errors = [compiled(training.step), compiled(lambda x, t: training.step(x, t))], []

    def work(step):
        try:
            for _ in range(3):
                step(*data())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert training.model[1].num_batches_tracked.item() == 6


@mg.compile(backend="numpy")
def doubled(x):
    return x * 2


def plain(x):
    return x * 3


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda step: pickle.loads(pickle.dumps(step)),
}


@pytest.mark.parametrize("how", COPIES)
def test_copies_keep_the_function_and_drop_the_programs(how):
    step = compiled(plain)
    for _ in range(3):
        step(mg.ones(1))
    copied = COPIES[how](step)
    assert isinstance(copied, Compiled) and copied is not step
    assert not copied.programs and len(step.programs) == 1
    assert copied(mg.ones(1)).item() == 3
    assert COPIES["pickle"](doubled) is doubled


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copied_object_has_a_compiled_method_of_its_own(how):
    trainer = Trainer(0)
    for _ in range(3):
        trainer.step(mg.ones(1, 2))
    other = COPIES[how](trainer)
    before = trainer.net.weight.detach().numpy().copy()
    other.step(mg.ones(1, 2))
    np.testing.assert_array_equal(trainer.net.weight.detach().numpy(), before)
    assert (other.net.weight.detach().numpy() != before).any()


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_a_copied_model_predicts_from_its_own_weights(how):
    model = nn.Linear(2, 1).eval()
    predict = compiled(model)
    for _ in range(3):
        predict(mg.ones(1, 2))
    other = COPIES[how](predict)
    assert (other._function is model) == (how == "copy")
    assert other(mg.ones(1, 2)).item() == predict(mg.ones(1, 2)).item()


# -- interruptions -------------------------------------------------------------------------------


def test_after_an_interruption_the_step_goes_on():
    weight, failing = nn.Buffer(mg.zeros(1)), []

    class Interrupted(nn.Module):
        def forward(self, x):
            if failing:
                failing.pop()
                raise KeyboardInterrupt
            return x

    layer = Interrupted()

    def step(x):
        weight.add_(layer(x))

    step = compiled(step)
    failing.append(1)
    with pytest.raises(KeyboardInterrupt):
        step(mg.ones(1))
    for _ in range(4):
        step(mg.ones(1))
    assert weight.item() == 4 and type(weight.array) is np.ndarray


@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.filterwarnings("ignore::minigrad.compile.CompileWarning")
def test_batches_with_nan_leave_what_eager_leaves(backend):
    first, other = make(optim.SGD, dropout=0.0), make(optim.SGD, dropout=0.0)
    x, target = data()
    bad = x.clone()
    bad[2, 1] = float("nan")
    step = mg.compile(first.step, backend=backend)
    for batch in (x, x, x, bad):
        said, losses = [], []
        for call in (step, other.step):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                losses.append(call(batch, target).item())
            said.append([str(each.message) for each in caught if each.category is not CompileWarning])
        assert said[0] == said[1] and len(said[0]) == (batch is bad)  # of channels that are not finite
    assert np.isnan(losses).all()
    for (name, p), q in zip(first.model.state_dict().items(), other.model.state_dict().values()):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-6, err_msg=name)


def test_mg_print_prints_a_lone_brace_as_it_is(capsys):
    mg.print("{", mg.tensor(1.0), "}")
    mg.print("a", "b", sep="-")
    mg.print("{:.1f}", 2)
    assert capsys.readouterr().out == "{ tensor(1.) }\na-b\n2.0\n"


@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.filterwarnings("ignore::minigrad.compile.CompileWarning")
def test_without_gradients_the_state_is_the_same_and_they_are_none(backend):
    first, other = make(optim.SGD, dropout=0.0), make(optim.SGD, dropout=0.0)
    step = mg.compile(first.step, backend=backend, grads=False)
    for i in range(5):
        found, expected = step(*data(seed=i)), other.step(*data(seed=i))
        np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-5)
        assert all(p.grad is None for p in first.model.parameters())
    for p, q in zip(first.model.state_dict().values(), other.model.state_dict().values()):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-5, atol=1e-6)


def test_import_star_leaves_pythons_print_and_compile():
    space = {}
    exec("from minigrad import *", space)
    assert {"print", "compile"} & space.keys() == set() and space["Tensor"] is mg.Tensor
    assert callable(mg.compile) and callable(mg.print)


def test_modules_of_the_package_are_imported_in_every_form():
    import minigrad.compile.native.compiler as compiler
    import minigrad.compile.program as program
    from minigrad.compile import execution

    assert compiler.CannotBuild is execution.CannotBuild
    assert program.Program.__module__ == "minigrad.compile.program" and mg.compile.__qualname__ == "compile"
