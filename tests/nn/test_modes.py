"""Training and evaluation mode of whole trees."""

import numpy as np
import pytest

from minigrad import nn
from tests.nn.nets import Block, Net


def test_train_and_eval_walk_the_tree_and_return_it():
    model = Net()
    modules = list(model.modules())
    assert len(modules) == 15
    assert model.eval() is model and [m.training for m in modules] == [False] * 15
    assert model.train() is model and [m.training for m in modules] == [True] * 15
    assert model.train(False) is model and [m.training for m in modules] == [False] * 15
    model.net.train()
    assert [name for name, m in model.named_modules() if m.training] == ["net", "net.0", "net.1", "net.2", "net.3"]


@pytest.mark.parametrize("mode", [1, 0, None, "eval", np.True_])
def test_the_mode_is_a_boolean(mode):
    model = Net().eval()
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        model.train(mode)
    assert not any(module.training for module in model.modules())


class KeepsStatistics(Block):
    """The usual way to keep BatchNorm in evaluation while the rest trains."""

    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self


@pytest.mark.parametrize("wrap", [lambda m: m, nn.Sequential, lambda m: nn.Sequential(nn.Sequential(m), nn.ReLU())])
def test_a_train_of_its_own_is_respected_at_any_depth(wrap):
    block = KeepsStatistics(3)
    model = wrap(block).train()
    assert [block.training, block.fc.training, block.bn.training] == [True, True, False]
    assert [m.training for m in model.eval().modules()] == [False] * len(list(model.modules()))


def test_a_train_put_on_one_module_is_respected():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).eval()
    model[1].train = lambda mode=True: model[1]
    model.train()
    assert [m.training for m in model.modules()] == [True, True, False]


def test_evaluating_gives_every_module_its_own_mode_back():
    model = Net()
    model.net.eval()
    model.blocks[1].bn.eval()
    modes = [m.training for m in model.modules()]
    assert 0 < sum(modes) < len(modes)
    with model.evaluating() as evaluated:
        assert evaluated is model and not any(m.training for m in model.modules())
        with model.evaluating():
            model.train()
        assert not any(m.training for m in model.modules())
    assert [m.training for m in model.modules()] == modes
    with pytest.raises(ZeroDivisionError), model.evaluating():
        model.train()
        raise ZeroDivisionError
    assert [m.training for m in model.modules()] == modes
