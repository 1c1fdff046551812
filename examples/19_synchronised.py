"""BatchNorm over several ranks: with synchronised statistics four parts of a batch train as the whole batch would.

A batch that is shared among ranks gives each of them statistics of its own part. SyncBatchNorm pools them, and the two
sums of its gradient, so that four ranks do what one process does; without it each of them normalises otherwise.

The ranks are threads of this process, so nothing has to be installed. As processes they would run the same functions:
`pip install "minigrad[distributed]"`, `init_process_group("mpi")` at the top, `mpiexec -n 4 python -m mpi4py train.py`.
It pays for batches that fill several machines, or from about 1,024 samples on the cores of one; below that, threads of
the BLAS in one process are faster (784-256-256-10 on two cores, 256 samples: two threads 2.96 ms, two ranks 3.86).

Run it: python examples/19_synchronised.py
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn, optim

SHARDS = (6, 12, 19, 27)
"""How many samples of each batch of 64 the four ranks have: unequal parts, as the last batch of an epoch has them."""
ENDS = np.cumsum((0, *SHARDS))
STEPS = 50

Layer = Callable[[int], nn.Module]
State = dict[str, np.ndarray]


def batches() -> Any:
    """Features of different means and scales, five classes."""
    random = np.random.default_rng(0)
    x = random.standard_normal((STEPS, 64, 20)) * random.uniform(1, 5, 20) + np.linspace(3, 60, 20)
    return x, random.integers(0, 5, (STEPS, 64))


def network(layer: Layer, bias: bool) -> nn.Module:
    """Normalisation takes a constant away, so a bias in front of it does nothing: `bias=False`."""
    mg.manual_seed(0)
    return nn.Sequential(
        nn.Linear(20, 32, bias=bias), layer(32), nn.ReLU(), nn.Linear(32, 32, bias=bias), layer(32), nn.Tanh(),
        nn.Linear(32, 5),
    )  # fmt: skip


def own_part(values: Any) -> mg.Tensor:
    """What this rank has of a batch."""
    rank = dist.get_rank()
    return mg.tensor(values[ENDS[rank] : ENDS[rank + 1]] if dist.get_world_size() > 1 else values)


def train(layer: Layer, bias: bool = False, adam: bool = False, dtype: Any = np.float64) -> tuple[State, State]:
    """The gradient of the first step, and the state after the last: of one process, or of this rank."""
    model = nn.parallel.DistributedDataParallel(network(layer, bias).to(dtype), broadcast_buffers=False)
    parameters = list(model.parameters())
    optimizer = optim.Adam(parameters, 0.01) if adam else optim.SGD(parameters, 0.05, momentum=0.9)
    first: State = {}
    for x, target in zip(*batches()):
        optimizer.zero_grad()
        losses = F.cross_entropy(model(own_part(x.astype(dtype))), own_part(target), reduction="none")
        # The parts are unequal, so the mean of each part's loss would be the wrong thing to average. `mean` divides by
        # the number of samples of all ranks; a plain losses.mean() is refused in backward.
        model.mean(losses.sum(), len(losses)).backward()
        optimizer.step()
        if not first:
            first = {name: p.grad.numpy().copy() for name, p in model.module.named_parameters() if p.grad is not None}
    return first, {name: value.numpy() for name, value in model.module.state_dict().items()}


def on_four_ranks(function: Callable[[], Any]) -> list[Any]:
    """What each of four threads returns, whose parts of a batch belong together."""
    return dist.ThreadGroup.run(4, lambda _group: function())


def apart(found: State, expected: State) -> float:
    """The relative difference of all numbers as one vector."""
    difference = sum(float(((found[name] - expected[name]) ** 2).sum()) for name in expected)
    return float(np.sqrt(difference / sum(float((value**2).sum()) for value in expected.values())))


def trainings() -> dict[str, np.ndarray]:
    """With pooled statistics four ranks do what one process does with the whole batch.

    Returns:
        For each layer, by rank and channel, how many deviations the running mean is away from the ranks' average.
    """
    gradient, state = train(nn.BatchNorm1d)
    drift = {}
    print(f"one process, batches of 64; four ranks with {' + '.join(map(str, SHARDS))} samples of each")
    for name, layer in {"SyncBatchNorm": nn.SyncBatchNorm, "BatchNorm1d": nn.BatchNorm1d}.items():
        ranks = on_four_ranks(partial(train, layer))
        off = max(apart(first, gradient) for first, _ in ranks)
        trained = {key: value for key, value in state.items() if "running" not in key}
        last = max(apart({key: own[key] for key in trained}, trained) for _, own in ranks)
        means = np.array([own["1.running_mean"] for _, own in ranks])
        drift[name] = (means - means.mean(0)) / np.sqrt(state["1.running_var"])
        print(f"  {name:<14} first gradient off by {off:.1e}, parameters after {STEPS} steps by {last:.1e};")
        print(f"  {'':<14} running means of the ranks apart by up to {np.ptp(drift[name], 0).max():.2g} deviations")
    return drift


def derivatives() -> None:
    """Gradients of gradients are right, too: the check differentiates through the exchange."""
    whole = batches()[0][0, :5, :2]

    def check() -> tuple[bool, bool]:
        own = slice(dist.get_rank(), dist.get_rank() + 1 + (dist.get_rank() == 3))  # 1, 1, 1 and 2 samples

        # What all ranks hold enters as `copied` and leaves as `total`, so that it counts once, not once for each rank.
        def loss(x: mg.Tensor) -> mg.Tensor:
            y = F.batch_norm(dist.copied(x)[own], None, None, training=True, group=dist.new_group())
            return dist.total((y.tanh() * (1 + dist.get_rank())).sum())

        x = mg.tensor(whole, requires_grad=True)
        return mg.gradcheck(loss, x), mg.gradgradcheck(loss, x)

    print(f"gradcheck and gradgradcheck on every rank: {on_four_ranks(check)}")


def bias_in_front() -> None:
    """Adam makes full steps of a gradient that is 0 but for rounding, which differs between one rank and four."""
    for bias in (False, True):
        _, state = train(nn.BatchNorm1d, bias, adam=True, dtype=np.float32)
        own = on_four_ranks(partial(train, nn.SyncBatchNorm, bias, True, np.float32))[0][1]
        worst = {name: abs(own[name] - state[name]).max() for name in state if "running" not in name}
        name = max(worst, key=lambda name: worst[name])
        print(f"  {f'bias={bias}':<10} the parameter that is farthest from one process: {name}, by {worst[name]:.1e}")


def main() -> None:
    trainings()
    derivatives()
    print(f"Adam in float32, {STEPS} steps, with and without a bias in front of the normalisation:")
    bias_in_front()


if __name__ == "__main__":
    main()

# To try:
# 1. Give the four ranks equal parts. Is losses.mean() right then, and are BatchNorm1d's ranks still apart?
# 2. Sort the samples by class before they are shared out. What becomes of BatchNorm1d, and of SyncBatchNorm?
