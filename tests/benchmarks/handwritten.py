"""A training step by hand: the same net in plain NumPy, as a careful person would write it.

Every parameter and every gradient is a view of one vector, so that the optimiser works on the vectors;
temporaries are reused where that takes no thought.
"""

from __future__ import annotations

import numpy as np

from .workloads import LEARNING_RATE, Workload


class HandwrittenStep:
    """``step()`` trains once on the workload's batch and returns the loss."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.x, self.target = workload.data()
        self.rows = np.arange(workload.batch)
        layers = workload.weights()
        widths = workload.sizes[1:-1]
        shapes = [array.shape for layer in layers for array in layer] + [(w,) for w in widths for _ in range(2)]
        total = sum(int(np.prod(shape)) for shape in shapes)
        self.vector, self.gradient = np.zeros(total, np.float32), np.zeros(total, np.float32)
        parameters, gradients = self.views(self.vector, shapes), self.views(self.gradient, shapes)
        for view, array in zip(parameters, (array for layer in layers for array in layer)):
            view[...] = array
        n = 2 * len(layers)
        self.layers = list(zip(parameters[:n:2], parameters[1:n:2], gradients[:n:2], gradients[1:n:2]))
        self.norms = list(zip(parameters[n::2], parameters[n + 1 :: 2], gradients[n::2], gradients[n + 1 :: 2]))
        for gamma, *_ in self.norms:
            gamma[...] = 1
        self.running = [(np.zeros(w, np.float32), np.ones(w, np.float32)) for w in widths]
        self.m, self.v, self.t = np.zeros(total, np.float32), np.zeros(total, np.float32), 0

    @staticmethod
    def views(vector: np.ndarray, shapes: list) -> list[np.ndarray]:
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        return [vector[end - int(np.prod(shape)) : end].reshape(shape) for end, shape in zip(ends, shapes)]

    def step(self) -> float:
        n, relu = self.workload.batch, self.workload.activation == "relu"
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
            if relu:
                np.maximum(y, 0, out=y)
            else:
                np.negative(y, out=y)
                np.exp(y, out=y)
                y += 1
                np.reciprocal(y, out=y)
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
            if relu:
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

    def update(self) -> None:
        if self.workload.optimizer == "sgd":
            self.vector -= LEARNING_RATE * self.gradient
            return
        self.t += 1
        g, m, v = self.gradient, self.m, self.v
        m *= 0.9
        m += 0.1 * g
        v *= 0.999
        g *= g
        g *= 0.001
        v += g
        scale = LEARNING_RATE * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        denominator = np.sqrt(v)
        denominator += 1e-8 * np.sqrt(1 - 0.999**self.t)
        np.divide(m, denominator, out=denominator)
        denominator *= scale
        self.vector -= denominator
