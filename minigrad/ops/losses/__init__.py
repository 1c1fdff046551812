"""Losses: how far predictions are from targets, as one number to minimise."""

from .classes import *  # noqa: F403
from .pairs import *  # noqa: F403
