"""A step of an optimiser, for many small and for few large parameters."""

from __future__ import annotations

import numpy as np

from minigrad.benchmarks import handwritten
from minigrad.benchmarks.timing import check_agreement
from minigrad.benchmarks.workloads import LEARNING_RATE

PARAMETERS = {"100 of 32x32": [(32, 32)] * 100, "4 of 1024x1024": [(1024, 1024)] * 4}
OPTIMIZERS = {"SGD": ("SGD", {}), "SGD momentum": ("SGD", {"momentum": 0.9}), "Adam": ("Adam", {})}


def by_hand(values, gradients, kind, settings):
    """On one vector of all parameters; the function returns the first parameter."""
    vector, gradient = (np.concatenate([array.ravel() for array in arrays]) for arrays in (values, gradients))
    step = getattr(handwritten, kind)(vector, gradient, **settings).step
    first = vector[: values[0].size].reshape(values[0].shape)
    return lambda: step() or first


def eager(framework, values, gradients, kind, settings):
    """The same in minigrad or PyTorch."""
    parameters = [framework.nn.Parameter(framework.tensor(value)) for value in values]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = framework.tensor(gradient)
    step = getattr(framework.optim, kind)(parameters, lr=LEARNING_RATE, **settings).step
    first = parameters[0].detach()
    return lambda: step() or first


def optimizers(settings):
    """Each optimiser for each kind of parameters."""
    random = np.random.default_rng(0)
    for size, shapes in PARAMETERS.items():
        values, gradients = ([random.standard_normal(shape, np.float32) for shape in shapes] for _ in range(2))
        for name, (kind, chosen) in OPTIMIZERS.items():
            contenders = {"by hand": by_hand(values, gradients, kind, chosen)}
            contenders |= {
                who: eager(framework, values, gradients, kind, chosen) for who, framework in settings.frameworks.items()
            }
            if torch := settings.peers.torch:
                contenders["PyTorch fused"] = eager(torch, values, gradients, kind, {**chosen, "fused": True})
            title = f"{name}, {size}"
            check_agreement(title, {who: contender() for who, contender in contenders.items()}, 1e-5)
            yield settings.measure(title, contenders)
