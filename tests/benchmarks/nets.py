"""Whole nets: a training step, a prediction, and how a step grows with width, depth and batch."""

from __future__ import annotations

from minigrad.benchmarks.compiled import CompiledStep
from minigrad.benchmarks.eager import EagerStep
from minigrad.benchmarks.handwritten import HandwrittenStep
from minigrad.benchmarks.timing import check_agreement
from minigrad.benchmarks.workloads import WORKLOADS, Workload
from minigrad.compile.native import compiler
from tests.benchmarks.autograd_step import AutogradStep
from tests.benchmarks.jax_step import JaxStep

LOSSES = 3
"""Over how many steps the contenders' losses are compared."""
LONGEST = 1.0
"""Seconds; when a step takes longer, larger nets are not timed."""


def eager_steps(workload, settings):
    """The step by hand, in minigrad, eager and compiled, and in PyTorch."""
    frameworks = settings.frameworks.items()
    return {
        "by hand": HandwrittenStep(workload),
        **{name: EagerStep(workload, framework) for name, framework in frameworks},
        "compiled": CompiledStep(workload),
    }


def all_steps(workload, settings):
    """The step by everyone."""
    torch, jax, autograd = settings.peers
    steps = eager_steps(workload, settings)
    steps["compiled, NumPy"] = CompiledStep(workload, "numpy")
    if torch:
        steps["PyTorch fused"] = EagerStep(workload, torch, fused=True)
    if jax:
        steps["JAX jitted"] = JaxStep(workload, jax)
    if autograd:
        steps["HIPS autograd"] = AutogradStep(workload, autograd)
    return steps


def train(name, steps, count=LOSSES):
    """Let everyone take a few steps, in which the losses must be the same."""
    check_agreement(f"the loss of {name}", {who: [step.step() for _ in range(count)] for who, step in steps.items()})


def training(settings):
    """The workloads' training step."""
    for name in settings.workloads:
        steps = all_steps(WORKLOADS[name], settings)
        train(name, steps)
        yield settings.measure(name, {who: step.step for who, step in steps.items()})
    yield "One step: zero_grad, forward, loss, backward, optimiser. Fused: the optimiser's one kernel."
    yield f"compiled: {'as C' if compiler.found() else 'with NumPy, as there is no C compiler'}"
    yield from (f"{name}: {WORKLOADS[name].description}" for name in settings.workloads)


def inference(settings):
    """One sample through the workloads' nets, in eval mode."""
    for name in settings.workloads:
        steps = eager_steps(WORKLOADS[name], settings)
        if settings.peers.jax:
            steps["JAX jitted"] = JaxStep(WORKLOADS[name], settings.peers.jax)
        train(name, steps, 1)
        predictors = {who: step.predictor() for who, step in steps.items()}
        check_agreement(f"the output of {name}", {who: predict() for who, predict in predictors.items()}, 1e-2)
        yield settings.measure(name, predictors)


SCALES = {
    "width": ("n-n-n-10, batch 32, ReLU, Adam", 2, lambda n: Workload((n, n, n, 10), 32, "relu", "adam")),
    # sigmoids, because the gradients of a thousand layers of ReLU are too large for float32
    "depth": (
        "n hidden layers of 32, batch 128, sigmoid, Adam",
        1,
        lambda n: Workload((32, *[32] * n, 10), 128, "sigmoid", "adam"),
    ),
    "batch": ("64-128-128-10, batch n, ReLU, Adam", 8, lambda n: Workload((64, 128, 128, 10), n, "relu", "adam")),
}
"""What grows, in steps of 2 over three orders of magnitude: the net, the smallest n, and the workload of an n."""
DOUBLINGS = 10


def scaling(settings):
    """The training step of ever larger nets; of each kind the smallest ones must have the same losses."""
    for scale, (net, smallest, workload_of) in SCALES.items():
        yield f"{scale} n: {net}"
        for doubling in range(DOUBLINGS + 1):
            n = smallest << doubling
            steps = eager_steps(workload_of(n), settings)
            if n == smallest:
                train(f"{scale} {n}", steps)
            measurement = settings.measure(f"{scale} {n}", {who: step.step for who, step in steps.items()})
            yield measurement
            if doubling < DOUBLINGS and max(measurement.medians.values()) > LONGEST:
                yield f"{scale} above {n} is left out: a step takes more than {LONGEST:g} s"
                break
    yield "JAX and HIPS autograd are left out: compiling, or tracing, hundreds of layers takes minutes."
