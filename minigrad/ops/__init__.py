# Floor 2: imports come from the floors below.
"""Every differentiable operation, one file per family.

An operation is an ``Op`` of the engine: its definition beside its derivatives. Called with
a tensor it is recorded; called with arrays only it is plain NumPy, which is what lets a
derivative be written once and be used both for numbers and for graphs.
"""

from typing import TYPE_CHECKING

from .activation import *  # noqa: F403
from .activation_curves import *  # noqa: F403
from .activation_pieces import *  # noqa: F403
from .adaptive_pooling import *  # noqa: F403
from .added_products import *  # noqa: F403
from .arithmetic import *  # noqa: F403
from .bits import *  # noqa: F403
from .choosing import *  # noqa: F403
from .choosing_along import *  # noqa: F403
from .comparison import *  # noqa: F403
from .convolution import *  # noqa: F403
from .counting import *  # noqa: F403
from .diagonals import *  # noqa: F403
from .distances import *  # noqa: F403
from .distances_of_rows import *  # noqa: F403
from .einsum import *  # noqa: F403
from .embedding import *  # noqa: F403
from .functions import *  # noqa: F403
from .gathering import *  # noqa: F403
from .grids import *  # noqa: F403
from .hyperbolic import *  # noqa: F403
from .indexing import getitem as getitem
from .joining import *  # noqa: F403
from .losses import *  # noqa: F403
from .nan_reductions import *  # noqa: F403
from .normalisation.batch_norm import *  # noqa: F403
from .normalisation.layer_norm import *  # noqa: F403
from .normalisation.local_response import *  # noqa: F403
from .norms import *  # noqa: F403
from .padding import *  # noqa: F403
from .pooling import *  # noqa: F403
from .prod import *  # noqa: F403
from .products import *  # noqa: F403
from .products_of_ranks import *  # noqa: F403
from .putting import *  # noqa: F403
from .quantiles import *  # noqa: F403
from .random import dropout as dropout
from .reductions import *  # noqa: F403
from .reordering import *  # noqa: F403
from .rounding import *  # noqa: F403
from .scans import *  # noqa: F403
from .scattering import *  # noqa: F403
from .searching import *  # noqa: F403
from .shapes import *  # noqa: F403
from .softmax import *  # noqa: F403
from .sorting import *  # noqa: F403
from .special import *  # noqa: F403
from .splitting import *  # noqa: F403
from .stacking import *  # noqa: F403
from .steps import *  # noqa: F403
from .table import functions
from .trigonometric import *  # noqa: F403
from .unfolding import *  # noqa: F403
from .views import *  # noqa: F403
from .weighted import *  # noqa: F403

if not TYPE_CHECKING:  # type checkers do not read computed lists, and take all names of the files then
    __all__ = list(functions("function"))
