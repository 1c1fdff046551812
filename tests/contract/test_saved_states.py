"""What is said of a saved state that does not fit: in words, not as Python shows an error from inside."""

from __future__ import annotations

import pytest

import minigrad as mg
from minigrad import data, nn, optim

W = nn.Parameter(mg.ones(2))


def loader():
    return data.DataLoader(data.TensorDataset(mg.ones(4, 1)), 2, shuffle=True, generator=0)


def optimizer():
    return optim.SGD([W], lr=0.1)


def without(state, name):
    return {key: value for key, value in state.items() if key != name}


WRONG = {
    "loader, list": (loader, lambda s: [s], "expected the dict that state_dict() returned, got list."),
    "loader, nothing": (loader, lambda s: {}, "it has no samples, batch_size, shuffle, drop_last, batches_given,"),
    "loader, key": (loader, lambda s: without(s, "samples"), "it has no samples. Load what state_dict() returned."),
    "loader, count": (loader, lambda s: {**s, "batches_given": "1"}, "batches_given must be an integer of at least 0"),
    "loader, random": (loader, lambda s: {**s, "random_state": {}}, "its random_state is not one of NumPy's PCG64."),
    "optimiser, list": (optimizer, lambda s: [s], "expected the dict that state_dict() returned, got list."),
    "optimiser, key": (optimizer, lambda s: without(s, "state"), "it has no state. Load what state_dict() returned."),
    "optimiser, number": (optimizer, lambda s: {**s, "state": 3}, "expected param_groups to be a list of dicts with"),
    "optimiser, group": (optimizer, lambda s: {**s, "param_groups": [{}]}, "list of dicts with params, and state a"),
    "optimiser, group 3": (optimizer, lambda s: {**s, "param_groups": [3]}, "list of dicts with params, and state a"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_state_that_does_not_fit_is_explained(name):
    make, spoil, said = WRONG[name]
    owner = make()
    before = owner.state_dict()
    with pytest.raises(ValueError) as refused:
        owner.load_state_dict(spoil(before))
    text = str(refused.value)
    assert "this is not the state of a" in text and said in text and "\n" not in text
    assert "Error" not in text and "object is not" not in text
    assert owner.state_dict() == before
