"""``state_dict`` and ``load_state_dict``."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.nn.nets import Net, assert_values, train_a_little, values_of


def test_a_state_is_a_copy_that_training_does_not_change(x):
    model = Net()
    best = model.state_dict()
    expected = {name: value.numpy().copy() for name, value in best.items()}
    assert_values(model, expected)
    train_a_little(model, x)
    for name, value in expected.items():
        np.testing.assert_array_equal(best[name].numpy(), value, err_msg=name)
    assert any(not np.array_equal(value, expected[name]) for name, value in values_of(model).items())
    assert not any(value.requires_grad for value in best.values())
    model.load_state_dict(best)
    assert_values(model, expected)
    train_a_little(model, x)  # nor does what was loaded follow
    for name, value in expected.items():
        np.testing.assert_array_equal(best[name].numpy(), value, err_msg=name)
    best["scale"].fill_(77)
    assert model.scale.item() != 77


def test_loading_is_in_place(x):
    model, other = Net(), Net()
    train_a_little(other, x)
    parameters, arrays = list(model.parameters()), [p.array for p in model.parameters()]
    assert model.load_state_dict(other.state_dict()) == ([], [])
    assert all(a is b for a, b in zip(parameters, model.parameters()))
    assert all(a is p.array for a, p in zip(arrays, model.parameters()))
    assert_values(model, values_of(other))
    np.testing.assert_array_equal(model.eval()(x).numpy(), other.eval()(x).numpy())


def test_loading_is_noticed_by_a_graph_that_needs_the_old_values(x):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    loss = model(x).sum()
    model.load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_arrays_lists_and_other_precisions_can_be_loaded():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.5, 2.5]]), "bias": [7]})
    assert layer.weight.tolist() == [[1.5, 2.5]] and layer.bias.tolist() == [7]
    assert layer.weight.dtype == np.float32 and layer.bias.dtype == np.float32


def bad_states():
    """A state of ``Net`` spoiled in one way each, and what the message must say."""
    good = Net().state_dict()
    without = {k: v for k, v in good.items() if not k.startswith("net.0")}
    shapes = {**good, "stem.weight": mg.ones(4, 8), "net.3.bias": mg.ones(())}
    everything = {**without, "stem.weight": mg.ones(4, 8), "seen": np.ones(()), "old": mg.ones(1), "older": 1}
    return {
        "missing": (without, ["Missing key(s) in state_dict: 'net.0.weight', 'net.0.bias'."]),
        "unexpected": ({**good, "b": 1, "a": 2}, ["Unexpected key(s) in state_dict: 'b', 'a'."]),
        "shape": (
            shapes,
            ["size mismatch for stem.weight: the state has (4, 8), the model (8, 4).", "size mismatch for net.3.bias"],
        ),
        "dtype": ({**good, "seen": np.zeros(())}, ["dtype mismatch for seen: the state has float64, the model int64."]),
        "complex": ({**good, "scale": np.ones(1, complex)}, ["dtype mismatch for scale: the state has complex128"]),
        "text": ({**good, "scale": np.array(["x"])}, ["dtype mismatch for scale"]),
        "nothing": ({**good, "scale": None}, ["size mismatch for scale"]),
        "all at once": (
            everything,
            [
                "Error(s) in loading state_dict for Net:",
                "Missing key(s) in state_dict: 'net.0.weight', 'net.0.bias'.",
                "Unexpected key(s) in state_dict: 'old', 'older'.",
                "size mismatch for stem.weight",
                "dtype mismatch for seen",
            ],
        ),
    }


@pytest.mark.parametrize("case", bad_states())
def test_a_state_that_does_not_fit_changes_nothing(case):
    state, messages = bad_states()[case]
    model = Net()
    before = values_of(model)
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    for message in messages:
        assert message in str(caught.value)
    assert_values(model, before)


def test_loading_part_of_a_state():
    model, other = Net(), Net()
    state = {k: v + 1 for k, v in other.state_dict().items() if not k.startswith("net")}
    before = values_of(model)
    result = model.load_state_dict({**state, "old": mg.ones(1)}, strict=False)
    assert result.unexpected_keys == ["old"]
    assert set(result.missing_keys) == {k for k in before if k.startswith("net") and "tracked" not in k}
    assert_values(model, {**before, **{k: v.numpy() for k, v in state.items()}})
    with pytest.raises(RuntimeError, match="size mismatch for scale"):
        model.load_state_dict({"scale": mg.ones(2)}, strict=False)
    with pytest.raises(TypeError, match="expected a state_dict, names with tensors, got Net"):
        model.load_state_dict(other)
