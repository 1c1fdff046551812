"""The step in JAX: all of it, the optimiser included, compiled as one function."""

from __future__ import annotations

import functools

from minigrad.benchmarks.workloads import LEARNING_RATE


class JaxStep:
    """``step()`` trains once on the workload's batch and returns the loss."""

    def __init__(self, workload, jax):
        jnp = jax.numpy
        self.workload, self.jax = workload, jax
        self.x, self.target = map(jnp.asarray, workload.data())
        widths = workload.sizes[1:-1]
        self.parameters = {
            "layers": [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in workload.weights()],
            "norms": [(jnp.ones(width), jnp.zeros(width)) for width in widths],
        }
        self.running = [(jnp.zeros(width), jnp.ones(width)) for width in widths]
        zeros = functools.partial(jax.tree.map, jnp.zeros_like)
        self.moments = (zeros(self.parameters), zeros(self.parameters), jnp.zeros(()))
        self.compiled = jax.jit(self.train, donate_argnums=(0, 1, 2))

    def step(self):
        self.parameters, self.running, self.moments, loss = self.compiled(
            self.parameters, self.running, self.moments, self.x, self.target
        )
        return float(loss)

    def train(self, parameters, running, moments, x, target):
        derivative = self.jax.value_and_grad(self.loss, has_aux=True)
        (loss, running), gradients = derivative(parameters, running, x, target)
        update = {"sgd": self.sgd, "adam": self.adam}[self.workload.optimizer]
        return (*update(parameters, gradients, moments, running), loss)

    def loss(self, parameters, running, x, target):
        jax, n = self.jax, x.shape[0]
        new = []
        for (weight, bias), (gamma, beta), (mean, var) in zip(parameters["layers"], parameters["norms"], running):
            h = x @ weight.T + bias
            mu, variance = h.mean(0), h.var(0)
            new.append((0.9 * mean + 0.1 * mu, 0.9 * var + (0.1 * n / (n - 1)) * variance))
            x = self.activate((h - mu) * jax.lax.rsqrt(variance + 1e-5) * gamma + beta)
        weight, bias = parameters["layers"][-1]
        logits = jax.nn.log_softmax(x @ weight.T + bias)
        return -logits[jax.numpy.arange(n), target].mean(), new

    def activate(self, x):
        return {"relu": self.jax.nn.relu, "sigmoid": self.jax.nn.sigmoid}[self.workload.activation](x)

    def sgd(self, parameters, gradients, moments, running):
        return self.jax.tree.map(lambda p, g: p - LEARNING_RATE * g, parameters, gradients), running, moments

    def adam(self, parameters, gradients, moments, running):
        tree_map, sqrt = self.jax.tree.map, self.jax.numpy.sqrt
        m, v, t = moments
        t += 1
        m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        root = sqrt(1 - 0.999**t)
        rate = LEARNING_RATE * root / (1 - 0.9**t)
        parameters = tree_map(lambda p, m, v: p - rate * m / (sqrt(v) + 1e-8 * root), parameters, m, v)
        return parameters, running, (m, v, t)

    def predict(self, parameters, running, x):
        for (weight, bias), (gamma, beta), (mean, var) in zip(parameters["layers"], parameters["norms"], running):
            h = x @ weight.T + bias
            x = self.activate((h - mean) * self.jax.lax.rsqrt(var + 1e-5) * gamma + beta)
        weight, bias = parameters["layers"][-1]
        return x @ weight.T + bias

    def predictor(self):
        """A function that predicts the first sample."""
        compiled, sample = self.jax.jit(self.predict), self.x[:1]
        return lambda: compiled(self.parameters, self.running, sample).block_until_ready()
