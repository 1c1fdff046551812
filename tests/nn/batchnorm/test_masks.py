"""Batch normalisation with a mask: what it leaves out takes no part in anything, and becomes 0."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.compile import capture
from tests.helpers.differences import check_derivatives
from tests.helpers.inputs import cotangent, leaf

RNG = np.random.default_rng(0)
LAYERS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
SHAPES = [(9, 3), (6, 3, 4), (4, 3, 5, 2), (3, 3, 2, 2, 2)]
LARGE = (1 << 17, 3)


def mask_of(shape, whole_samples=False):
    """Two in three values, of all positions or of samples."""
    lengths = shape[:1] if whole_samples else (shape[0], *shape[2:])
    return (np.arange(np.prod(lengths)).reshape(lengths) % 3 != 1).astype(bool)


def everywhere(mask, shape):
    """A mask of values, channels last."""
    return np.broadcast_to(mask.reshape(*mask.shape, *(1,) * (len(shape) - 1 - mask.ndim)), (shape[0], *shape[2:]))


def kept(x, mask):
    """The values that count, as a batch (n, C)."""
    return np.moveaxis(x, 1, -1)[everywhere(mask, x.shape)]


def batch(shape, mask, outside=7.0):
    """A batch, with a number where the mask is False."""
    x = RNG.standard_normal(shape) * 2 + 1
    np.moveaxis(x, 1, -1)[~everywhere(mask, shape)] = outside
    return x


def layer(shape, dtype=np.float64, **settings):
    """A layer whose parameters and statistics are not those it starts with."""
    bn = LAYERS[len(shape)](shape[1], dtype=dtype, **settings)
    with mg.no_grad():
        bn.weight.copy_(mg.tensor([0.5, -2.0, 1.5], dtype=dtype))
        bn.bias.copy_(mg.tensor([1.0, 0.0, -1.0], dtype=dtype))
        bn.running_mean.copy_(mg.tensor([0.3, -1.0, 2.0], dtype=bn.running_mean.dtype))
        bn.running_var.copy_(mg.tensor([0.5, 2.0, 3.0], dtype=bn.running_var.dtype))
    return bn


def state(bn):
    return {name: value.numpy() for name, value in bn.state_dict().items()}


@pytest.mark.parametrize("mode", ["train", "eval", "frozen"])
@pytest.mark.parametrize("whole_samples", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, LARGE])
def test_it_is_the_layer_of_the_values_that_count(shape, whole_samples, mode):
    """Outputs, gradients and running statistics are those of a batch (n, C) without the others, bit for bit."""
    mask = mask_of(shape, whole_samples)
    x, dy = batch(shape, mask, np.nan), cotangent(shape)
    found, expected = layer(shape), layer((9, 3))
    for bn in (found, expected):
        bn.train(mode == "train")
        if mode == "frozen":
            bn.freeze()
    inputs, others = leaf(x), leaf(kept(x, mask))
    y, y_kept = found(inputs, mask=mg.tensor(mask)), expected(others)
    y.backward(mg.tensor(dy))
    y_kept.backward(mg.tensor(kept(dy, mask)))
    for values, of_kept in ((y, y_kept), (inputs.grad, others.grad)):
        values = values.detach().numpy()
        np.testing.assert_array_equal(kept(values, mask), of_kept.detach().numpy())
        assert (np.moveaxis(values, 1, -1)[~everywhere(mask, shape)] == 0).all()
    for name in ("weight", "bias"):
        gradients = getattr(found, name).grad, getattr(expected, name).grad
        assert mode == "frozen" or np.array_equal(*[gradient.numpy() for gradient in gradients])
    np.testing.assert_equal(state(found), state(expected))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives(shape, training):
    """Against finite differences, to second order; those of masked places are 0."""
    mask = mask_of(shape)
    statistics = (None, None) if training else (np.array([0.3, -1.0, 2.0]), np.array([0.5, 2.0, 3.0]))

    def norm(x, weight, bias):
        return F.batch_norm(x, *statistics, weight, bias, training, mask=mask)

    check_derivatives(norm, [batch(shape, mask), np.array([0.5, -2.0, 1.5]), np.array([1.0, 0.0, -1.0])], 2)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("outside", [np.nan, np.inf, 1e300])
def test_second_derivatives_do_not_see_what_is_left_out(outside, training):
    mask = mask_of((9, 3))
    found = []
    for number in (0.0, outside):
        x = np.where(mask[:, None], cotangent((9, 3), 3), number)
        inputs, bn = leaf(x), layer((9, 3)).train(training)
        y = bn(inputs, mask=mask)
        (dx,) = mg.grad(y, inputs, mg.tensor(np.where(mask[:, None], cotangent((9, 3)), number)), create_graph=True)
        loss = (dx * dx * dx).sum()
        if training:
            found.append([dx.detach().numpy(), *[g.numpy() for g in mg.grad(loss, [inputs, bn.weight])]])
        else:
            found.append([dx.detach().numpy(), mg.grad(loss, bn.weight)[0].numpy()])
    for first, second in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(second).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype):
    shape = (6, 3, 4)
    mask = mask_of(shape)
    x = batch(shape, mask).astype(dtype)
    bn = LAYERS[3](3, dtype=np.float32 if dtype == np.float16 else dtype)
    inputs = leaf(x)
    y = bn(inputs, mask)
    y.sum().backward()
    values = kept(x, mask).astype(np.float64)
    expected = (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-5)
    assert y.dtype == dtype and inputs.grad.dtype == dtype and bn.running_var.dtype == bn.weight.dtype
    np.testing.assert_allclose(kept(y.detach().numpy(), mask), expected, atol={2: 2e-3, 4: 1e-6, 8: 1e-12}[x.itemsize])
    n = len(values)
    np.testing.assert_allclose(bn.running_var.numpy(), 0.9 + 0.1 * values.var(0) * n / (n - 1), rtol=1e-6)


@pytest.mark.parametrize("shape", [(600, 3), (40, 3, 50), LARGE])
def test_the_promise_far_from_0(shape):
    """In float32 at mean 1e7 the output is right to 1e-6."""
    mask = mask_of(shape)
    x = (batch(shape, mask, 0.0) + 1e7).astype(np.float32)
    y = F.batch_norm(mg.tensor(x), None, None, training=True, mask=mask).numpy()
    values = kept(x, mask).astype(np.float64)
    expected = (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-5)
    assert abs(kept(y, mask) - expected).max() < 1e-6


def test_numbers_whose_squares_float32_cannot_hold():
    x = np.float32([[1e38], [-1e38], [np.nan], [3e37]])
    mask = np.array([True, True, False, True])
    values = x[mask].astype(np.float64)
    y = F.batch_norm(mg.tensor(x), None, None, training=True, mask=mask).numpy()
    np.testing.assert_allclose(y[mask], (values - values.mean()) / values.std(), rtol=1e-6)


class Padded(nn.Module):
    """A model that knows its padding by zeros."""

    def __init__(self):
        self.bn = nn.BatchNorm1d(3, dtype=np.float64)

    def forward(self, x):
        return self.bn(x, mask=(x != 0).any(dim=1))


def test_update_bn_pools_what_counts():
    """Over batches of unequal padding it is the variance of all that counts, and of nothing else."""
    batches = [batch(shape, mask_of(shape), 0.0) for shape in [(6, 3, 4), (2, 3, 9), (3, 3, 1)]]
    model = Padded()
    mg.optim.swa_utils.update_bn([mg.tensor(x) for x in batches], model)
    values = np.concatenate([kept(x, mask_of(x.shape)) for x in batches])
    np.testing.assert_allclose(model.bn.running_mean.numpy(), values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(model.bn.running_var.numpy(), values.var(0, ddof=1), rtol=1e-12)
    assert model.bn.num_batches_tracked.item() == 3


def test_it_is_one_node_of_the_graph():
    x = leaf(batch((6, 3, 4), mask_of((6, 3, 4))))
    y = nn.BatchNorm1d(3, dtype=np.float64)(x, mask=mask_of((6, 3, 4)))
    assert y.grad_fn.name() == "BatchNormBackward0"
    assert y.grad_fn.edges[0] is x.node


def test_a_picture_says_the_mask():
    mask = mask_of((6, 3, 4))
    y = nn.BatchNorm1d(3, dtype=np.float64)(leaf(batch((6, 3, 4), mask)), mask=mask)
    source = str(mg.draw(y).source)
    assert "mask keeps 16 of 24" in source and "n=16" in source


def test_the_mask_is_that_of_the_call():
    """The caller may change it before backward."""
    mask = mg.tensor(mask_of((9, 3)))
    found = []
    for changed in (False, True):
        x = leaf(np.arange(27.0).reshape(9, 3) ** 1.5)
        y = F.batch_norm(x, None, None, training=True, mask=mask)
        if changed:
            mask.fill_(True)
        found.append(mg.grad(y, x, mg.tensor(cotangent((9, 3))))[0].numpy())
    np.testing.assert_array_equal(*found)


def test_an_empty_batch_is_as_without_a_mask():
    bn = nn.BatchNorm1d(3)
    assert bn(mg.zeros(0, 3), mask=np.zeros(0, bool)).shape == (0, 3)
    assert bn.num_batches_tracked.item() == 1 and (bn.running_mean.numpy() == 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_in_evaluation_any_number_may_count(count):
    mask = np.arange(4) < count
    y = nn.BatchNorm1d(3).eval()(mg.ones(4, 3), mask=mask).detach().numpy()
    assert (y[count:] == 0).all() and (y[:count] != 0).all()


REFUSED = {
    "none counts": ((4, 3), np.zeros(4, bool), ValueError, r"got 0 that the mask \(4,\) keeps in BatchNorm1d: .*eval"),
    "one counts": ((4, 3), np.arange(4) == 2, ValueError, "more than 1 value per channel when training, got 1 that"),
    "one of a sequence": ((4, 3, 2), np.arange(8).reshape(4, 2) == 2, ValueError, r"got 1 that the mask \(4, 2\)"),
    "numbers": ((4, 3), np.ones(4), TypeError, r"mask must be a tensor of booleans.*got \(4,\) float64: .*mask != 0"),
    "a list": ((4, 3), [True] * 4, TypeError, r"got list: make it one, mask != 0 or mg\.tensor\(mask\)"),
    "with channels": ((4, 3, 2), np.ones((4, 3, 2), bool), ValueError, r"must be \(4, 2\) or \(4,\), the shape of"),
    "another length": (
        (4, 3, 2),
        np.ones((4, 5), bool),
        ValueError,
        r"input \(4, 3, 2\) without channels, got \(4, 5\)",
    ),
    "another size": ((4, 3), np.ones(5, bool), ValueError, r"mask must be \(4,\), the shape .* got \(5,\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(name):
    shape, mask, error, message = REFUSED[name]
    bn = LAYERS[len(shape)](3)
    before = state(bn)
    with pytest.raises(error, match=message) as caught:
        bn(mg.ones(*shape), mask=mask)
    assert "\n" not in str(caught.value)
    np.testing.assert_equal(state(bn), before)


def test_a_captured_step_refuses_what_eager_refuses():
    bn, x = layer((9, 3)), leaf(batch((9, 3), mask_of((9, 3))))
    program, _ = capture(lambda x, mask: bn(x, mask=mask), x, mg.tensor(mask_of((9, 3))), state=[bn])
    before = state(bn)
    with pytest.raises(ValueError, match=r"got 1 that the mask \(9,\) keeps"):
        program.run(x, mg.tensor(np.arange(9) == 4))
    np.testing.assert_equal(state(bn), before)


@pytest.mark.parametrize("training", [True, False])
def test_a_captured_step_takes_other_masks(training):
    """The mask is an input of the program: how many values count is not written down."""
    bn, x = layer((6, 3, 4)).train(training), leaf(RNG.standard_normal((6, 3, 4)))

    def step(x, mask):
        y = bn(x, mask=mask)
        return [y, *mg.grad((y * y * y).sum(), [x, bn.weight, bn.bias])]

    first = mg.tensor(mask_of((6, 3, 4)))
    second = mg.tensor(np.arange(24).reshape(6, 4) % 5 > 1)
    program, _ = capture(step, x, first, state=[bn])
    before = bn.state_dict()
    found = [value.detach().numpy() for value in program.run(x, second)]
    after = state(bn)
    bn.load_state_dict(before)
    for value, expected in zip(found, step(x, second), strict=True):
        np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    for name, expected in state(bn).items():
        np.testing.assert_allclose(after[name], expected, rtol=1e-12)
