# Floor 5: imports come from the floors below.
"""Several ranks, processes or threads, that train one model together, as PyTorch's ``torch.distributed``.

Ranks exchange tensors; ``nn.SyncBatchNorm`` takes its statistics over the batches of all, and
``nn.parallel.DistributedDataParallel`` the mean of their gradients. ``mpiexec`` starts processes
(``init_process_group``), ``ThreadGroup.run`` threads, for notebooks and tests.

>>> def rank(group):
...     x = mg.tensor([1.0, group.rank()])
...     mg.distributed.all_reduce(x)
...     return x.tolist()
>>> mg.distributed.ThreadGroup.run(3, rank)
[[3.0, 3.0], [3.0, 3.0], [3.0, 3.0]]
"""

from typing import TYPE_CHECKING

from ..engine.absent import absent
from ..groups.group import Alone, DistributedError, Group, ReduceOp
from ..groups.mpi import MPIGroup
from ..groups.threads import ThreadGroup
from ..ops.exchange import copied, total
from . import nn
from .collective import (
    all_gather,
    all_gather_into_tensor,
    all_reduce,
    barrier,
    broadcast,
    gather,
    get_rank,
    get_world_size,
    is_initialized,
    new_group,
    reduce,
    scatter,
)
from .starting import destroy_process_group, init_process_group, is_available

if TYPE_CHECKING:
    from typing import Any

    def __getattr__(name: str) -> Any: ...


__all__ = [
    "Alone",
    "DistributedError",
    "Group",
    "MPIGroup",
    "ReduceOp",
    "ThreadGroup",
    "all_gather",
    "all_gather_into_tensor",
    "all_reduce",
    "barrier",
    "broadcast",
    "copied",
    "destroy_process_group",
    "gather",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
    "new_group",
    "nn",
    "reduce",
    "scatter",
    "total",
]

if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
