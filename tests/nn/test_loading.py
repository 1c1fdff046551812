"""Loading and converting modules: all values or none; what a state lacks; copies of modules that keep activations."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def values_of(module):
    return {name: value.numpy().copy() for name, value in [*module.named_parameters(), *module.named_buffers()]}


def assert_values(module, expected):
    found = values_of(module)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


# -- loading ----------------------------------------------------------------------------------------

LOST = {
    "a weight": ("2.weight", np.full((1, 3), 1e300), r"overflow in 2\.weight: 1e\+300 is too large for float32"),
    "a statistic": ("1.running_var", np.array([1, 2, 4e38]), r"overflow in 1\.running_var: 4e\+38 is too large"),
    "a list": ("2.bias", [-1e39], r"overflow in 2\.bias"),
    "a count": ("1.num_batches_tracked", np.array(2**63, np.uint64), r"overflow in 1\.num_batches_tracked: 92233720"),
    "ragged": ("2.bias", [[1.0], [2.0, 3.0]], r"2\.bias is no array"),
}


@pytest.mark.parametrize("raised", [False, True])
@pytest.mark.parametrize("case", LOST)
def test_a_value_that_the_model_cannot_hold_changes_nothing(case, raised):
    """Whether NumPy's warnings are errors or not."""
    name, value, message = LOST[case]
    model = net()
    before, state = values_of(model), {key: mg.ones_like(t) for key, t in model.state_dict().items()}
    with np.errstate(all="raise" if raised else "warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match=message):
            model.load_state_dict({**state, name: value})
    assert_values(model, before)


def test_infinity_and_numbers_that_become_zero_are_loaded():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[np.inf, 1e-300]]), "bias": [np.nan]})
    assert layer.weight.tolist() == [[np.inf, 0]] and np.isnan(layer.bias.item())


def test_a_models_own_tensors_can_be_swapped():
    """Also views of its own memory: the values are those from before."""
    model = nn.Module()
    model.a, model.b = nn.Parameter(mg.tensor([1.0, 2.0])), nn.Parameter(mg.tensor([3.0, 4.0]))
    model.load_state_dict({"a": model.b, "b": model.a})
    assert (model.a.tolist(), model.b.tolist()) == ([3, 4], [1, 2])
    model.load_state_dict({"a": model.a.numpy()[::-1], "b": model.a.detach()})
    assert (model.a.tolist(), model.b.tolist()) == ([4, 3], [3, 4])


def test_a_parameter_without_memory_of_its_own_is_refused():
    model = net()
    model[2].bias.data = mg.ones(()).expand(1)
    before, state = values_of(model), net().state_dict()
    with pytest.raises(RuntimeError, match=r"2\.bias of the model is read-only"):
        model.load_state_dict(state)
    assert_values(model, before)


def test_what_loading_returns_says_that_it_is_complete():
    model, state = net(), net().state_dict()
    assert repr(model.load_state_dict(state)) == "<All keys matched successfully>"
    del state["2.bias"]
    result = model.load_state_dict({**state, "more": 1}, strict=False)
    assert repr(result) == "IncompatibleKeys(missing_keys=['2.bias'], unexpected_keys=['more'])"


# -- a state without the count of batches ------------------------------------------------------------


def averaging():
    return nn.Sequential(nn.BatchNorm1d(2, momentum=None), nn.BatchNorm1d(2), nn.BatchNorm1d(2, momentum=None))


def without_counts(model, *prefixes):
    return {key: t for key, t in model.state_dict().items() if "tracked" not in key and key.startswith(prefixes)}


def test_a_cumulative_average_without_its_count_is_one_warning():
    model = averaging()
    with pytest.warns(UserWarning, match="momentum=None .* the next one replaces what was loaded") as caught:
        assert model.load_state_dict(without_counts(averaging(), "")) == ([], [])
    assert len(caught) == 1
    assert "no 0.num_batches_tracked, 2.num_batches_tracked:" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_that_warning_made_an_error_changes_nothing():
    model = averaging()
    before = values_of(model)
    state = {key: t + 1 for key, t in without_counts(averaging(), "").items()}
    with pytest.raises(UserWarning, match="num_batches_tracked"):
        warnings.simplefilter("error")
        model.load_state_dict(state)
    assert_values(model, before)


def test_nothing_is_warned_of_where_nothing_is_lost():
    model, whole, other, saved = averaging(), averaging(), net(), net()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_state_dict(without_counts(averaging(), "1."), strict=False)
        model.load_state_dict(whole.state_dict())
        other.load_state_dict(without_counts(saved, ""))
    assert_values(model, values_of(whole))
    assert_values(other, values_of(saved))


