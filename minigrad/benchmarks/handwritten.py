"""The same net by hand, in plain NumPy, as a careful person would write it.

Every parameter and every gradient is a view of one vector, so that the optimiser works on the vectors;
temporaries are reused where that takes no thought.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy import ndarray

from .workloads import LEARNING_RATE, Workload


class SGD:
    """Gradient descent on one vector, with or without momentum."""

    def __init__(self, vector: ndarray, gradient: ndarray, momentum: float = 0) -> None:
        self.vector, self.gradient, self.momentum = vector, gradient, momentum
        self.velocity = np.zeros_like(vector) if momentum else gradient

    def step(self) -> None:
        if self.momentum:
            self.velocity *= self.momentum
            self.velocity += self.gradient
        self.vector -= LEARNING_RATE * self.velocity


class Adam:
    """Adam on one vector."""

    def __init__(self, vector: ndarray, gradient: ndarray) -> None:
        self.vector, self.gradient = vector, gradient
        self.m, self.v, self.t = np.zeros_like(vector), np.zeros_like(vector), 0

    def step(self) -> None:
        self.t += 1
        g, m, v = self.gradient, self.m, self.v
        m *= 0.9
        m += 0.1 * g
        v *= 0.999
        work = g * g
        work *= 0.001
        v += work
        root = math.sqrt(1 - 0.999**self.t)
        np.sqrt(v, out=work)
        work += 1e-8 * root
        np.divide(m, work, out=work)
        work *= LEARNING_RATE * root / (1 - 0.9**self.t)
        self.vector -= work


OPTIMIZERS: dict[str, Callable[[ndarray, ndarray], SGD | Adam]] = {"sgd": SGD, "adam": Adam}


def relu(y: ndarray) -> None:
    """The activation, in place."""
    np.maximum(y, 0, out=y)


def sigmoid(y: ndarray) -> None:
    """The activation, in place."""
    np.negative(y, out=y)
    np.exp(y, out=y)
    y += 1
    np.reciprocal(y, out=y)


ACTIVATIONS = {"relu": relu, "sigmoid": sigmoid}


def views(vector: ndarray, shapes: Sequence[tuple[int, ...]]) -> list[ndarray]:
    """The parts of a vector as arrays of these shapes."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [vector[end - math.prod(shape) : end].reshape(shape) for end, shape in zip(ends, shapes)]


class HandwrittenStep:
    """``step()`` trains once on the workload's batch and returns the loss."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.x, self.target = workload.data()
        self.rows = np.arange(workload.batch)
        self.activate = ACTIVATIONS[workload.activation]
        weights = [array for layer in workload.weights() for array in layer]
        widths = workload.sizes[1:-1]
        shapes = [array.shape for array in weights] + [(width,) for width in widths for _ in range(2)]
        total = sum(math.prod(shape) for shape in shapes)
        self.vector, self.gradient = np.zeros(total, np.float32), np.zeros(total, np.float32)
        self.parameters, self.gradients = views(self.vector, shapes), views(self.gradient, shapes)
        for view, array in zip(self.parameters, weights):
            view[...] = array
        fours = [[*self.parameters[i : i + 2], *self.gradients[i : i + 2]] for i in range(0, len(shapes), 2)]
        self.layers, self.norms = fours[: len(widths) + 1], fours[len(widths) + 1 :]
        for gamma, *_ in self.norms:
            gamma[...] = 1
        self.running = [(np.zeros(width, np.float32), np.ones(width, np.float32)) for width in widths]
        self.update = OPTIMIZERS[workload.optimizer](self.vector, self.gradient).step

    def step(self) -> float:
        n = self.workload.batch
        x, saved = self.x, []
        for (weight, bias, *_), (gamma, beta, *_), (mean, var) in zip(self.layers, self.norms, self.running):
            h = x @ weight.T
            h += bias
            mu = h.mean(0)
            h -= mu
            variance = (h * h).mean(0)
            inverse = 1 / np.sqrt(variance + 1e-5)
            h *= inverse
            y = h * gamma
            y += beta
            mean *= 0.9
            mean += 0.1 * mu
            var *= 0.9
            var += (0.1 * n / (n - 1)) * variance
            self.activate(y)
            saved.append((x, h, inverse, y))
            x = y
        weight, bias, dweight, dbias = self.layers[-1]
        z = x @ weight.T
        z += bias
        z -= z.max(1, keepdims=True)
        p = np.exp(z)
        total = p.sum(1, keepdims=True)
        loss = float((np.log(total[:, 0]) - z[self.rows, self.target]).mean())
        p /= total
        p[self.rows, self.target] -= 1
        p /= n
        np.matmul(p.T, x, out=dweight)
        p.sum(0, out=dbias)
        dy = p @ weight
        hidden = list(zip(self.layers, self.norms, saved))
        for i in reversed(range(len(hidden))):
            (weight, _, dweight, dbias), (gamma, _, dgamma, dbeta), (x, xhat, inverse, y) = hidden[i]
            if self.activate is relu:
                dy *= y > 0
            else:
                dy *= y
                dy *= 1 - y
            dy.sum(0, out=dbeta)
            (dy * xhat).sum(0, out=dgamma)
            dy -= dbeta / n
            xhat *= dgamma / n
            dy -= xhat
            dy *= gamma * inverse
            np.matmul(dy.T, x, out=dweight)
            dy.sum(0, out=dbias)
            if i:
                dy = dy @ weight
        self.update()
        return loss

    def predict(self, x: ndarray) -> ndarray:
        """The output for a batch, with the running statistics."""
        for (weight, bias, *_), (gamma, beta, *_), (mean, var) in zip(self.layers, self.norms, self.running):
            x = x @ weight.T
            x += bias
            x -= mean
            x *= gamma / np.sqrt(var + 1e-5)
            x += beta
            self.activate(x)
        weight, bias, *_ = self.layers[-1]
        x = x @ weight.T
        x += bias
        return x

    def predictor(self) -> Callable[[], ndarray]:
        """A function that predicts the first sample."""
        sample = self.x[:1]
        return lambda: self.predict(sample)
