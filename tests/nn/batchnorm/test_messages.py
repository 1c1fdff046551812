"""What BatchNorm refuses or warns of: module, shapes and cure."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.functional import batch_norm
from tests.helpers.batchnorm_module import Outer, assert_buffers, batch, buffers_of, with_statistics

REFUSED = {
    "one value": (
        nn.BatchNorm1d(3), (1, 3), "float32", ValueError,
        r"Expected more than 1 value per channel when training, got input size \(1, 3\) in net\.1 \(BatchNorm1d\)"
        r".*model\.eval\(\).*batches of 2 or more.*drop_last=True",
    ),
    "one value, length 1": (nn.BatchNorm1d(3), (1, 3, 1), "float32", ValueError, r"got input size \(1, 3, 1\)"),
    "one value, image": (nn.BatchNorm2d(3), (1, 3, 1, 1), "float32", ValueError, r"got input size \(1, 3, 1, 1\)"),
    "4D in 1d": (
        nn.BatchNorm1d(3), (2, 3, 4, 5), "float32", ValueError,
        r"expected 2D or 3D input \(got 4D input\) in net\.1 \(BatchNorm1d\).*BatchNorm2d for 4D",
    ),
    "1D in 1d": (
        nn.BatchNorm1d(3), (3,), "float32", ValueError,
        r"expected 2D or 3D input \(got 1D input\).*x\.unsqueeze\(0\) makes a batch",
    ),
    "2D in 2d": (nn.BatchNorm2d(3), (2, 3), "float32", ValueError, r"expected 4D input \(got 2D input\)"),
    "3D in 2d": (nn.BatchNorm2d(3), (3, 2, 2), "float32", ValueError, r"expected 4D input \(got 3D input\).*unsqueeze"),
    "5D in 2d": (nn.BatchNorm2d(3), (2, 3, 1, 1, 1), "float32", ValueError, r"\(got 5D input\).*BatchNorm3d for 5D"),
    "4D in 3d": (nn.BatchNorm3d(3), (2, 3, 2, 2), "float32", ValueError, r"expected 5D input \(got 4D input\)"),
    "channels": (
        nn.BatchNorm1d(3), (8, 5), "float32", ValueError,
        r"in net\.1 \(BatchNorm1d\): expected 3 channels on axis 1, got input \(8, 5\) float32\.$",
    ),
    "channels last": (
        nn.BatchNorm1d(3), (8, 5, 3), "float32", ValueError,
        r"got input \(8, 5, 3\).*\(N, L, C\)\? BatchNorm1d wants \(N, C, L\): transpose\(1, 2\)",
    ),
    "channels last, image": (
        nn.BatchNorm2d(3), (8, 5, 6, 3), "float32", ValueError,
        r"\(N, H, W, C\)\? BatchNorm2d wants \(N, C, H, W\): permute\(0, 3, 1, 2\)",
    ),
    "float64": (
        nn.BatchNorm1d(3), (8, 3), "float64", TypeError,
        r"in net\.1 \(BatchNorm1d\): input is float64 but .* is float32: convert one.*module\.to\(mg\.float64\)",
    ),
    "float32": (nn.BatchNorm1d(3, dtype="float64"), (8, 3), "float32", TypeError, "input is float32 but .* is float64"),
    "integers": (nn.BatchNorm1d(3), (8, 3), "int64", TypeError, r"in net\.1.*expected a float input.*x\.float\(\)"),
    "booleans": (nn.BatchNorm1d(3), (8, 3), "bool", TypeError, r"expected a float input.*x\.float\(\)"),
    "eps 0": (nn.BatchNorm1d(3, eps=0), (8, 3), "float32", ValueError, "batch_norm eps must be positive during train"),
    "eps -1": (nn.BatchNorm1d(3, eps=-1), (8, 3), "float32", ValueError, r"net\.1.*eps must be positive during"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_names_module_and_cure_and_changes_no_buffer(case):
    bn, shape, dtype, kind, message = REFUSED[case]
    before = buffers_of(bn)
    with pytest.raises(kind, match=message):
        Outer(bn)(mg.tensor(np.ones(shape, dtype)))
    assert_buffers(bn, before)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, float("nan")])
def test_a_momentum_outside_0_to_1_is_refused_in_the_module_only(momentum):
    with pytest.raises(ValueError, match=r"BatchNorm1d: momentum is the weight of the new batch.*from 0 to 1"):
        nn.BatchNorm1d(3, momentum=momentum)


def test_the_function_takes_any_momentum():
    mean, var, x = mg.zeros(3), mg.ones(3), batch((8, 3))
    batch_norm(x, mean, var, training=True, momentum=1.5)
    np.testing.assert_allclose(mean.numpy(), 1.5 * x.numpy().mean(0), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), -0.5 + 1.5 * x.numpy().var(0, ddof=1), rtol=1e-5)


@pytest.mark.parametrize(("momentum", "meant"), [(0.9, "0.1"), (0.99, "0.01"), (0.51, "0.49")])
def test_a_large_momentum_is_warned_of_once(momentum, meant):
    with pytest.warns(
        UserWarning, match=f"Keras and Flax mean the opposite. For their {momentum} pass {meant}"
    ) as caught:
        bn = nn.BatchNorm1d(3, momentum=momentum)
    assert len(caught) == 1 and caught[0].filename == __file__
    bn(batch((4, 3)))
    nn.BatchNorm1d(3, momentum=0.5)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda x, m, v: batch_norm(x, None, None), "evaluation needs running_mean and running_var"),
        (lambda x, m, v: batch_norm(x, m, None), "go together: give both or none"),
        (lambda x, m, v: batch_norm(x, None, v, training=True), "go together: give both or none"),
        (lambda x, m, v: batch_norm(x, m.double(), None), "go together: give both or none"),
        (lambda x, m, v: batch_norm(x, m, -v), "running_var has negative values"),
        (lambda x, m, v: batch_norm(x, m, v, training=True, eps=0), "eps must be positive during training"),
        (lambda x, m, v: batch_norm(x, m, v, weight=mg.ones(4)), r"3 channels on axis 1, but weight is \(4,\)"),
    ],
)
def test_the_function_refuses(use, message):
    mean, var = mg.zeros(3), mg.ones(3)
    with pytest.raises(ValueError, match=message):
        use(batch((4, 3)), mean, var)
    assert mean.tolist() == [0] * 3 and var.tolist() == [1] * 3


def test_a_negative_variance_is_refused_instead_of_nan():
    bn = with_statistics()
    bn.running_var.fill_(-1)
    with pytest.raises(ValueError, match=r"in net\.1 \(BatchNorm1d\): running_var has negative values"):
        Outer(bn)(batch((4, 3)))
