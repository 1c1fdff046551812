"""``python -m tests.benchmarks``: a training step of every workload beside a step written by hand.

Both run in this process in turn, so that a change of the machine's speed meets both; the ratio of the
medians is what counts.
"""

from __future__ import annotations

import argparse
import statistics
import time

from .eager import EagerStep
from .handwritten import HandwrittenStep
from .workloads import WORKLOADS, Workload

TOLERANCE = 1e-3
"""How far the losses of the two may be apart, relatively, after the steps that are compared."""


def seconds_per_step(step, steps: int) -> float:
    """The time of one step, averaged over a few."""
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def interleaved(contenders: dict, rounds: int, budget: float) -> dict[str, float]:
    """The median time of a step of each contender, measured in turn."""
    steps = max(1, int(budget / max(seconds_per_step(step, 1) for step in contenders.values())))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, step in contenders.items():
            times[name].append(seconds_per_step(step, steps))
    return {name: statistics.median(values) for name, values in times.items()}


def check_same_losses(workload: Workload, steps: int = 5) -> float:
    """The loss both reach after a few steps; they must agree, or they do not do the same."""
    contenders = [HandwrittenStep(workload), EagerStep(workload)]
    losses = [[contender.step() for _ in range(steps)][-1] for contender in contenders]
    if abs(losses[0] - losses[1]) > TOLERANCE * abs(losses[0]):
        raise AssertionError(f"different losses after {steps} steps: by hand {losses[0]}, minigrad {losses[1]}")
    return losses[1]


def main() -> None:
    """Time the workloads and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each, in turn (15)")
    parser.add_argument("--budget", type=float, default=0.1, help="seconds per measurement (0.1)")
    options = parser.parse_args()
    for name in options.workloads:
        if name not in WORKLOADS:
            parser.error(f"unknown workload {name}: there are {', '.join(WORKLOADS)}")
    print(f"{'workload':<10}{'by hand':>12}{'minigrad':>12}{'ratio':>8}{'loss':>10}   (microseconds a step)")
    for name in options.workloads or WORKLOADS:
        workload = WORKLOADS[name]
        loss = check_same_losses(workload)
        contenders = {"hand": HandwrittenStep(workload).step, "eager": EagerStep(workload).step}
        times = interleaved(contenders, options.rounds, options.budget)
        ratio = times["eager"] / times["hand"]
        print(f"{name:<10}{times['hand'] * 1e6:>12,.0f}{times['eager'] * 1e6:>12,.0f}{ratio:>8.2f}{loss:>10.4f}")


if __name__ == "__main__":
    main()
