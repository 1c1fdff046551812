"""The state of BatchNorm: saved, loaded, and set by hand."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.helpers.batchnorm_module import assert_buffers, batch, buffers_of, with_statistics


def test_states_are_copies_and_complete():
    bn = nn.BatchNorm1d(3)
    state = bn.state_dict()
    before = {name: value.tolist() for name, value in state.items()}
    bn(batch((4, 3)))
    assert {name: value.tolist() for name, value in state.items()} == before
    bn.load_state_dict(state)
    assert {name: value.tolist() for name, value in bn.state_dict().items()} == before


def test_a_state_may_lack_the_counter_and_nothing_else():
    bn = nn.BatchNorm1d(3)
    bn(batch((4, 3)))
    other = with_statistics()
    state = other.state_dict()
    del state["num_batches_tracked"]
    assert bn.load_state_dict(state) == ([], [])
    assert bn.num_batches_tracked.item() == 1
    np.testing.assert_array_equal(bn.running_mean.numpy(), other.running_mean.numpy())
    for name in state:
        with pytest.raises(RuntimeError, match=rf"Missing key\(s\) in state_dict: '{name}'\."):
            bn.load_state_dict({k: v for k, v in state.items() if k != name})
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\) in state_dict: 'gamma'"):
        bn.load_state_dict({**state, "gamma": 1})
    with pytest.raises(RuntimeError, match=r"Unexpected key\(s\).*'running_mean', 'running_var'"):
        nn.BatchNorm1d(3, track_running_stats=False).load_state_dict(state)


@pytest.mark.parametrize("mode", [1, 0, "train", None])
def test_the_mode_must_be_boolean(mode):
    bn = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        bn.train(mode)
    assert bn.training is True


@pytest.mark.parametrize("name", ["running_mean", "running_var", "num_batches_tracked"])
@pytest.mark.parametrize("value", [3.0, [0.0, 0.0, 0.0], np.zeros(3)])
def test_buffers_are_changed_in_place_only(name, value):
    bn = nn.BatchNorm1d(3)
    before = buffers_of(bn)
    with pytest.raises(
        TypeError, match=rf"BatchNorm1d\.{name} is a Buffer .* in place: under no_grad\(\), {name}.copy_"
    ):
        setattr(bn, name, value)
    assert_buffers(bn, before)


@pytest.mark.parametrize("mode", [True, False])
def test_gradcheck_leaves_the_module_as_it_was(mode):
    bn = with_statistics().train(mode)
    before = buffers_of(bn)
    assert mg.gradcheck(bn, batch((4, 3)))
    assert_buffers(bn, before)
    assert bn.training is mode and bn.weight.dtype == np.float32 and bn.weight.grad is None
