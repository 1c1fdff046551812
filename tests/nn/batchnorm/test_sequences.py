"""Random sequences of calls on random trees of BatchNorm, against a plain model of what each of them does.

The plain model is NumPy in float64 and a few booleans. After every call all outputs, buffers, modes and flags of
the tree must be the predicted ones, and after a refused call those from before.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

CHANNELS = 3


class RefusedError(ValueError):
    """The plain model's refusal."""


class Plain:
    """What is known of one BatchNorm."""

    def __init__(self, momentum: float | None, affine: bool, tracks: bool):
        self.momentum, self.affine, self.tracks = momentum, affine, tracks
        self.training, self.frozen, self.trained, self.thawed = True, False, affine, affine
        self.mean, self.var, self.count = np.zeros(CHANNELS), np.ones(CHANNELS), 0
        self.weight, self.bias = np.ones(CHANNELS), np.zeros(CHANNELS)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        mean, var = self.mean, self.var
        if self.training or not self.tracks:
            if len(x) == 1:
                raise RefusedError
            mean, var = x.mean(0), x.var(0)
            if self.tracks and not self.frozen:
                self.learn(mean, var * len(x) / (len(x) - 1))
        return (x - mean) / np.sqrt(var + 1e-5) * self.weight + self.bias

    def learn(self, mean: np.ndarray, var: np.ndarray) -> None:
        """Move the statistics of those channels that are finite."""
        self.count += 1
        m = 1 / self.count if self.momentum is None else self.momentum
        good = np.isfinite(mean) & np.isfinite(var)
        self.mean = np.where(good, (1 - m) * self.mean + m * mean, self.mean)
        self.var = np.where(good, (1 - m) * self.var + m * var, self.var)

    def state(self) -> dict[str, Any]:
        """The values that a checkpoint has."""
        names = ("weight", "bias") * self.affine + ("mean", "var", "count") * self.tracks
        return {name: copy.copy(getattr(self, name)) for name in names}


