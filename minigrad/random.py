"""The random state of the process, from which initial values, dropout and shuffling draw: ``mg.random``.

>>> with mg.random.fork_rng():
...     _ = mg.random.manual_seed(0)
...     first = mg.rand(2)
>>> _ = mg.random.manual_seed(0)
>>> mg.equal(mg.rand(2), first)
True
"""

from .tensor.random import (
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .tensor.random import generator as default_generator

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]
