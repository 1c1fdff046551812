"""Samples of sums over ranks, on the group of one; more ranks are in tests/distributed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from minigrad.distributed import Alone, copied, total
from minigrad.distributed.nn.functional import all_reduce
from minigrad.ops.exchange import all_gather_op, mean_over_ranks_op
from tests.helpers.inputs import distinct
from tests.ops.samples.sample import Sample


def exchange() -> Iterator[Sample]:
    for function in (all_reduce, copied, total):
        for shape in [(), (3,), (2, 3)]:
            name = f"{function.__name__} {shape}"
            yield Sample(name, partial(function, group=Alone()), lambda x: x, distinct(shape))
    weighed = partial(mean_over_ranks_op, group=Alone(), count=4)
    yield Sample("mean_over_ranks", weighed, lambda x: x / 4, distinct((2, 3)))
    yield Sample("all_gather", partial(all_gather_op, group=Alone()), lambda x: x[None], distinct((2, 3)))
