"""Whole training steps, captured once and replayed with plain NumPy on other batches: the same as eager."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.compile import capture
from tests.compile.trainings import TRAININGS, assert_close, batch, everything, leaves_of, pair

STEPS = 12


@pytest.mark.parametrize("name", TRAININGS)
def test_a_captured_step_replayed_on_other_batches_trains_as_eager_does(name):
    captured, eager = pair(name)
    state, dtype = [captured.model, captured.optimizer], next(iter(eager.model.parameters())).dtype
    random, program = mg.get_rng_state(), None
    for i in range(STEPS):
        if i == STEPS // 2:  # by the host: no number of the program
            captured.optimizer.param_groups[0]["lr"] = eager.optimizer.param_groups[0]["lr"] = 0.003
        mg.set_rng_state(random)
        expected = eager.step(*batch(i, eager))
        after = mg.get_rng_state()
        mg.set_rng_state(random)
        if program is None:
            program, result = capture(captured.step, *batch(i, captured), state=state)
        else:
            result = program.run(*batch(i, captured))
        random = mg.get_rng_state()
        assert random == after
        for y, right in zip(leaves_of(result), leaves_of(expected), strict=True):
            assert_close(y, right, dtype, f"step {i}")
    found, right = everything(captured), everything(eager)
    assert found.keys() == right.keys()
    for key in right:
        assert_close(found[key], right[key], dtype, key)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_replay_on_the_inputs_of_the_capture_equals_it_bit_for_bit(name):
    captured, replayed = pair(name)
    random = mg.get_rng_state()
    _, expected = capture(captured.step, *batch(0, captured), state=[captured.model, captured.optimizer])
    # a program is of one model: it is captured on other numbers, and the model is put back as it was before
    before = [(p, p.array.copy()) for p in (*replayed.model.parameters(), *replayed.model.buffers())]
    gradients = [None if p._grad is None else np.array(p._grad) for p, _ in before]
    program, _ = capture(replayed.step, *batch(5, replayed), state=[replayed.model, replayed.optimizer])
    for (p, array), gradient in zip(before, gradients):
        p.array[...], p._grad = array, gradient
    for block in replayed.optimizer._blocks[0]:
        block.step -= 1
        for vector in block.state.values():
            vector[...] = 0
    mg.set_rng_state(random)
    result = program.run(*batch(0, replayed))
    for y, right in zip(leaves_of(result), leaves_of(expected), strict=True):
        np.testing.assert_array_equal(y, right)
    found, right = everything(replayed), everything(captured)
    assert found.keys() == right.keys()
    for key in right:
        np.testing.assert_array_equal(found[key], right[key], err_msg=key)


# -- what a program is ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(128, 64), (1024, 64), (4096, 32)])
def test_batch_norm_keeps_its_promise_far_from_0(shape):
    """The error of xhat, and of the running mean, where the mean is 1e7 times the standard deviation."""
    bn = nn.BatchNorm1d(shape[1], affine=False, momentum=0.5)
    random = np.random.default_rng(1)
    near, far = (random.standard_normal(shape).astype(np.float32) for _ in range(2))
    program, _ = capture(bn, mg.tensor(near), state=[bn])
    x = np.float32(1e7) + far
    exact = x.astype(np.float64)
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    assert np.abs(program.run(mg.tensor(x)).numpy() - expected).max() < 1e-6
    np.testing.assert_allclose(bn.running_mean.numpy(), near.mean(0) / 4 + exact.mean(0) / 2, rtol=1e-7)


def test_running_statistics_stay_where_a_batch_is_not_finite():
    bn = nn.BatchNorm1d(3)
    x = mg.randn(8, 3)
    program, _ = capture(bn, x, state=[bn])
    before = bn.running_mean.numpy().copy(), bn.running_var.numpy().copy()
    array = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32) + 5
    array[2, 1] = np.nan
    with pytest.warns(UserWarning, match="batch_norm in BatchNorm1d: 1 of 3 channels of this batch contain NaN"):
        program.run(mg.tensor(array))
    for old, new in zip(before, (bn.running_mean.numpy(), bn.running_var.numpy())):
        np.testing.assert_array_equal(old == new, [False, True, False])
    assert bn.num_batches_tracked.item() == 2


def test_masks_of_dropout_are_those_of_eager_bit_for_bit():
    layer, x = nn.Dropout(0.4), mg.ones(5, 7)
    mg.manual_seed(1)
    expected = [layer(x).numpy() for _ in range(3)]
    state = mg.get_rng_state()
    mg.manual_seed(1)
    program, first = capture(layer, x)
    for found, mask in zip([first, program.run(x), program.run(x)], expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), mask)
    assert mg.get_rng_state() == state


def test_views_stay_views_and_writes_are_counted():
    buffer = nn.parameter.Buffer(mg.zeros(2, 3))

    def step(x):
        row = buffer[0]
        row.add_(x)
        buffer[1] = row * 2
        return buffer.reshape(-1) + 0

    program, _ = capture(step, mg.ones(3), state=[buffer])
    np.testing.assert_array_equal(program.run(mg.tensor([1.0, 2.0, 3.0])).numpy(), [2, 3, 4, 4, 6, 8])
    np.testing.assert_array_equal(buffer.numpy(), [[2, 3, 4], [4, 6, 8]])
    ((_, value),) = program.states
    assert value.memory.writes == 2
    (view,) = [i.results for i in program.instructions if "__getitem__" in i.function.__name__]
    assert view.memory is value.memory


def test_an_input_that_is_laid_out_otherwise_is_laid_out_as_captured():
    program, _ = capture(lambda x: x.reshape(-1) * 2, mg.zeros(2, 3))
    array = np.arange(6.0, dtype=np.float32).reshape(3, 2).T
    np.testing.assert_array_equal(program.run(array).numpy(), array.reshape(-1) * 2)

    def through_a_view(x):
        x.reshape(-1).add_(1)
        return x * 1

    writes, _ = capture(through_a_view, mg.zeros(2, 3))
    np.testing.assert_array_equal(writes.run(array).numpy(), array + 1)
    transposed, _ = capture(lambda x: x.T.reshape(-1) * 2, mg.tensor(array).T.T)
    np.testing.assert_array_equal(transposed.run(array.copy()).numpy(), array.T.reshape(-1) * 2)


def test_arrays_may_be_arguments_and_results():
    def step(x, scale, y):
        return {"sum": mg.tensor(x).sum() * scale, "both": (x + y, "text")}

    program, result = capture(step, np.ones(3, np.float32), 2, mg.ones(3))
    assert result["sum"].item() == 6 and result["both"][1] == "text"
    result = program.run(np.full(3, 2, np.float32), 2, mg.ones(3))
    assert result["sum"].item() == 12
    np.testing.assert_array_equal(result["both"][0].numpy(), [3, 3, 3])


def test_results_share_no_memory():
    weight = nn.Parameter(mg.ones(3))
    program, first = capture(lambda: weight, state=[weight])
    again = program.run()
    arrays = [first.array, again.array, program.run().array, weight.array]
    assert not any(np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    assert not again.requires_grad


def test_an_item_may_be_computed_with_shown_and_returned(capsys):
    def step(x):
        loss = (x * x).mean().item()
        print(f"{loss:.2f}", x)
        return loss * 2

    program, result = capture(step, mg.ones(3))
    assert float(result) == 2 and float(program.run(mg.full(3, 2.0))) == 8
    assert capsys.readouterr().out == "1.00 tensor([1., 1., 1.])\n"


def test_a_buffer_that_is_set_anew_is_written_to():
    class Average(nn.Module):
        def __init__(self):
            self.mean = nn.Buffer(mg.zeros(3))

        def forward(self, x):
            self.mean = self.mean * 0.5 + x.mean(0) * 0.5
            return x - self.mean

    model, eager = Average(), Average()
    buffer, array = model.mean, model.mean.array
    batches = [mg.randn(4, 3) for _ in range(3)]
    program, _ = capture(model, batches[0], state=[model])
    eager(batches[0])
    for x in batches[1:]:
        assert_close(program.run(x).numpy(), eager(x).numpy(), np.dtype("f"))
    assert model.mean is buffer and buffer.array is array
    assert_close(model.mean.numpy(), eager.mean.numpy(), np.dtype("f"))


def test_a_program_follows_state_that_is_loaded():
    training, other = (TRAININGS["Adam"]() for _ in range(2))
    program, _ = capture(training.step, *batch(0), state=[training.model, training.optimizer])
    for i in range(3):
        other.step(*batch(i))
    training.model.load_state_dict(other.model.state_dict())
    training.optimizer.load_state_dict(other.optimizer.state_dict())
    for i in range(3, 6):
        assert_close(
            program.run(*batch(i))["loss"].numpy(), other.step(*batch(i))["loss"].detach().numpy(), np.dtype("f")
        )


def test_backward_notices_that_a_replay_has_changed_a_parameter():
    training = TRAININGS["SGD"]()
    x, target = batch(0)
    program, _ = capture(training.step, x, target, state=[training.model, training.optimizer])
    loss = nn.functional.cross_entropy(training.model(x), target)
    program.run(x, target)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_eager_goes_on_where_a_replay_ends():
    captured, eager = pair("momentum")
    program, _ = capture(captured.step, *batch(0), state=[captured.model, captured.optimizer])
    eager.step(*batch(0))
    for i in range(1, 9):
        result = (program.run if i % 3 else captured.step)(*batch(i))
        assert_close(result["loss"].detach().numpy(), eager.step(*batch(i))["loss"].detach().numpy(), np.dtype("f"))


def test_a_program_reads_line_by_line():
    training = TRAININGS["SGD"]()
    text = str(capture(training.step, *batch(0), state=[training.model, training.optimizer])[0])
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "v8 = input 0 (8, 3) float32"
    assert "v0 = state 0.weight (6, 3) float32" in lines
    assert "v10 = v0.transpose() (3, 6) float32 0 (Linear)" in lines
    assert "v11 = np.matmul(v8, v10) (8, 6) float32 0 (Linear)" in lines
    assert "v7.fill(v13) 1 (BatchNorm1d)" in lines
    assert any(line.startswith("[v") and "host _count_step(" in line for line in lines)
    assert any(line.startswith("0.weight.grad = v") for line in lines)
    assert lines[-1].startswith("return {'loss': v")


def test_arguments_may_be_in_lists_and_dicts():
    def step(pair, names):
        return pair[0] * names["scale"] + pair[1]

    program, _ = capture(step, [mg.ones(2), np.ones(2, np.float32)], {"scale": mg.tensor(2.0)})
    other = [mg.tensor([1.0, 2.0]), np.array([5, 6], np.float32)]
    np.testing.assert_array_equal(program.run(other, {"scale": mg.tensor(3.0)}).numpy(), [8, 12])
    with pytest.raises(TypeError, match="has not the items"):
        program.run(other, {"factor": mg.tensor(3.0)})


def test_calls_of_an_operation_are_kept_together():
    weight, bias = mg.ones(2, 3), mg.zeros(2)
    program, _ = capture(lambda x: nn.functional.linear(x, weight, bias).relu() * 2, mg.ones(4, 3))
    assert [call.op.name for call in program.calls] == ["linear", "relu", "mul"]
    linear, relu, mul = program.calls
    assert relu.args == (linear.results,) and mul.args[0] is relu.results
    inside = [instruction for call in program.calls for instruction in call.calls]
    assert inside == program.instructions
