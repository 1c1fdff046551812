"""``skip_init``: a module that is made without a trace in the random state."""

import pytest

import minigrad as mg
from minigrad import nn


def test_the_random_state_stays():
    before = mg.get_rng_state()
    layer = nn.utils.skip_init(nn.Linear, 2, 3, bias=False)
    assert repr(layer) == "Linear(in_features=2, out_features=3, bias=False)"
    assert mg.get_rng_state() == before


def test_no_values_are_computed():
    """Neither drawn nor written: the memory is as ``zeros`` gives it, and later layers are drawn as always."""
    layer = nn.utils.skip_init(nn.Linear, 2, 3)
    assert not layer.weight.detach().numpy().any() and not layer.bias.detach().numpy().any()
    with pytest.raises(TypeError):
        nn.utils.skip_init(nn.Linear, 2)
    assert nn.Linear(2, 3).weight.detach().numpy().all()


@pytest.mark.parametrize("what", [3, nn.Linear(1, 1), int])
def test_what_is_no_class_of_modules_is_refused(what):
    with pytest.raises(TypeError, match=r"expects a class of modules, nn\.Linear say, got"):
        nn.utils.skip_init(what)
