"""An optional package that is missing is named, with the cure."""

from __future__ import annotations

import importlib
import sys

import pytest


def test_a_missing_package_is_named_with_the_cure(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("minigrad.sklearn")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'needs scikit-learn 1\.6 or newer: pip install "minigrad\[sklearn\]"'):
        importlib.import_module("minigrad.sklearn")
