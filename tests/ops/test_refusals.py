"""Arguments that operations refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.inputs import leaf
from tests.helpers.refusals import check_refused
from tests.ops.edges import nan
from tests.ops.refused_windows import REFUSED_WINDOWS


def ones(*shape: int, dtype: Any = np.float32) -> mg.Tensor:
    return mg.tensor(np.ones(shape, dtype), requires_grad=np.dtype(dtype).kind == "f")


TWO_NAMES = ["dim and axis", "give only one"]

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    "add": (lambda: ones(2, 3) + ones(4), ValueError, ["add", "(2, 3) float32", "(4,) float32"]),
    "add a string": (lambda: ones(2) + "a", TypeError, ["add", "(2,) float32", "str"]),
    "where": (lambda: mg.where(ones(2) > 0, ones(2), ones(3)), ValueError, ["where", "(2,) bool", "(3,) float32"]),
    "eq": (lambda: ones(2) == ones(3), ValueError, ["eq", "(2,) float32", "(3,) float32"]),
    "and of floats": (lambda: ones(2) & ones(2), TypeError, ["bitwise_and", "(2,) float32"]),
    "negative power of ints": (lambda: ones(2, dtype=int) ** -1, ValueError, ["pow", "(2,) int64", "-1"]),
    "matmul": (lambda: ones(2, 3) @ ones(2, 3), ValueError, ["(2, 3) @ (2, 3)", "3, must equal", "x.T"]),
    "matmul vector": (lambda: ones(2, 3) @ ones(2), ValueError, ["(2, 3) @ (2,)", "the length of the right one, 2"]),
    "matmul number": (lambda: ones(2, 3) @ ones(), ValueError, ["(2, 3) @ ()", "a * b"]),
    "matmul batches": (lambda: ones(2, 2, 3) @ ones(3, 3, 2), ValueError, ["matmul", "(2, 2, 3)", "(3, 3, 2)"]),
    "matmul list": (lambda: ones(2, 3) @ [1, 2, 3], TypeError, ["list", "mg.tensor"]),
    "linear": (lambda: F.linear(ones(4, 3), ones(5, 2)), ValueError, ["(..., 2)", "(4, 3)", "(5, 2)"]),
    "linear number": (lambda: F.linear(ones(), ones(5, 2)), ValueError, ["(..., 2)", "applied to () float32"]),
    "linear weight": (lambda: F.linear(ones(4, 3), ones(3)), ValueError, ["(out, in)", "(3,)"]),
    "linear bias": (
        lambda: F.linear(ones(4, 3), ones(5, 3), ones(3)),
        ValueError,
        ["the bias must be (5,)", "and (3,) float32"],
    ),
    "linear bias of rows": (
        lambda: F.linear(ones(4, 3), ones(5, 3), ones(4, 5)),
        ValueError,
        ["(5,)", "(4, 5) float32"],
    ),
    "sum of a list": (lambda: mg.sum([1, 2]), TypeError, ["expected a tensor", "list", "mg.tensor"]),
    "reshape of a list": (lambda: mg.reshape([1, 2], 2), TypeError, ["expected a tensor", "list"]),
    "dim": (lambda: ones(2, 3).sum(2), IndexError, ["dim 2", "2 dimensions", "-2 to 1"]),
    "dim of a number": (lambda: ones().sum(1), IndexError, ["dim 1", "0 dimensions", "-1 to 0"]),
    "dims": (lambda: ones(2, 3).sum((0, -3)), IndexError, ["dim -3"]),
    "dim of softmax": (lambda: ones(2, 3).softmax(-3), IndexError, ["dim -3"]),
    "dim of squeeze": (lambda: mg.squeeze(ones(2, 3), 5), IndexError, ["dim 5"]),
    "dim of unsqueeze": (lambda: mg.unsqueeze(ones(2, 3), 4), IndexError, ["dim 4"]),
    "dim of cat": (lambda: mg.cat([ones(2)], 1), IndexError, ["dim 1"]),
    "dim twice": (lambda: ones(2, 3).sum((0, -2)), ValueError, ["(0, -2)", "twice"]),
    "no dim": (lambda: ones(2, 3).softmax(), TypeError, ["softmax needs dim", "dim=-1"]),
    **{
        f"dim and axis of {function.__name__}": (
            lambda f=function: f(ones(2, 3), dim=0, axis=1),
            TypeError,
            TWO_NAMES,
        )
        for function in (mg.sum, mg.mean, mg.prod, mg.var, mg.amax, mg.argmin, mg.max, mg.softmax, mg.squeeze)
    },
    "dim and axis of cat": (lambda: mg.cat([ones(2, 3)], dim=0, axis=1), TypeError, TWO_NAMES),
    "dim and axis of stack": (lambda: mg.stack([ones(2, 3)], dim=0, axis=1), TypeError, TWO_NAMES),
    "amax of nothing": (lambda: ones(0, 3).amax(0), ValueError, ["amax", "(0, 3) float32"]),
    "max of nothing": (lambda: ones(0, 3).max(0), ValueError, ["argmax", "(0, 3) float32"]),
    "argmin of nothing": (lambda: mg.argmin(ones(0)), ValueError, ["argmin", "(0,) float32"]),
    **{
        f"{name} along nothing": (lambda f=function: f(ones(0, 3)), IndexError, ["(0, 3) float32"])
        for name, function in {
            "max": lambda x: x.max(0),
            "argmax": lambda x: x.argmax(0),
            "amin": lambda x: x.amin(0),
            "aminmax": lambda x: mg.aminmax(x, dim=0),
            "median": lambda x: x.median(0),
            "nanmedian": lambda x: x.nanmedian(0),
            "mode": lambda x: x.mode(0),
            "kthvalue": lambda x: x.kthvalue(1, 0),
        }.items()
    },
    "mean of ints": (lambda: ones(2, dtype=int).mean(), RuntimeError, ["mean", "(2,) int64", "x.float()", "dtype="]),
    "var of booleans": (lambda: ones(2, dtype=bool).var(), RuntimeError, ["var", "(2,) bool", "x.float()"]),
    "mean in an integer dtype": (lambda: ones(2).mean(dtype=np.int64), RuntimeError, ["mean", "int64", "x.float()"]),
    "nanmean of ints": (lambda: mg.nanmean(ones(2, dtype=int)), RuntimeError, ["nanmean", "(2,) int64", "x.float()"]),
    "softmax of ints": (lambda: ones(2, dtype=int).softmax(0), TypeError, ["softmax", "(2,) int64", "x.float()"]),
    "permute": (lambda: mg.permute(ones(2, 3), 0, 0), ValueError, ["each of the 2 axes once", "(0, 0)"]),
    "permute too few": (lambda: mg.permute(ones(2, 3), 0), ValueError, ["each of the 2 axes once", "(0,)"]),
    "reshape": (lambda: ones(2, 3).reshape(4), ValueError, ["reshape", "(2, 3) float32", "(4,)"]),
    "expand": (lambda: ones(2, 3).expand(2, 4), ValueError, ["expand", "(2, 3) float32", "(2,4)"]),
    "expand to fewer axes": (lambda: ones(2, 3).expand(3), ValueError, ["expand", "(2, 3)", "(3,)"]),
    "expand new axis by -1": (lambda: ones(3).expand(-1, 3), ValueError, ["expand", "(3,)", "(-1, 3)"]),
    "flatten": (lambda: mg.flatten(ones(2, 3), 1, 0), ValueError, ["start_dim 1", "end_dim 0"]),
    "cat": (lambda: mg.cat([ones(2, 3), ones(2, 4)]), ValueError, ["cat", "(2, 3) float32", "(2, 4) float32"]),
    "cat of nothing": (lambda: mg.cat([]), ValueError, ["cat", "at least one tensor"]),
    "cat of numbers": (lambda: mg.cat([ones(2), 3.0]), TypeError, ["cat", "item 1", "float"]),
    "stack": (lambda: mg.stack([ones(2), ones(3)]), ValueError, ["stack", "(2,) float32", "(3,) float32"]),
    "index": (lambda: ones(2, 3)[2], IndexError, ["getitem", "(2, 3) float32", "index 2 is out of bounds"]),
    "index of an array": (lambda: ones(2, 3)[[0, 5]], IndexError, ["getitem", "(2, 3) float32", "index 5"]),
    "too many indices": (lambda: ones(2, 3)[0, 0, 0], IndexError, ["getitem", "(2, 3) float32", "3 were indexed"]),
    "float index": (lambda: ones(2, 3)[1.5], IndexError, ["getitem", "(2, 3) float32", "integers, slices"]),
    "index of floats": (lambda: ones(2, 3)[[0.5]], IndexError, ["integers or booleans", "float64 (1,)"]),
    "mask of another length": (lambda: ones(2, 3)[np.ones(3, bool)], IndexError, ["getitem", "(2, 3) float32", "3"]),
    "clamp": (lambda: mg.clamp(ones(2)), ValueError, ["clamp needs a bound"]),
    "softplus beta": (lambda: F.softplus(ones(2), 0), ValueError, ["softplus", "beta", "other than 0", "got 0"]),
    "softplus beta inf": (lambda: F.softplus(ones(2), np.inf), ValueError, ["softplus", "finite", "got inf"]),
    "softplus beta tensor": (lambda: F.softplus(ones(2), ones()), TypeError, ["beta", "number", "() float32"]),
    "softplus threshold": (lambda: F.softplus(ones(2), 1, "2"), TypeError, ["threshold must be a number", "str"]),
    "softplus of a list": (lambda: F.softplus([1.0]), TypeError, ["softplus", "list", "mg.tensor"]),
    "dropout p": (lambda: F.dropout(ones(2), 1.5), ValueError, ["dropout", "from 0 to 1", "1.5"]),
    "dropout of ints": (lambda: F.dropout(ones(2, dtype=int)), TypeError, ["dropout", "(2,) int64", "x.float()"]),
    **{
        f"{function.__name__}": (
            lambda f=function: f(ones(4, 1), ones(4)),
            ValueError,
            ["(4, 1)", "(4,)", "input.squeeze(1)"],
        )
        for function in (F.mse_loss, F.l1_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits)
    },
    "pos_weight": (
        lambda: F.binary_cross_entropy_with_logits(ones(4), ones(4, 1), pos_weight=2.0),
        ValueError,
        ["(4,)", "(4, 1)", "target.unsqueeze(1)"],
    ),
    **{
        f"reduction of {function.__name__}": (
            lambda f=function: f(ones(2, 3), ones(2, 3), reduction="average"),
            ValueError,
            ["'mean', 'sum', 'none'", "'average'"],
        )
        for function in (F.mse_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.cross_entropy)
    },
    "logits as probabilities": (
        lambda: F.binary_cross_entropy(ones(3) * 2, ones(3)),
        ValueError,
        ["from 0 to 1", "from 2 to 2", "binary_cross_entropy_with_logits"],
    ),
    "NaN as a probability": (lambda: F.binary_cross_entropy(ones(1) * nan, ones(1)), ValueError, ["nan"]),
    "class out of range": (lambda: F.cross_entropy(ones(2, 3), [0, 3]), ValueError, ["target 3", "(2, 3)", "0 to 2"]),
    "negative class": (lambda: F.cross_entropy(ones(2, 3), [0, -1]), ValueError, ["target -1", "(2, 3)", "0 to 2"]),
    "nll class out of range": (lambda: F.nll_loss(ones(2, 3), [0, 3]), ValueError, ["nll_loss", "target 3", "0 to 2"]),
    "shape of classes": (lambda: F.cross_entropy(ones(2, 3), [0, 1, 2]), ValueError, ["(2, 3)", "(2,)", "got (3,)"]),
    "classes as floats": (
        lambda: F.cross_entropy(ones(2, 3), np.ones(2)),
        TypeError,
        ["class indices", "float64 (2,)", "target.long()"],
    ),
    "scores as ints": (lambda: F.cross_entropy(ones(2, 3, dtype=int), [0, 1]), TypeError, ["float", "(2, 3) int64"]),
    "score of no class": (lambda: F.cross_entropy(ones(), 0), TypeError, ["(N, C, ...) or (C,)", "() float32"]),
    "class weight": (
        lambda: F.cross_entropy(ones(2, 3), [0, 1], weight=ones(2)),
        ValueError,
        ["(2, 3)", "weight (3,)", "got (2,)"],
    ),
    "class weight of nll": (lambda: F.nll_loss(ones(2, 3), [0, 1], ones(5)), ValueError, ["weight (3,)", "got (5,)"]),
    "label_smoothing": (
        lambda: F.cross_entropy(ones(2, 3), [0, 1], label_smoothing=1.5),
        ValueError,
        ["label_smoothing", "from 0 to 1", "1.5"],
    ),
    **REFUSED_WINDOWS,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_cure(name):
    """In one line, with what was given."""
    check_refused(*REFUSED[name])


def test_an_operand_without_a_derivative_is_refused_in_backward():
    condition = leaf([0.0, 1.0])
    with pytest.raises(RuntimeError, match=r"where has no derivative with respect to operand 0.*x\.detach\(\)"):
        mg.where(condition, leaf([1.0, 2.0]), 0.0).sum().backward()


def misused() -> dict[str, Callable[[], Any]]:
    x, half = ones(2, 3), ones(2)
    return {
        "sum": lambda: mg.sum([1.0, 2.0]),
        "reshape": lambda: mg.reshape(["a"], (1,)),
        "mean": lambda: x.mean(dim=5),
        "std": lambda: mg.std(x, dim=1.5),
        "amax": lambda: mg.amax(x, dim=(0, 0)),
        "cumsum": lambda: x.cumsum("a"),
        "argmax": lambda: mg.argmax(x, dim=0, axis=0),
        "sort": lambda: x.sort(-3),
        "gather": lambda: mg.gather(x, x, half),
        "split": lambda: x.split(half),
        "topk": lambda: x.topk(half),
        "transpose": lambda: mg.transpose(x, half, 0),
        "mse_loss": lambda: F.mse_loss(x, "a"),
        "detach": lambda: mg.detach([1.0]),
    }


@pytest.mark.parametrize("name", misused())
def test_the_operation_is_named_once_and_arguments_fill_one_line(name):
    with pytest.raises((TypeError, ValueError, IndexError)) as raised:
        misused()[name]()
    message = str(raised.value)
    assert message.startswith(f"{name}: ")
    assert message.count(f"{name}: ") == 1
    assert "\n" not in message


def test_a_composed_operation_is_named_by_what_was_called():
    with pytest.raises(IndexError, match=r"^logsumexp: dim 4 is out of range for a tensor of 2 dimensions"):
        mg.logsumexp(ones(2, 3), dim=4)
    with pytest.raises(IndexError, match=r"^std: dim 4 is out of range"):
        ones(2, 3).std(4)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("index", "value", "error"),
    [
        (0, "a", TypeError),
        (0, [[1.0], [1.0, 2.0]], ValueError),
        (0, object(), TypeError),
        (0, [1.0, 2.0], ValueError),
        (7, 1.0, IndexError),
        ((0, 0, 0), 1.0, IndexError),
        (1.5, 1.0, IndexError),
    ],
)
def test_elements_that_cannot_be_set_are_refused_before_anything_changes(index, value, error, recorded):
    x = ones(2, 3) * 1 if recorded else ones(2, 3).detach()
    with pytest.raises(error, match=r"^setting elements: \(2, 3\) float32 cannot take .*: ") as raised:
        x[index] = value
    assert "\n" not in str(raised.value)
    np.testing.assert_array_equal(x.detach().numpy(), np.ones((2, 3)))
