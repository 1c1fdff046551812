"""When several processes on one machine are faster than one: the training step of 784-256-256-10, by batch size.

Each row is a run of its own, with BatchNorm synchronised where there are two ranks. Rows are run in turn, several
times; a time is the median. Ranks need `pip install "minigrad[distributed]"`; without it the row says so.

Run it:  python examples/when_ranks_pay.py                batches of 128 to 2048, a minute on two cores
         python examples/when_ranks_pay.py 256 512        others
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed as dist
from minigrad import nn, optim

BATCHES = (128, 256, 512, 1024, 2048)
ROUNDS, STEPS = 3, 15
MPIEXEC = Path(sys.executable).with_name("mpiexec")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ROWS = {
    "one process, 1 BLAS thread": (1, 1),
    "one process, 2 BLAS threads": (1, 2),
    "two ranks, 1 BLAS thread each": (2, 1),
}
"""How many ranks there are, and how many threads each has for its products of matrices."""


def milliseconds(batch: int) -> float:
    """The median time of a training step of this rank, which has its part of the batch."""
    mg.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(784, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 256, bias=False),
        nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 10),
    )  # fmt: skip
    several = dist.get_world_size() > 1
    model = nn.parallel.DistributedDataParallel(nn.SyncBatchNorm.convert_sync_batchnorm(net)) if several else net
    optimizer = optim.Adam(model.parameters())
    x, target = mg.randn(batch // dist.get_world_size(), 784), mg.randint(10, (batch // dist.get_world_size(),))
    times = []
    for _ in range(STEPS + 3):
        began = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times[3:])


def measured(ranks: int, threads: int, batches: list[int]) -> list[float]:
    """The times of one row, of a run of its own: the BLAS reads its number of threads when it is loaded."""
    start = [str(MPIEXEC), "-n", str(ranks)] if ranks > 1 else []
    command = [*start, sys.executable, __file__, "--ranks" if ranks > 1 else "--alone", *map(str, batches)]
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def table(batches: list[int]) -> None:
    """Print the times of all rows."""
    rows = {title: row for title, row in ROWS.items() if row[0] == 1 or (MPIEXEC.exists() and find_spec("mpi4py"))}
    rounds = [{title: measured(*row, batches) for title, row in rows.items()} for _ in range(ROUNDS)]
    print("milliseconds of a training step " + "".join(f"{batch:>9}" for batch in batches))
    for title in ROWS:
        if title in rows:
            medians = [statistics.median(times) for times in zip(*(each[title] for each in rounds))]
            print(f"{title:<32}" + "".join(f"{median:>9.2f}" for median in medians))
        else:
            print(f'{title:<32} not measured: pip install "minigrad[distributed]"')


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    if not {"--ranks", "--alone"} & set(sys.argv):
        table(numbers or list(BATCHES))
        return
    if "--ranks" in sys.argv:
        dist.init_process_group("mpi")
    times = [milliseconds(batch) for batch in numbers]
    if dist.get_rank() == 0:
        print(json.dumps(times))


if __name__ == "__main__":
    main()
