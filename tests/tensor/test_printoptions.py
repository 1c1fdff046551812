"""``set_printoptions``: texts are golden values of PyTorch 2.14.1."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

X = np.arange(10.0, dtype=np.float32) * np.float32(1000.5)
TEXTS = [
    (
        {"precision": 2},
        X,
        "tensor([   0.00, 1000.50, 2001.00, 3001.50, 4002.00, 5002.50, 6003.00, 7003.50,\n        8004.00, 9004.50])",
    ),
    (
        {"precision": 2},
        X * np.float32(1e6),
        "tensor([0.00e+00, 1.00e+09, 2.00e+09, 3.00e+09, 4.00e+09, 5.00e+09, 6.00e+09,\n"
        "        7.00e+09, 8.00e+09, 9.00e+09])",
    ),
    ({"profile": "short"}, np.float32(2.5), "tensor(2.50)"),
    (
        {"sci_mode": False},
        X * np.float32(1e6),
        "tensor([         0., 1000499968., 2000999936., 3001499904., 4001999872.,\n"
        "        5002500096., 6002999808., 7003500032., 8003999744., 9004499968.])",
    ),
    (
        {"sci_mode": True},
        X,
        "tensor([0.0000e+00, 1.0005e+03, 2.0010e+03, 3.0015e+03, 4.0020e+03, 5.0025e+03,\n"
        "        6.0030e+03, 7.0035e+03, 8.0040e+03, 9.0045e+03])",
    ),
    ({"sci_mode": True}, np.array([1, 2], np.float32), "tensor([1.0000e+00, 2.0000e+00])"),
    ({"sci_mode": True}, np.array([np.nan, 0], np.float32), "tensor([nan, 0.])"),
    ({"sci_mode": True}, np.array([1, 2]), "tensor([1, 2])"),
    ({"sci_mode": False}, np.array([1e-6, 1], np.float32), "tensor([0.0000, 1.0000])"),
    ({"precision": 0}, np.array([1.5, 2.0], np.float32), "tensor([2, 2])"),
    (
        {"linewidth": 30},
        X,
        "tensor([   0.0000, 1000.5000,\n        2001.0000, 3001.5000,\n        4002.0000, 5002.5000,\n"
        "        6003.0000, 7003.5000,\n        8004.0000, 9004.5000])",
    ),
    ({"edgeitems": 1, "threshold": 5}, X, "tensor([   0.0000,  ..., 9004.5000])"),
    ({"profile": "short", "threshold": 5}, np.arange(9), "tensor([0, 1,  ..., 7, 8])"),
]


@pytest.fixture(autouse=True)
def usual():
    yield
    mg.set_printoptions(profile="default")


@pytest.mark.parametrize(("options", "array", "text"), TEXTS, ids=lambda value: str(value)[:30])
def test_text(options, array, text):
    mg.set_printoptions(**options)
    assert repr(mg.tensor(array)) == text
    mg.set_printoptions(profile="default")
    assert repr(mg.tensor(np.float32(0.5))) == "tensor(0.5000)"


def test_a_full_profile_writes_all():
    mg.set_printoptions(profile="full")
    assert "..." not in repr(mg.arange(1001))
    mg.set_printoptions(threshold=mg.inf, edgeitems=2)
    assert "..." not in repr(mg.arange(1001))
    mg.set_printoptions(threshold=1000)
    assert repr(mg.arange(1001)) == "tensor([   0,    1,  ...,  999, 1000])"


def test_options_stay_until_they_are_set_but_for_scientific_notation():
    mg.set_printoptions(precision=1, sci_mode=True)
    assert repr(mg.tensor(0.25)) == "tensor(2.5e-01)"
    mg.set_printoptions(linewidth=40)
    assert repr(mg.tensor(0.25)) == "tensor(0.2)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "loud"}, "profile must be one of default, short, full, got 'loud'"),
        ({"precision": -1}, "precision must be an integer of at least 0, got -1"),
        ({"edgeitems": 1.5}, "edgeitems must be an integer of at least 0, got 1.5"),
        ({"precision": mg.inf}, "precision must be an integer"),
        ({"profile": "short", "linewidth": "wide"}, "linewidth must be an integer of at least 0, got 'wide'"),
    ],
)
def test_what_is_refused_sets_nothing(options, words):
    with pytest.raises(ValueError, match=words):
        mg.set_printoptions(**options)
    assert repr(mg.tensor(0.123456)) == "tensor(0.1235)"
