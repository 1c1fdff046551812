"""BatchNorm over several ranks: with synchronised statistics four parts of a batch train as the whole batch would.

A batch that is shared among ranks gives each of them statistics of its own part. SyncBatchNorm pools them, and the two
sums of its gradient, so that four ranks do what one process does; without it each of them normalises otherwise.

The ranks are threads of this process, so nothing has to be installed. As processes they would run the same functions:
`pip install "minigrad[distributed]"`, `init_process_group("mpi")` at the top, `mpiexec -n 4 python -m mpi4py train.py`.
It is for batches that fill several machines. On the cores of one it pays from about 1,024 samples on (784-256-256-10 on
two cores); below that, two threads of the BLAS in one process are faster: `python examples/when_ranks_pay.py` measures.

Run it: python examples/19_synchronised.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn, optim

SHARDS = (6, 12, 19, 27)
"""How many samples of each batch of 64 the four ranks have: unequal parts, as the last batch of an epoch has them."""
STEPS, EARLY = 50, 20
State = dict[str, np.ndarray]


def network(layer: Any, bias: bool) -> nn.Module:
    """Normalisation takes a constant away, so a bias in front of it does nothing: `bias=False`."""
    mg.manual_seed(0)
    return nn.Sequential(
        nn.Linear(20, 32, bias=bias), layer(32), nn.ReLU(), nn.Linear(32, 32, bias=bias), layer(32), nn.Tanh(),
        nn.Linear(32, 5),
    )  # fmt: skip


def train(
    layer: Any, shards: Any = (64,), bias: bool = False, adam: bool = False, dtype: Any = np.float64, steps: int = STEPS
) -> Any:  # fmt: skip
    """The gradient of the first step, and the state after the last, of this rank, which has its shard of each batch."""
    random = np.random.default_rng(0)  # features of different means and scales, five classes
    xs = random.standard_normal((STEPS, 64, 20)) * random.uniform(1, 5, 20) + np.linspace(3, 60, 20)
    targets = random.integers(0, 5, (STEPS, 64))
    own = slice(*np.cumsum((0, *shards))[dist.get_rank() :][:2])
    model = nn.parallel.DistributedDataParallel(network(layer, bias).to(dtype), broadcast_buffers=False)
    parameters = list(model.parameters())
    optimizer = optim.Adam(parameters, 0.01) if adam else optim.SGD(parameters, 0.05, momentum=0.9)
    first: State = {}
    for x, target in zip(xs[:steps, own].astype(dtype), targets[:steps, own]):
        optimizer.zero_grad()
        losses = F.cross_entropy(model(mg.tensor(x)), mg.tensor(target), reduction="none")
        # Of unequal parts the mean of each part's loss would be the wrong thing to average. `mean` divides by the
        # number of samples of all ranks; a plain losses.mean() is refused in backward.
        model.mean(losses.sum(), len(losses)).backward()
        optimizer.step()
        first = first or {name: p.grad.numpy().copy() for name, p in model.module.named_parameters()}
    return first, {name: value.numpy() for name, value in model.module.state_dict().items()}


def on_ranks(shards: Any, layer: Any, *settings: Any) -> list[Any]:
    """What `train` returns on threads, each of which has one of the shards."""
    return dist.ThreadGroup.run(len(shards), lambda _: train(layer, shards, *settings))


def apart(found: State, expected: State) -> float:
    """The relative difference of all gradients or parameters, as one vector."""
    names = [name for name in expected if name.endswith(("weight", "bias"))]
    difference = sum(((found[name] - expected[name]) ** 2).sum() for name in names)
    return float(np.sqrt(difference / sum((expected[name] ** 2).sum() for name in names)))


def trainings() -> State:
    """For each layer, by rank and channel, how many deviations a running mean of unequal parts is from the average."""
    (gradient, state), drift = train(nn.BatchNorm1d), {}
    print("parts of batches of 64, compared with one process, relative; running means with each other, in deviations")
    print(f"  {'layer':<15}{'samples of ranks':<19}{'first gradient':<16}{f'after {STEPS} steps':<17}running means")
    for layer in (nn.SyncBatchNorm, nn.BatchNorm1d):
        for shards in ((32, 32), (16, 16, 16, 16), SHARDS):
            ranks = on_ranks(shards, layer)
            off, last = (max(apart(own[i], (gradient, state)[i]) for own in ranks) for i in (0, 1))
            means = np.array([own["1.running_mean"] for _, own in ranks])
            drift[layer.__name__] = away = (means - means.mean(0)) / np.sqrt(state["1.running_var"])
            shown = f"{layer.__name__:<15}{' + '.join(map(str, shards)):<19}{off:<16.2g}{last:<17.2g}"
            print(f"  {shown}{np.ptp(away, 0).max():.2g}")
    return drift


def derivatives() -> None:
    """Gradients of gradients are right, too: the check differentiates through the exchange."""
    whole = np.random.default_rng(0).standard_normal((5, 2))

    def check(group: Any) -> tuple[bool, bool]:
        own = slice(group.rank(), group.rank() + 1 + (group.rank() == 3))  # 1, 1, 1 and 2 samples

        # What all ranks hold enters as `copied` and leaves as `total`, so that it counts once, not once for each rank.
        def loss(x: mg.Tensor) -> mg.Tensor:
            y = F.batch_norm(dist.copied(x)[own], None, None, training=True, group=group)
            return dist.total((y.tanh() * (1 + group.rank())).sum())

        x = mg.tensor(whole, requires_grad=True)
        return mg.gradcheck(loss, x), mg.gradgradcheck(loss, x)

    print(f"gradcheck and gradgradcheck on every rank: {dist.ThreadGroup.run(4, check)}")


def bias_in_front() -> None:
    """Adam makes full steps of a gradient that is 0 but for rounding, which differs between one rank and four.

    Only the first steps show it: later rounding alone makes a ReLU switch here and not there, and all trainings part.
    """
    print(f"Adam in float32, {EARLY} steps, with and without a bias in front of the normalisation:")
    for bias in (False, True):
        _, state = train(nn.BatchNorm1d, (64,), bias, True, np.float32, EARLY)
        own = on_ranks(SHARDS, nn.SyncBatchNorm, bias, True, np.float32, EARLY)[0][1]
        by, name = max((abs(own[name] - state[name]).max(), name) for name in state if "running" not in name)
        print(f"  {f'bias={bias}':<10} the parameter that is farthest from one process: {name}, by {by:.1e}")


def main() -> None:
    trainings()
    derivatives()
    bias_in_front()
    print("When ranks pay on the cores of this machine: python examples/when_ranks_pay.py")


if __name__ == "__main__":
    main()

# To try:
# 1. Call backward of losses.mean() instead. For which of the three ways to share is it refused? Why not for the others?
# 2. Sort the samples by class before they are shared out. What becomes of BatchNorm1d, and of SyncBatchNorm?
