"""Losses: how far predictions are from targets, as one number to minimise."""

from .class_margins import *  # noqa: F403
from .classes import *  # noqa: F403
from .corners import *  # noqa: F403
from .likelihoods import *  # noqa: F403
from .margins import *  # noqa: F403
from .pairs import *  # noqa: F403
