"""Arguments of a wrong kind: one line that names the argument, not an accident from inside."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

X = mg.ones(2, 2)

WRONG = {
    "cat dim": (lambda: mg.cat([X, X], 1.0), r"^cat: dim must be an integer, got 1\.0\.$"),
    "cat None": (lambda: mg.cat(None), r"^cat: expected a list of tensors, got None"),
    "stack 3": (lambda: mg.stack(3), r"^stack: expected a list of tensors, got 3"),
    "sum": (lambda: X.sum("a"), r"^sum: dim must be an integer, got 'a'\.$"),
    "sum of two": (lambda: X.sum((0, "a")), r"^sum: dim must be an integer, got 'a'\.$"),
    "max": (lambda: X.max("a"), r"^max: dim must be an integer"),
    "softmax": (lambda: X.softmax("a"), r"^softmax: dim must be an integer"),
    "dropout": (lambda: F.dropout(X, "a"), r"^dropout: p must be a probability from 0 to 1, got 'a'\.$"),
    "Dropout": (lambda: nn.Dropout("a"), r"^Dropout: p must be a probability from 0 to 1, got 'a'\.$"),
    "normal_": (lambda: nn.init.normal_(X.clone(), "a"), r"^nn\.init: mean must be a number, got 'a'\.$"),
    "normal_ std": (
        lambda: nn.init.normal_(X.clone(), 0, -1),
        r"^nn\.init: std must be a number of at least 0, got -1",
    ),
    "uniform_": (lambda: nn.init.uniform_(X.clone(), 0, "a"), r"^nn\.init: b must be a number, got 'a'\.$"),
    "xavier": (lambda: nn.init.xavier_normal_(X.clone(), "a"), r"^nn\.init: gain must be a number, got 'a'\.$"),
    "kaiming": (lambda: nn.init.kaiming_normal_(X.clone(), "a"), r"^nn\.init: the slope must be a number, got 'a'"),
    "constant_": (lambda: nn.init.constant_(X.clone(), "a"), r"cannot take str"),
    "backward": (
        lambda: mg.ones(2, requires_grad=True).backward("a"),
        r"^the gradient must be a tensor \(2,\) float32",
    ),
    "grad": (lambda: mg.grad(mg.ones(1, requires_grad=True) * 2, X, "a"), r"does not require grad"),
    "randn": (lambda: mg.randn("a"), r"^a size must be of integers, got 'a'\.$"),
    "zeros": (lambda: mg.zeros(2.5), r"^a size must be of integers, got 2\.5\.$"),
    "reshape": (lambda: X.reshape("a"), r"^reshape: a size must be of integers, got 'a'\.$"),
    "eye": (lambda: mg.eye("a"), r"^a size must be of integers, got 'a'"),
    "arange": (lambda: mg.arange("a"), r"^end must be a number, got 'a'\.$"),
    "linspace": (lambda: mg.linspace("a", 1, 3), r"^start must be a number, got 'a'\.$"),
    "linspace steps": (lambda: mg.linspace(0, 1, 2.5), r"^steps must be of integers, got 2\.5\.$"),
    "randperm": (lambda: mg.randperm("a"), r"^n must be of integers, got 'a'\.$"),
    "randint": (lambda: mg.randint("a", 3, (2,)), r"^low and high must be of integers, got 'a', 3\.$"),
    "Softmax": (lambda: nn.Softmax(), r"^Softmax needs the argument dim"),
    "LogSoftmax": (lambda: nn.LogSoftmax(), r"^LogSoftmax needs the argument dim"),
    "rand of ints": (lambda: mg.rand(2, dtype=np.int64), r"^rand: random numbers are floats, got dtype int64"),
    "randn of ints": (lambda: mg.randn(2, dtype=np.int64), r"^randn: random numbers are floats, got dtype int64"),
    "rand_like ints": (lambda: mg.rand_like(mg.tensor([1, 2])), r"^rand: random numbers are floats, got dtype int64"),
    "uniform_ of ints": (lambda: nn.init.uniform_(mg.tensor([1, 2])), r"random numbers are floats.* \(2,\) int64"),
    "kaiming of ints": (lambda: nn.init.kaiming_uniform_(mg.tensor([[1, 2]])), r"random numbers are floats"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kind_of_argument_is_named(name):
    act, message = WRONG[name]
    state = mg.get_rng_state()
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message) as caught:
        act()
    assert "\n" not in str(caught.value) and mg.get_rng_state() == state


@pytest.mark.parametrize("kind", [int, float, np.float32, np.int64, lambda n: mg.tensor(float(n))])
def test_numbers_of_every_kind_are_taken(kind):
    assert mg.arange(kind(3)).tolist() == [0, 1, 2]
    assert mg.linspace(kind(0), kind(2), 3).tolist() == [0, 1, 2]
    assert nn.Dropout(kind(1)).p == 1
    assert nn.init.uniform_(mg.zeros(2), kind(3), kind(3)).tolist() == [3, 3]


def test_steps_of_integers_are_integers():
    assert mg.arange(np.int64(3)).dtype == mg.arange(mg.tensor(3)).dtype == np.int64
    assert mg.arange(np.float64(3)).dtype == np.float32
