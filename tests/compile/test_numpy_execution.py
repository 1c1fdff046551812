"""The passes and the NumPy source: the bits of the plain program, shared memory, text that runs alone."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import capture
from minigrad.compile.numpy_execution import NumPyExecution
from minigrad.compile.passes import improved
from minigrad.nn import functional as F


def mlp(*sizes, act=nn.ReLU):
    layers = [layer for a, b in itertools.pairwise(sizes[:-1]) for layer in (nn.Linear(a, b), nn.BatchNorm1d(b), act())]
    return nn.Sequential(*layers, nn.Linear(*sizes[-2:]))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    )


def layer_norm():
    return nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 3))


def dropped():
    return nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Sigmoid(), nn.Linear(6, 3))


FLAT, IMAGES = (7, 4), (7, 1, 4, 4)
STEPS = {
    "adam": (lambda: mlp(4, 5, 6, 3), lambda p: optim.Adam(p, lr=0.01), FLAT),
    "amsgrad": (lambda: mlp(4, 5, 3), lambda p: optim.Adam(p, lr=0.01, amsgrad=True), FLAT),
    "adamw": (lambda: mlp(4, 5, 3, act=nn.Tanh), lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1), FLAT),
    "sgd": (lambda: mlp(4, 5, 3, act=nn.Sigmoid), lambda p: optim.SGD(p, lr=0.1), FLAT),
    "nesterov": (lambda: mlp(4, 5, 3), lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), FLAT),
    "rmsprop": (lambda: mlp(4, 5, 3), lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True), FLAT),
    "cnn": (cnn, lambda p: optim.Adam(p, lr=0.01), IMAGES),
    "layer norm": (layer_norm, lambda p: optim.Adagrad(p, lr=0.01), FLAT),
    "dropout": (dropped, lambda p: optim.SGD(p, lr=0.1), FLAT),
}


def prepared(name):
    """A model, its optimiser and a training step, which has run once, and five batches."""
    make, optimizer_of, shape = STEPS[name]
    mg.manual_seed(0)
    model = make()
    optimizer = optimizer_of(model.parameters())
    random = np.random.default_rng(1)
    batches = [
        (mg.tensor(random.normal(size=shape).astype("f")), mg.tensor(random.integers(0, 3, 7))) for _ in range(5)
    ]

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    step(*batches[0])
    return model, optimizer, step, batches


def state_of(model, optimizer):
    arrays = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    arrays |= {f"{name}.grad": parameter.grad.numpy().copy() for name, parameter in model.named_parameters()}
    for i, parameter in enumerate(model.parameters()):
        arrays |= {f"{i} {key}": np.array(value) for key, value in optimizer.state[parameter].items()}
    return arrays


@pytest.mark.parametrize("name", STEPS)
def test_steps_by_the_source_are_steps_of_the_plain_program_bit_for_bit(name):
    def run(executed):
        model, optimizer, step, batches = prepared(name)
        program, _ = capture(step, *batches[0], state=[model, optimizer])
        losses = executed(program, batches, model)
        return losses, state_of(model, optimizer)

    def by_source(program, batches, model):
        written = NumPyExecution(improved(program))
        losses = []
        for x, y in batches:
            written.bind([place.array() for place, _ in program.states])
            losses.append(float(written([x.array, y.array])[0]))
        grads = [place for place, value in program.settings if value is not None]
        for place, gradient in zip(grads, written.gradients):
            place.holder.grad = mg.tensor(gradient)
        return losses

    plain = run(lambda program, batches, _: [float(program.run(*batch)) for batch in batches])
    source = run(by_source)
    assert plain[0] == source[0] and plain[1].keys() == source[1].keys()
    for key, array in plain[1].items():
        np.testing.assert_array_equal(array, source[1][key], err_msg=key)


def test_the_source_runs_by_itself_given_the_arrays():
    model, optimizer, step, batches = prepared("sgd")
    program, _ = capture(step, *batches[0], state=[model, optimizer])
    written = NumPyExecution(improved(program)).written
    names = {written.names[value]: place.array().copy() for place, value in written.program.states}
    namespace = {**written.given, **names}
    exec(written.text, namespace)
    results = namespace["step"](*[tensor.array for tensor in batches[1]])
    loss = step(*batches[1])
    np.testing.assert_allclose(results[0], loss.item(), rtol=1e-5)
    np.testing.assert_allclose(names["layer1_running_mean"], model[1].running_mean.numpy(), rtol=1e-5)
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(
            names[f"layer{name.replace('.', '_')}"], parameter.detach().numpy(), rtol=2e-4, atol=1e-6
        )
    assert namespace["layer3_weight_grad"].shape == model[3].weight.shape


def test_lines_stand_under_the_line_of_the_program_and_the_module_and_mode_they_come_from():
    model, optimizer, step, batches = prepared("sgd")
    model[1].eval()
    program, _ = capture(step, *batches[0], state=[model, optimizer])
    text = NumPyExecution(improved(program)).source
    headings = [line.strip() for line in text.splitlines() if "# ----" in line]
    parts = [line.split()[2] for line in text.splitlines() if "# ====" in line]
    assert parts == ["forward", "backward", "update"]
    assert [heading.rpartition("  ")[2] for heading in headings][1:] == [
        "loss = F.cross_entropy(model(x), y)", "loss.backward()", "optimizer.step()",
    ]  # fmt: skip
    assert "# 1 (BatchNorm1d, eval): batch_norm\n" in text and "# 2 (Sigmoid, train): sigmoid\n" in text
    assert "# 1 (BatchNorm1d, eval): derivative of batch_norm\n" in text
    assert "layer1_running_mean" in text and "np.copyto(layer1_running_mean" not in text


def test_the_statistics_of_batch_normalisation_are_computed_once():
    model, optimizer, step, batches = prepared("adam")
    program, _ = capture(step, *batches[0], state=[model, optimizer])
    plain, better = (
        [each for each in some.instructions if each.function is np.square] for some in (program, improved(program))
    )
    assert len(plain) > len(better) == 2  # a square in each of two layers


def program_of(function, *arrays):
    return capture(function, *map(np.asarray, arrays))[0]


def written_between(x):
    y = x * 2
    a = y + 1
    y += 1
    return a, y + 1


def written_after(x):
    a, b = x * 2, x * 2
    a += 1
    return a, b


def view_of_what_is_written(x):
    y = x * 1
    first, again = y[0], y[0]
    y[0] = 5
    return first * 1, again * 1


def same_returned(x):
    return x * 2, x * 2


def signs_of_zero(x):
    return np.copysign(x, 0.0), np.copysign(x, -0.0), np.add(x, 1), np.add(x, 1.0), np.add(x, True)


@pytest.mark.parametrize(
    "function", [written_between, written_after, view_of_what_is_written, same_returned, signs_of_zero]
)
def test_what_differs_is_not_taken_for_the_same(function):
    x = np.array([[1.0, -2.0], [3.0, 0.5]])
    written = NumPyExecution(improved(program_of(function, x)))
    written.bind([])
    for given in (x, x[::-1] * 3):
        for found, expected in zip(written([given]), function(given), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert np.signbit(found).tolist() == np.signbit(expected).tolist()


def test_results_are_new_in_each_call_and_gradients_stay_where_they_are():
    model, optimizer, step, batches = prepared("sgd")
    program, _ = capture(step, *batches[0], state=[model, optimizer])
    written = NumPyExecution(improved(program))
    written.bind([place.array() for place, _ in program.states])
    first = [x.array for x in batches[0]], [x.array for x in batches[1]]
    (one,), gradients = written(first[0]), written.gradients
    kept = one.copy()
    (two,) = written(first[1])
    assert one is not two and one == kept and written.gradients is gradients


def test_memory_is_used_again():
    def chain(x):
        for _ in range(50):
            x = np.exp(x) - 1
        return x

    written = NumPyExecution(improved(program_of(chain, np.zeros(100))))
    assert len(written.written.rooms.sizes) <= 3


def test_batch_norm_keeps_its_digits_at_a_large_mean():
    bn = nn.BatchNorm1d(3)
    x = (np.random.default_rng(0).normal(size=(1024, 3)) + 1e7).astype(np.float32)
    program, _ = capture(lambda x: bn(x), mg.tensor(x), state=[bn])
    written = NumPyExecution(improved(program))
    written.bind([place.array() for place, _ in program.states])
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + bn.eps)
    assert np.abs(written([x])[0] - exact).max() < 1e-6
