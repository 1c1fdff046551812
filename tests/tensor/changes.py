"""Ways to change a tensor in place, and operations by what they save."""

import numpy as np

import minigrad as mg
from minigrad import nn

START = np.array([[0.5, 1.5, 2.0], [0.25, 1.0, 3.0]])
OTHER = np.array([[2.0, 0.5, 1.0], [1.5, 4.0, 0.25]])


def leaf(array=START):
    return mg.tensor(array, requires_grad=True)


def imul(t):
    t *= 2


def set_element(t):
    t[0, 0] = 7


def set_row(t):
    t[1] = mg.tensor([7.0, 8.0, 9.0])


def add_to_element(t):
    t[0] += 1


SAVES_OPERAND = {
    "mul": lambda x: x * x,
    "div": lambda x: 1 / x / x,
    "pow": lambda x: x**2,
    "square": mg.square,
    "log": mg.log,
    "sin": mg.sin,
    "matmul": lambda x: x @ x.T,
    "linear": lambda x: nn.functional.linear(x, mg.tensor(OTHER), None) * x.sum(1, keepdim=True),
    "maximum": lambda x: mg.maximum(x, OTHER),
    "var": lambda x: x.var(0),
    "amax": lambda x: x.amax(1),
    "clamp": lambda x: x.clamp(0.3, 2.5),
    "mse_loss": lambda x: nn.functional.mse_loss(x, mg.tensor(OTHER)),
    "batch_norm": lambda x: mg.ops.batch_norm(x, training=True),
}

SAVES_NOTHING = {
    "add": lambda x: x + 1,
    "sub": lambda x: 1 - x,
    "neg": lambda x: -x,
    "divide": lambda x: x / 4.0,
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(),
    "reshape": lambda x: x.reshape(3, 2),
    "index": lambda x: x[:, 1],
    "cat": lambda x: mg.cat([x, x]),
    "clone": lambda x: x.clone(),
    "cast": lambda x: x.float(),
    "where": lambda x: mg.where(START > 1, x, 0.0),
}

SAVES_OUTPUT = {
    "exp": mg.exp,
    "tanh": mg.tanh,
    "sigmoid": mg.sigmoid,
    "sqrt": mg.sqrt,
    "reciprocal": mg.reciprocal,
    "relu": mg.relu,
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(1),
}
