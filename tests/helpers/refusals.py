"""Errors of refused calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def check_refused(call: Callable[[], Any], error: type[Exception], parts: Sequence[str]) -> None:
    """A call is refused by an error of one line that has all these parts."""
    with pytest.raises(error) as raised:
        call()
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message
