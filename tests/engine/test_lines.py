"""Lines of the user's program in messages and warnings."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.lines import line_outside, named_line

CELL = "ipykernel_7/123.py"


def in_notebook(monkeypatch, **compiler):
    shell = SimpleNamespace(compile=SimpleNamespace(**compiler))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def test_a_cell_of_a_notebook_is_named_as_in_its_tracebacks(monkeypatch):
    assert named_line(f"{CELL}:5") == f"{CELL}:5"
    in_notebook(monkeypatch, format_code_name=lambda name: ("Cell", "In[3]") if name == CELL else None)
    assert named_line(f"{CELL}:5") == "Cell In[3], line 5" and named_line("train.py:5") == "train.py:5"
    in_notebook(monkeypatch)
    assert named_line(f"{CELL}:5") == f"{CELL}:5" and line_outside().startswith(f"{__file__}:")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_warnings_of_layers_show_the_line_outside(depth):
    layer = nn.BatchNorm1d(2)
    for _ in range(depth):
        layer = nn.Sequential(layer)
    with pytest.warns(UserWarning, match="under no_grad") as caught, mg.no_grad():
        layer(mg.randn(4, 2))
    with pytest.warns(UserWarning, match="NaN or infinity") as unusable:
        layer(mg.tensor([[1.0, mg.nan], [2.0, 0.0]]))
    assert {warning.filename for warning in (*caught, *unusable)} == {__file__}


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: x + mg.ones(4),
        lambda x: nn.Linear(4, 2)(x),
        lambda x: mg.cat([x, mg.ones(3, 2)]),
        lambda x: x.detach().__setitem__(slice(2), [1.0, 2.0, 3.0]),
        lambda x: (x * 1).__setitem__(slice(2), mg.ones(3)),
        lambda x: (x * 1).__setitem__(slice(2), [1.0, 2.0, 3.0]),
        lambda x: (x * 1).add_(mg.ones(4)),
    ],
)
def test_a_refusal_has_one_traceback(refused):
    with pytest.raises(ValueError, match="cannot") as caught:
        refused(mg.ones(3, requires_grad=True))
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert str(caught.value).count("cannot be") <= 1


def test_an_error_of_a_function_of_ones_own_keeps_its_traceback():
    def wrong(x):
        return np.ones(5) + x

    with pytest.raises(ValueError, match="wrong: cannot be applied") as caught:
        mg.Op("wrong", wrong, lambda dy, _y, _x: dy)(mg.ones(3))
    assert isinstance(caught.value.__cause__, ValueError)
