"""Whole steps as C by every compiler that is here: as eager trains."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.native import compiler
from tests.compile.nets import NETS

COMPILERS = {"gcc": "gcc", "clang": "clang", "zig": f"{sys.executable} -m ziglang cc"}


def toy():
    return nn.Sequential(nn.Linear(2, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)), (2,)


def convolutional():
    net = NETS["batch norm, max pool"]
    return nn.Sequential(*net.layers()), net.sample


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("make", [toy, convolutional])
def test_a_step_trains_as_eager_does(name, make, monkeypatch):
    if not (find_spec("ziglang") if name == "zig" else shutil.which(name)):
        pytest.skip(f"{name} is not here")
    monkeypatch.setenv("MINIGRAD_CC", COMPILERS[name])
    assert compiler.search().name == {"zig": "clang"}.get(name, name)  # zig is clang where MINIGRAD_CC asks for it
    random, steps = np.random.default_rng(0), []
    for compiled in (True, False):
        mg.manual_seed(0)
        model, shape = make()
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def step(x, target, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            return loss

        steps.append(mg.compile(step, backend="c") if compiled else step)
    for _ in range(6):
        x, target = mg.tensor(random.standard_normal((16, *shape), np.float32)), mg.tensor(random.integers(0, 3, 16))
        state, losses = mg.get_rng_state(), []
        for each in steps:
            mg.set_rng_state(state)
            losses.append(each(x, target).item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
