"""The step with HIPS autograd: the loss in its NumPy, the optimiser by hand."""

from __future__ import annotations

from minigrad.benchmarks.handwritten import HandwrittenStep


class AutogradStep:
    """``step()`` trains once on the workload's batch and returns the loss."""

    def __init__(self, workload, autograd):
        self.hand = HandwrittenStep(workload)  # parameters, gradients and optimiser are the same
        self.numpy, self.value_of = autograd.numpy, autograd.tracer.getval
        self.relu = workload.activation == "relu"
        self.derivative = autograd.value_and_grad(self.loss)

    def step(self):
        loss, gradients = self.derivative(self.hand.parameters)
        for view, gradient in zip(self.hand.gradients, gradients):
            view[...] = gradient
        self.hand.update()
        return float(loss)

    def loss(self, parameters):
        np, x = self.numpy, self.hand.x
        n, count = len(x), len(self.hand.layers)
        pairs = [(parameters[i], parameters[i + 1]) for i in range(0, len(parameters), 2)]
        for (weight, bias), (gamma, beta), (mean, var) in zip(pairs, pairs[count:], self.hand.running):
            h = np.dot(x, weight.T) + bias
            mu = np.mean(h, 0)
            h = h - mu
            variance = np.mean(h * h, 0)
            mean *= 0.9
            mean += 0.1 * self.value_of(mu)
            var *= 0.9
            var += (0.1 * n / (n - 1)) * self.value_of(variance)
            y = h / np.sqrt(variance + 1e-5) * gamma + beta
            x = np.maximum(y, 0) if self.relu else 1 / (1 + np.exp(-y))
        weight, bias = pairs[count - 1]
        z = np.dot(x, weight.T) + bias
        z = z - np.max(z, 1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), 1)) - z[self.hand.rows, self.hand.target])
