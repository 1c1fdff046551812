"""Learning rate times initial scale: with BatchNorm most settings learn two spirals, without it few do.

36 settings, each trained with and without BatchNorm: 72 trainings that know nothing of each other, so they run on all
cores (joblib), and each writes its row as it ends. Every training seeds itself: the rows are the same bits in any
order, on any number of cores, in a plain loop, or on a cluster.

Run it:  python examples/07_learning_rates.py                      all cores, with joblib and tqdm if they are there
         python examples/07_learning_rates.py --dask ADDRESS       on the Dask cluster whose scheduler is at ADDRESS
         python examples/07_learning_rates.py --jobs 1             a plain loop
         python examples/07_learning_rates.py --quick              9 settings
Get them: pip install "minigrad[sweep]"  (and dask, distributed for a cluster)
"""

from __future__ import annotations

import argparse
import csv
from contextlib import nullcontext
from pathlib import Path

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
SCALES = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0]
REACHED = 0.95


def net(batchnorm, scale):
    """Three hidden layers of 32; the weights that PyTorch would start with, times ``scale``."""
    layers, inputs = [], 2
    for _ in range(3):
        layers += [nn.Linear(inputs, 32), *[nn.BatchNorm1d(32)] * batchnorm, nn.ReLU()]
        inputs = 32
    model = nn.Sequential(*layers, nn.Linear(32, 2))
    with mg.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(scale)
    return model


def training(batchnorm, rate, scale, seed=0, epochs=25):
    """One training from its own seed: the settings and the test accuracy. A loss that is not finite ends it."""
    mg.manual_seed(seed)
    train, test = data.train_test_split(data.spirals(720, noise=0.02, classes=2))
    model = net(batchnorm, scale)
    optimizer = optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(epochs):
        for x, target in data.DataLoader(train, batch_size=64, shuffle=True, drop_last=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), target)
            if not loss.isfinite():
                return [batchnorm, rate, scale, 0.5]  # as good as a coin
            loss.backward()
            optimizer.step()
    x, target = test[:]
    with model.evaluating(), mg.no_grad():
        return [batchnorm, rate, scale, (model(x).argmax(1) == target).float().mean().item()]


def results(settings, jobs, dask):
    """The rows, one by one as their trainings end."""
    try:
        from joblib import Parallel, delayed, parallel_config

        if dask:
            from dask.distributed import Client
    except ImportError as error:
        if dask:
            raise SystemExit(f'{error.name} is missing: pip install "minigrad[sweep]" dask distributed') from None
        print('one after the other, because joblib is missing: pip install "minigrad[sweep]"')
        jobs = 1
    if jobs == 1 and not dask:
        return (training(*setting) for setting in settings)
    engine = nullcontext()
    if dask:
        Client(dask)
        engine = parallel_config(backend="dask", wait_for_workers_timeout=30)
    with engine:  # processes, not threads: these would all draw from one random generator
        return Parallel(n_jobs=jobs, return_as="generator_unordered")(delayed(training)(*s) for s in settings)


def with_progress(rows, total):
    """The rows with a bar, if tqdm is there and somebody looks."""
    try:
        from tqdm import tqdm
    except ImportError:
        return rows
    return tqdm(rows, total=total, disable=None)


def table(rows, batchnorm):
    """The accuracies as lines of the heat map: a row for each scale, the learning rates from left to right."""
    found = {(rate, scale): accuracy for bn, rate, scale, accuracy in rows if bn == batchnorm}
    rates, scales = (sorted(set(values)) for values in zip(*found))
    yield "weights x  lr" + "".join(f"{rate:8g}" for rate in rates)
    for scale in scales:
        yield f"{scale:13g}" + "".join(f"{found[rate, scale]:8.0%}" for rate in rates)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1: one for each core")
    parser.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster, tcp://host:8786")
    parser.add_argument("--quick", action="store_true", help="only every second rate and scale")
    parser.add_argument("-o", type=Path, default=Path("learning_rates.csv"), help="where the rows go")
    chosen = parser.parse_args(arguments)
    step = 2 if chosen.quick else 1
    settings = [(bn, lr, scale) for bn in (True, False) for lr in RATES[::step] for scale in SCALES[::step]]
    rows = []
    with chosen.o.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["batchnorm", "lr", "scale", "accuracy"])
        for row in with_progress(results(settings, chosen.jobs, chosen.dask), len(settings)):
            writer.writerow(row)
            file.flush()  # what is done is kept, whatever becomes of the rest
            rows.append(row)
    for batchnorm in (True, False):
        good = sum(accuracy >= REACHED for bn, _, _, accuracy in rows if bn == batchnorm)
        print(f"{'with' if batchnorm else 'without'} BatchNorm: {good} of {len(rows) // 2} reach {REACHED:.0%}")
        print("\n".join(table(rows, batchnorm)))
    return rows


if __name__ == "__main__":
    main()

# To try:
# 1. Let `training` use Adam in place of SGD. Which of the two tables changes more?
# 2. Repeat it with seeds 0 to 4 (a fourth entry in each setting). Where in the tables does the seed decide?
