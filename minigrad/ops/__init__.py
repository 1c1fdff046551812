"""Floor 2: every differentiable operation, one file per family.

An operation is an ``Op`` of the engine: its forward function beside its derivatives. Called with
a tensor it is recorded; called with arrays only it is plain NumPy, which is what lets a
derivative be written once and be used both for numbers and for graphs.
"""

from .batch_norm import batch_norm as batch_norm
from .dropout import dropout as dropout
from .elementwise import (
    abs as abs,
)
from .elementwise import (
    add as add,
)
from .elementwise import (
    bitwise_and as bitwise_and,
)
from .elementwise import (
    bitwise_not as bitwise_not,
)
from .elementwise import (
    bitwise_or as bitwise_or,
)
from .elementwise import (
    clamp as clamp,
)
from .elementwise import (
    cos as cos,
)
from .elementwise import (
    div as div,
)
from .elementwise import (
    eq as eq,
)
from .elementwise import (
    exp as exp,
)
from .elementwise import (
    ge as ge,
)
from .elementwise import (
    gt as gt,
)
from .elementwise import (
    isfinite as isfinite,
)
from .elementwise import (
    isinf as isinf,
)
from .elementwise import (
    isnan as isnan,
)
from .elementwise import (
    le as le,
)
from .elementwise import (
    log as log,
)
from .elementwise import (
    logical_and as logical_and,
)
from .elementwise import (
    logical_not as logical_not,
)
from .elementwise import (
    logical_or as logical_or,
)
from .elementwise import (
    lt as lt,
)
from .elementwise import (
    maximum as maximum,
)
from .elementwise import (
    minimum as minimum,
)
from .elementwise import (
    mul as mul,
)
from .elementwise import (
    ne as ne,
)
from .elementwise import (
    neg as neg,
)
from .elementwise import (
    pow as pow,
)
from .elementwise import (
    reciprocal as reciprocal,
)
from .elementwise import (
    relu as relu,
)
from .elementwise import (
    sigmoid as sigmoid,
)
from .elementwise import (
    sign as sign,
)
from .elementwise import (
    sin as sin,
)
from .elementwise import (
    sqrt as sqrt,
)
from .elementwise import (
    square as square,
)
from .elementwise import (
    sub as sub,
)
from .elementwise import (
    tanh as tanh,
)
from .elementwise import (
    where as where,
)
from .indexing import getitem as getitem
from .linear_algebra import linear as linear
from .linear_algebra import matmul as matmul
from .losses import (
    binary_cross_entropy as binary_cross_entropy,
)
from .losses import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from .losses import (
    cross_entropy as cross_entropy,
)
from .losses import (
    l1_loss as l1_loss,
)
from .losses import (
    mse_loss as mse_loss,
)
from .losses import (
    nll_loss as nll_loss,
)
from .reductions import (
    amax as amax,
)
from .reductions import (
    amin as amin,
)
from .reductions import (
    argmax as argmax,
)
from .reductions import (
    argmin as argmin,
)
from .reductions import (
    max as max,
)
from .reductions import (
    mean as mean,
)
from .reductions import (
    min as min,
)
from .reductions import (
    prod as prod,
)
from .reductions import (
    std as std,
)
from .reductions import (
    sum as sum,
)
from .reductions import (
    var as var,
)
from .shapes import (
    astype as astype,
)
from .shapes import (
    cat as cat,
)
from .shapes import (
    expand as expand,
)
from .shapes import (
    flatten as flatten,
)
from .shapes import (
    permute as permute,
)
from .shapes import (
    reshape as reshape,
)
from .shapes import (
    squeeze as squeeze,
)
from .shapes import (
    stack as stack,
)
from .shapes import (
    swapaxes as swapaxes,
)
from .shapes import (
    transpose as transpose,
)
from .shapes import (
    unsqueeze as unsqueeze,
)
from .softmax import log_softmax as log_softmax
from .softmax import logsumexp as logsumexp
from .softmax import softmax as softmax