class Tree:
    """A random tree of modules, the plain models of its leaves, and a saved state of both."""

    def __init__(self, seed: int):
        self.random = np.random.default_rng(seed)
        self.made: dict[int, Plain] = {}
        self.net = self.sequential(depth=2).double()
        names = {id(module): name for name, module in self.net.named_modules()}
        self.order = [names[id(bn)] for bn in self.leaves(self.net)]
        self.plain = {name: self.made[id(self.net.get_submodule(name))] for name in self.order}
        self.save()

    def sequential(self, depth: int) -> nn.Sequential:
        parts: list[nn.Module] = []
        for _ in range(self.random.integers(1, 4)):
            kind = self.random.integers(4)
            shared = [part for part in parts if isinstance(part, nn.BatchNorm1d)]
            if kind == 0 and depth:
                parts.append(self.sequential(depth - 1))
            elif kind == 1 and shared:
                parts.append(shared[0])  # one module in two places has one state
            else:
                parts.append(self.batch_norm())
        return nn.Sequential(*parts)

    def batch_norm(self) -> nn.BatchNorm1d:
        momentum = self.random.choice([None, 0.0, 0.1, 0.5])
        affine, tracks = bool(self.random.integers(4)), bool(self.random.integers(4))
        bn = nn.BatchNorm1d(CHANNELS, momentum=momentum, affine=affine, track_running_stats=tracks)
        self.made[id(bn)] = Plain(momentum, affine, tracks)
        return bn

    def leaves(self, module: nn.Module) -> list[Any]:
        """The BatchNorms in the order in which they are called."""
        if isinstance(module, nn.BatchNorm1d):
            return [module]
        return [leaf for part in module for leaf in self.leaves(part)]

    def below(self, name: str) -> list[Plain]:
        """The plain models of all BatchNorms in a submodule."""
        inside = {id(module) for module in self.net.get_submodule(name).modules()}
        return [plain for leaf, plain in self.plain.items() if id(self.net.get_submodule(leaf)) in inside]

    def some_module(self) -> tuple[nn.Module, list[Plain]]:
        names = [name for name, _ in self.net.named_modules()]
        name = names[self.random.integers(len(names))]
        return self.net.get_submodule(name), self.below(name)

    def some_leaf(self) -> tuple[Any, Plain]:
        name = self.order[self.random.integers(len(self.order))]
        return self.net.get_submodule(name), self.plain[name]

    # -- the calls -------------------------------------------------------------------------------

    def train(self) -> None:
        self.switch(True)

    def eval(self) -> None:
        self.switch(False)

    def switch(self, training: bool) -> None:
        module, plains = self.some_module()
        module.train(training)
        for plain in plains:
            plain.training = plain.training if plain.frozen else training

    def freeze(self) -> None:
        bn, plain = self.some_leaf()
        bn.freeze()
        if not plain.frozen:
            plain.frozen, plain.thawed, plain.trained = True, plain.trained, False

    def unfreeze(self) -> None:
        bn, plain = self.some_leaf()
        bn.unfreeze()
        if plain.frozen:
            plain.frozen, plain.trained = False, plain.thawed

    def requires_grad(self) -> None:
        module, plains = self.some_module()
        wanted = bool(self.random.integers(2))
        module.requires_grad_(wanted)
        for plain in plains:
            plain.trained = plain.trained if plain.frozen else plain.affine and wanted

    def batch(self) -> np.ndarray:
        rows = self.random.choice([1, 2, 5, 16], p=[0.1, 0.2, 0.4, 0.3])
        x = self.random.standard_normal((rows, CHANNELS)) * 2 + 1
        if self.random.random() < 0.1:
            x[0, 1] = np.nan
        return x

    def forward(self) -> None:
        """A batch, recorded or not; of one row it may be refused."""
        x = self.batch()
        expected, before = x, self.values()
        try:
            for name in self.order:
                expected = self.plain[name](expected)
        except RefusedError:
            with pytest.raises(ValueError, match="more than 1 value per channel"):
                self.net(mg.tensor(x))
            assert plain_values(self.values()) == plain_values(before)
            return
        with mg.set_grad_enabled(bool(self.random.integers(2))):
            y = self.net(mg.tensor(x, requires_grad=True))
        np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6, atol=1e-7)
        if y.requires_grad:
            y.sum().backward()
            self.net.zero_grad()

    def predict(self) -> None:
        """In evaluation, whatever the modes, which are the same afterwards."""
        modes = [plain.training for plain in self.plain.values()]
        for plain in self.plain.values():
            plain.training = plain.training and plain.frozen
        with self.net.evaluating():
            self.forward()
        for plain, training in zip(self.plain.values(), modes):
            plain.training = training

    def set_parameters(self) -> None:
        bn, plain = self.some_leaf()
        if plain.affine:
            plain.weight, plain.bias = self.random.uniform(0.5, 2, CHANNELS), self.random.standard_normal(CHANNELS)
            with mg.no_grad():
                bn.weight.copy_(plain.weight)
                bn.bias.copy_(plain.bias)

    def reset(self) -> None:
        bn, plain = self.some_leaf()
        bn.reset_running_stats()
        plain.mean, plain.var, plain.count = np.zeros(CHANNELS), np.ones(CHANNELS), 0

    def save(self) -> None:
        self.saved = self.net.state_dict(), {name: plain.state() for name, plain in self.plain.items()}

    def load(self) -> None:
        state, plain_state = self.saved
        self.net.load_state_dict(state)
        for name, values in plain_state.items():
            vars(self.plain[name]).update(copy.deepcopy(values))

    def load_what_does_not_fit(self) -> None:
        state = dict(self.net.state_dict())
        if state:
            name = list(state)[-1]
            with pytest.raises(RuntimeError, match=f"size mismatch for {name}"):
                self.net.load_state_dict({**{key: value + 1 for key, value in state.items()}, name: mg.ones(7)})

    def duplicate(self) -> None:
        """Go on with a copy; whatever happens to it must not depend on the original."""
        original = self.net
        self.net = copy.deepcopy(original) if self.random.integers(2) else pickle.loads(pickle.dumps(original))
        for module in original.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.unfreeze().reset_parameters()

    CALLS = (
        train, train, eval, freeze, unfreeze, requires_grad, forward, forward, forward, forward, predict,
        set_parameters, reset, save, load, load_what_does_not_fit, duplicate,
    )  # fmt: skip

    # -- the comparison --------------------------------------------------------------------------

    def values(self) -> list[tuple[Any, ...]]:
        """What the tree says of itself."""
        found = []
        for name in self.plain:
            bn = self.net.get_submodule(name)
            tensors = (bn.weight, bn.bias, bn.running_mean, bn.running_var, bn.num_batches_tracked)
            arrays = [None if t is None else t.detach().numpy().copy() for t in tensors]
            trained = bn.weight is not None and bn.weight.requires_grad
            found.append((bn.training, bn.frozen, trained, *arrays))
        return found

    def assert_as_predicted(self) -> None:
        for plain, (training, frozen, trained, *arrays) in zip(self.plain.values(), self.values()):
            assert (training, frozen, trained) == (plain.training, plain.frozen, plain.trained)
            expected = [plain.weight, plain.bias] if plain.affine else [None, None]
            expected += [plain.mean, plain.var, plain.count] if plain.tracks else [None, None, None]
            for array, value in zip(arrays, expected):
                assert (array is None) == (value is None)
                if array is not None:
                    np.testing.assert_allclose(array, value, rtol=1e-9, atol=1e-12)


def plain_values(values: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [[v.tolist() if isinstance(v, np.ndarray) else v for v in row] for row in values]


@pytest.mark.filterwarnings("ignore:.*under no_grad", "ignore:.*contain NaN", "ignore:invalid value")
@pytest.mark.parametrize("seed", range(40))
def test_a_tree_of_batchnorms_does_what_is_predicted(seed):
    tree = Tree(seed)
    for _ in range(25):
        call = Tree.CALLS[tree.random.integers(len(Tree.CALLS))]
        call(tree)
        tree.assert_as_predicted()
