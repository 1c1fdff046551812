"""Threads that share the blocks of a batch."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minigrad.kernels import threads
from minigrad.kernels.tuning import MOST_THREADS, SHARED_BYTES

COMMANDS = Path(__file__).parents[2] / "examples" / "commands.md"


def test_results_come_in_the_order_of_the_blocks(shared_by):
    blocks = [(i, i + 1) for i in range(100)]
    assert threads.for_each(lambda a, b: a * b, blocks, shared=True) == [a * b for a, b in blocks]


def test_work_is_shared_only_if_asked(shared_by):
    barrier = threading.Barrier(shared_by, timeout=60)

    def name():
        barrier.wait()  # nobody can do two of them
        return threading.current_thread().name

    assert len(set(threads.for_each(name, [()] * shared_by, shared=True))) == shared_by
    alone = threads.for_each(lambda: threading.current_thread().name, [()] * 10, shared=False)
    assert set(alone) == {threading.current_thread().name}


def test_without_further_threads_the_caller_does_all(monkeypatch):
    """As at the end of a program, when no thread can be started any more."""
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(threads, "helpers", lambda: pool)
    assert threads.for_each(lambda i: i * i, [(i,) for i in range(5)], shared=True) == [0, 1, 4, 9, 16]


def test_the_error_of_a_block_is_raised(shared_by):
    def fail(i):
        if i == 5:
            raise ValueError("block 5")

    with pytest.raises(ValueError, match="block 5"):
        threads.for_each(fail, [(i,) for i in range(10)], shared=True)


@pytest.mark.parametrize(
    ("environment", "count"),
    [({"OPENBLAS_NUM_THREADS": "1"}, 0), ({"OMP_NUM_THREADS": "1"}, 0), ({"OMP_NUM_THREADS": "2"}, 1),
     ({"OPENBLAS_NUM_THREADS": "64"}, MOST_THREADS - 1), ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "3"}, 0)],
)  # fmt: skip
def test_there_are_as_many_threads_as_the_blas_was_told_to_use(environment, count, monkeypatch):
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    threads.helpers.cache_clear()
    helpers = threads.helpers()
    threads.helpers.cache_clear()
    assert (helpers._max_workers if helpers else 0) == count


def test_the_guide_names_the_size_from_which_work_is_shared():
    words = " ".join(COMMANDS.read_text(encoding="utf-8").split())
    assert f"batches of {SHARED_BYTES >> 20} MB and more" in words