# -- converting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["value", "gradient"])
@pytest.mark.parametrize("raised", [False, True])
def test_a_conversion_that_would_lose_a_number_converts_nothing(where, raised):
    model = net()
    last = model[2].weight
    if where == "value":
        last.data[0, 1] = 1e5
    else:
        last.grad = mg.full((1, 3), 1e5)
    before = values_of(model)
    name = rf"2\.weight{'.grad' if where == 'gradient' else ''}"
    with np.errstate(all="raise" if raised else "warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OverflowError, match=rf"Sequential\.to: {name}: 100000\.0 is too large for float16"):
            model.half()
    assert_values(model, before)
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert model.double()[2].weight.dtype == np.float64


def test_what_is_shared_is_converted_once():
    model = net()
    model.again = [model[0]]
    model[2].bias.grad = mg.ones(1)
    model.double()
    assert model[0].weight is model.again[0].weight and model[2].bias.grad.dtype == np.float64


# -- copies of a module that keeps an activation --------------------------------------------------------


class Keeps(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(3, 2)
        self.history = []

    def forward(self, x):
        self.hidden = self.fc(x)
        self.history.append(self.hidden.tanh())
        return self.history[-1].sum()


class KeepsInside(nn.Module):
    def __init__(self):
        self.inner = [Keeps()]

    def forward(self, x):
        return self.inner[0](x)


@pytest.mark.parametrize("kind", [Keeps, KeepsInside])
@pytest.mark.parametrize(
    ("duplicate", "verb"),
    [(copy.deepcopy, "copied"), (pickle.dumps, "pickled"), (lambda m: pickle.dumps(m, 0), "pickled")],
)
def test_a_copy_names_the_activation(kind, duplicate, verb):
    model = kind()
    model(mg.randn(2, 3))
    keeper = next(m for m in model.modules() if isinstance(m, Keeps))
    with pytest.raises(RuntimeError, match=rf"Keeps\.history\.0 is a computed tensor, which cannot be {verb}"):
        duplicate(model)
    keeper.history.clear()
    with pytest.raises(RuntimeError, match=r"Keeps\.hidden is a computed tensor.* x\.detach\(\)"):
        duplicate(model)
    keeper.hidden = keeper.hidden.detach()
    duplicate(model)


def test_a_shallow_copy_shares_the_activation():
    model = Keeps()
    model(mg.randn(2, 3))
    twin = copy.copy(model)
    assert type(twin) is Keeps and twin is not model
    assert twin.hidden is model.hidden and twin.fc is model.fc and vars(twin) == vars(model)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_module_may_say_itself_what_its_copies_get(duplicate):
    class Forgets(Keeps):
        __module__, __qualname__ = __name__, "Forgets"

        def __getstate__(self):
            return {name: value for name, value in vars(self).items() if name not in ("hidden", "history")}

        def __setstate__(self, state):
            vars(self).update(state, restored=True)

    globals()["Forgets"] = Forgets
    model = Forgets()
    model(mg.randn(2, 3))
    twin = duplicate(model)
    assert twin.restored and not hasattr(twin, "hidden")
    np.testing.assert_array_equal(twin.fc.weight.numpy(), model.fc.weight.numpy())


@pytest.mark.parametrize("check", [mg.gradcheck, mg.gradgradcheck])
@pytest.mark.parametrize("kind", [Keeps, KeepsInside])
def test_gradcheck_of_a_module_that_keeps_activations(kind, check):
    model, x = kind(), mg.randn(2, 3)
    model(x)
    keeper = next(m for m in model.modules() if isinstance(m, Keeps))
    hidden, history = keeper.hidden, list(keeper.history)
    assert check(model, x)
    assert keeper.hidden is hidden and hidden.requires_grad and hidden.dtype == np.float32
    assert len(keeper.history) == 1 and keeper.history[0] is history[0]


def test_gradcheck_of_a_module_that_reads_what_its_last_pass_kept():
    """The kept value is there in the copy, as a constant."""

    class Recurrent(nn.Module):
        def __init__(self):
            self.fc, self.state = nn.Linear(2, 2), None

        def forward(self, x):
            self.state = (self.fc(x) + (0 if self.state is None else self.state.detach())).tanh()
            return self.state

    model, x = Recurrent(), mg.randn(3, 2)
    model(x)
    kept = model.state
    assert mg.gradcheck(model, x) and model.state is kept
