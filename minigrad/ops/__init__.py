"""Floor 2: every differentiable operation, one file per family.

An operation is an ``Op`` of the engine: its definition beside its derivatives. Called with
a tensor it is recorded; called with arrays only it is plain NumPy, which is what lets a
derivative be written once and be used both for numbers and for graphs.
"""

from .activation import *  # noqa: F403
from .added_products import *  # noqa: F403
from .arithmetic import *  # noqa: F403
from .choosing import *  # noqa: F403
from .choosing_along import *  # noqa: F403
from .comparison import *  # noqa: F403
from .distances import *  # noqa: F403
from .einsum import *  # noqa: F403
from .functions import *  # noqa: F403
from .indexing import getitem as getitem
from .joining import *  # noqa: F403
from .losses import *  # noqa: F403
from .normalisation.batch_norm import *  # noqa: F403
from .prod import *  # noqa: F403
from .products import *  # noqa: F403
from .products_of_ranks import *  # noqa: F403
from .random import dropout as dropout
from .reductions import *  # noqa: F403
from .shapes import *  # noqa: F403
from .softmax import *  # noqa: F403
from .table import functions

__all__ = list(functions("function"))
