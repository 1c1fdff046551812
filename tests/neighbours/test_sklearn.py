"""The estimators are scikit-learn's in every respect it checks, and train as they say."""

from __future__ import annotations

import copy
import pickle
import pickletools

import numpy as np
import pytest

import minigrad as mg

pytest.importorskip("sklearn", "1.6", reason="needs scikit-learn")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from minigrad.sklearn import MLPClassifier, MLPRegressor
from minigrad.sklearn.learner import Batches

pytestmark = pytest.mark.filterwarnings("ignore:.*epochs were not enough to converge")

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((61, 4))
CLASSES = np.array(["low", "middle", "high"])[np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-0.5, 0.5])]
NUMBERS = np.stack([X[:, 0] - X[:, 1], X[:, 2] ** 2], axis=1)
BOTH = pytest.mark.parametrize(("estimator", "y"), [(MLPClassifier, CLASSES), (MLPRegressor, NUMBERS)])


def state(estimator):
    return {name: value.numpy().copy() for name, value in estimator.model_.state_dict().items()}


def assert_same(first, second):
    first, second = state(first), state(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], name)


CHECKS = [
    pytest.param(estimator, check, id=f"{estimator}-{number}")
    for estimator in (MLPClassifier(), MLPRegressor(), MLPClassifier(batch_norm=False, solver="sgd", tol=0.01))
    for number, (_, check) in enumerate(estimator_checks_generator(estimator))
]


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_digits_are_read():
    inputs, digits = load_digits(return_X_y=True)
    parts = train_test_split(inputs, digits, random_state=0, stratify=digits)
    model = make_pipeline(
        StandardScaler(), MLPClassifier((64,), learning_rate_init=0.01, max_iter=20, random_state=0)
    ).fit(parts[0], parts[2])
    assert model.score(parts[1], parts[3]) > 0.96


@pytest.mark.parametrize("jobs", [None, 2])
def test_a_search_over_settings(jobs):
    joblib = pytest.importorskip("joblib")
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=15, random_state=0))
    grid = {"mlpclassifier__batch_norm": [True, False], "mlpclassifier__learning_rate_init": np.float64([0.1, 0.01])}
    with joblib.parallel_backend("threading", n_jobs=jobs or 1):
        search = GridSearchCV(model, grid, cv=3).fit(X, CLASSES)
    scores = search.cv_results_["mean_test_score"]
    again = [cross_val_score(clone(model).set_params(**found), X, CLASSES, cv=3).mean() for found in
             search.cv_results_["params"]]  # fmt: skip
    np.testing.assert_array_equal(scores, again)
    assert np.isfinite(scores).all() and search.predict(X).shape == (61,)


# -- repeating -----------------------------------------------------------------------------------


@BOTH
def test_a_seed_gives_the_same_model_again_and_leaves_minigrads_random_state_alone(estimator, y):
    before = mg.get_rng_state()
    first = estimator((5, 3), max_iter=4, batch_size=16, random_state=3).fit(X, y)
    assert mg.get_rng_state() == before
    mg.manual_seed(7)
    assert_same(first, clone(first).fit(X, y))
    assert_same(first, first.fit(X, y))
    assert (state(first)["0.weight"] != state(clone(first).set_params(random_state=4).fit(X, y))["0.weight"]).all()


@BOTH
def test_epochs_one_by_one_are_those_of_fit(estimator, y):
    whole = estimator((5,), max_iter=3, batch_size=16, random_state=3).fit(X, y)
    parts = clone(whole)
    for _ in range(3):
        parts.partial_fit(X, y, **{"classes": np.unique(y)} if estimator is MLPClassifier else {})
    assert_same(whole, parts)
    assert whole.loss_curve_ == parts.loss_curve_


@BOTH
@pytest.mark.parametrize(
    "how", [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e, 2))]
)
def test_a_copy_predicts_the_same_and_goes_on_the_same(estimator, y, how):
    model = estimator((5,), max_iter=3, batch_size=16, random_state=0).fit(X, y)
    model.set_params(hidden_layer_sizes=(9,))  # for the next fit; the copy has the model of this one
    other = how(model)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    for one in (model, other):
        one.set_params(hidden_layer_sizes=(5,)).partial_fit(X, y)
    assert_same(model, other)
    assert model.loss_curve_ == other.loss_curve_ and len(model.loss_curve_) == 4


def test_a_pickle_holds_arrays_and_no_modules():
    pickled = pickle.dumps(MLPClassifier((5,), max_iter=2, random_state=0).fit(X, CLASSES), 2)
    named = {argument for code, argument, _ in pickletools.genops(pickled) if code.name == "GLOBAL"}
    own = {name for name in named if name.startswith("minigrad")}
    assert own == {"minigrad.sklearn.estimators MLPClassifier", "minigrad.sklearn.learner Learner"}


# -- the arithmetic ------------------------------------------------------------------------------


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_epoch_without_hidden_layers_is_the_formula(estimator, y, dtype):
    settings = {"solver": "sgd", "momentum": 0, "alpha": 6.1, "learning_rate_init": 0.5, "random_state": 0}
    classifies = estimator is MLPClassifier
    model = estimator((), **settings).partial_fit(X.astype(dtype), y, **{"classes": np.unique(y)} if classifies else {})
    before = state(model)
    model.partial_fit(X.astype(dtype), y)
    output = X @ before["0.weight"].T + before["0.bias"]
    if classifies:
        right = (y[:, None] == np.unique(y)).astype(float)
        error = (softmax(output) - right) / 61
        loss = -np.log(softmax(output)[right == 1]).mean()
    else:
        error = (output - y) / y.size
        loss = 0.5 * ((output - y) ** 2).mean()
    tolerance = {"rtol": 1e-12 if dtype is np.float64 else 1e-4, "atol": 1e-12 if dtype is np.float64 else 1e-6}
    assert model.loss_ == pytest.approx(loss, rel=tolerance["rtol"])
    weight = before["0.weight"] - 0.5 * (error.T @ X + 6.1 / 61 * before["0.weight"])
    np.testing.assert_allclose(state(model)["0.weight"], weight, **tolerance)
    np.testing.assert_allclose(state(model)["0.bias"], before["0.bias"] - 0.5 * error.sum(axis=0), **tolerance)
    assert state(model)["0.weight"].dtype == dtype
    found = model.predict_proba(X) if classifies else model.predict(X)
    output = X @ state(model)["0.weight"].T + state(model)["0.bias"]
    assert found.dtype == dtype and found.flags.writeable
    np.testing.assert_allclose(found, softmax(output) if classifies else output, **tolerance)


def test_before_each_activation_is_batch_normalisation_and_then_no_bias():
    model = MLPRegressor((6, 5), "tanh", batch_norm_momentum=None, max_iter=2, shuffle=False).fit(X, NUMBERS).model_
    assert [type(layer).__name__ for layer in model] == ["Linear", "BatchNorm1d", "Tanh"] * 2 + ["Linear"]
    assert [layer.bias is None for layer in model if isinstance(layer, mg.nn.Linear)] == [True, True, False]
    assert not model.training and int(model[1].num_batches_tracked) == 2
    plain = MLPRegressor((6,), batch_norm=False, max_iter=1).fit(X, NUMBERS).model_
    assert [type(layer).__name__ for layer in plain] == ["Linear", "ReLU", "Linear"] and plain[0].bias is not None


@pytest.mark.parametrize(
    ("count", "size", "least", "lengths"),
    [(7, 3, 2, [3, 4]), (7, 3, 1, [3, 3, 1]), (6, 3, 2, [3, 3]), (8, 3, 2, [3, 3, 2]), (5, 5, 2, [5]), (1, 1, 1, [1])],
)
def test_a_last_batch_of_one_joins_the_one_before(count, size, least, lengths):
    rows = np.arange(count)
    batches = Batches(rows, -rows, size, least, np.random.default_rng(0))
    for _ in range(2):
        inputs, targets = zip(*batches)
        assert [len(part) for part in inputs] == lengths
        assert sorted(np.concatenate([part.numpy() for part in inputs])) == rows.tolist()
        assert all((a == -b).all() for a, b in zip(inputs, targets))


def test_probabilities_that_are_too_small_have_logarithms():
    model = MLPClassifier((), max_iter=2).fit(X, CLASSES)
    with np.errstate(under="ignore"):
        far, logarithms = model.predict_proba(X * 1e4), model.predict_log_proba(X * 1e4)
    assert (far == 0).any() and np.isfinite(logarithms).all() and logarithms.min() < -800
    np.testing.assert_allclose(np.log(model.predict_proba(X)), model.predict_log_proba(X), rtol=1e-9)


# -- the end of training -------------------------------------------------------------------------


@BOTH
def test_early_stopping_keeps_the_best_epoch(estimator, y):
    model = estimator((8,), early_stopping=True, validation_fraction=0.3, learning_rate_init=0.3, n_iter_no_change=4,
                      max_iter=60, random_state=0).fit(X, y)  # fmt: skip
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ == len(model.loss_curve_) < 60 and model.best_loss_ is None
    assert model.best_validation_score_ == max(scores)
    random = np.random.RandomState(0)
    random.randint(np.iinfo(np.int32).max)  # the seed of the model
    stratify = y if estimator is MLPClassifier else None
    _, held_out, _, right = train_test_split(X, y, random_state=random, test_size=0.3, stratify=stratify)
    assert model.score(held_out, right) == pytest.approx(max(scores), rel=1e-12)


def test_training_ends_when_the_loss_stays_within_the_tolerance():
    model = MLPRegressor((), tol=100, n_iter_no_change=3, random_state=0).fit(X, NUMBERS)
    assert model.n_iter_ == 5 and model.best_loss_ == min(model.loss_curve_) and model.validation_scores_ is None
    with pytest.warns(ConvergenceWarning, match="MLPRegressor: 3 epochs were not enough to converge: give a larger"):
        assert MLPRegressor((), max_iter=3, n_iter_no_change=np.inf).fit(X, NUMBERS).n_iter_ == 3


def test_a_warm_start_goes_on():
    cold = MLPRegressor((8,), max_iter=30, random_state=0).fit(X, NUMBERS)
    warm = clone(cold).set_params(warm_start=True).fit(X, NUMBERS)
    assert_same(cold, warm)
    warm.fit(X, NUMBERS)
    assert warm.loss_ < cold.loss_ == warm.loss_curve_[29] and len(warm.loss_curve_) == 60
    with pytest.raises(ValueError, match=r"model to go on with has sizes \(4, 8, 2\).*settings are of \(4, 9, 2\)"):
        warm.set_params(hidden_layer_sizes=9).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="y has 1 outputs, the model to go on with 2"):
        warm.partial_fit(X, NUMBERS[:, 0])


def test_verbose_prints_epochs(capsys):
    MLPClassifier((3,), max_iter=2, verbose=True, early_stopping=True).fit(X, CLASSES)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Iteration 1, loss ") and "validation score " in second


def test_numbers_of_one_and_of_several_outputs():
    model = MLPRegressor((16,), max_iter=400, learning_rate_init=0.01, random_state=0)
    assert model.fit(X, NUMBERS).predict(X).shape == (61, 2)
    assert r2_score(NUMBERS, model.predict(X)) == model.score(X, NUMBERS) > 0.95
    assert model.fit(X, NUMBERS[:, 0]).predict(X).shape == (61,) and model.n_outputs_ == 1


# -- refusals ------------------------------------------------------------------------------------

REFUSED = [
    ({"activation": "sin"}, "activation must be one of identity, logistic, tanh, relu, .* got 'sin'"),
    ({"solver": "lbfgs"}, "solver must be one of adam, sgd, got 'lbfgs'"),
    ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be integers of at least 1, got 0"),
    ({"hidden_layer_sizes": "8"}, "hidden_layer_sizes must be integers of at least 1"),
    ({"alpha": -1}, "alpha must be a number of at least 0"),
    ({"batch_size": 1}, "batch_size must be 'auto', or an integer of at least 2 with batch normalisation, got 1"),
    ({"batch_size": 0, "batch_norm": False}, "batch_size must be 'auto', or an integer of at least 1, got 0"),
    ({"batch_norm": "no"}, "batch_norm must be True or False"),
    ({"batch_norm_momentum": 2}, "batch_norm_momentum must be a number from 0 to 1, or None"),
    ({"learning_rate_init": 0}, "learning_rate_init must be a number above 0"),
    ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
    ({"tol": -1}, "tol must be a number of at least 0"),
    ({"beta_2": 1}, "beta_2 must be a number from 0 to below 1"),
    ({"epsilon": -1}, "epsilon must be a number of at least 0"),
    ({"solver": "sgd", "momentum": -1}, "momentum must be a number of at least 0"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be an integer of at least 1, or infinity"),
    ({"early_stopping": True, "validation_fraction": 1}, "validation_fraction must be a number above 0 and below 1"),
    ({"early_stopping": True, "validation_fraction": 0.01}, "into 60 for training and 1 for validation, too few"),
    ({"warm_start": "yes"}, "warm_start must be True or False"),
    ({"shuffle": "yes"}, "shuffle must be True or False"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=lambda value: " ".join(value) if value else "")
def test_settings_are_refused_and_nothing_changes(settings, message):
    model = MLPRegressor((3,), max_iter=1, random_state=0).fit(X[:, :2], NUMBERS)
    before = vars(model.set_params(**settings)).copy()
    with pytest.raises(ValueError, match=rf"MLPRegressor: .*{message}"):
        model.fit(X, NUMBERS)
    assert vars(model) == before and model.n_features_in_ == 2


def test_a_training_that_diverges_changes_nothing():
    model = MLPRegressor((3,), random_state=0).partial_fit(X, NUMBERS)
    before, curve = state(model), list(model.loss_curve_)
    with pytest.raises(FloatingPointError, match="try a smaller learning rate"), np.errstate(all="ignore"):
        model.partial_fit(X + 1, NUMBERS * 1e200)
    for name, value in state(model).items():  # the running statistics, too
        np.testing.assert_array_equal(value, before[name], name)
    assert model.loss_curve_ == curve
    fresh = MLPRegressor((), solver="sgd")
    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        fresh.fit(X * 1e200, NUMBERS)
    with pytest.raises(NotFittedError):
        fresh.predict(X)
    assert not hasattr(fresh, "model_") and not hasattr(fresh, "n_features_in_")


def test_classes_of_partial_fits():
    model = MLPClassifier((4,), random_state=0)
    with pytest.raises(ValueError, match="the first call of partial_fit needs classes"):
        model.partial_fit(X, CLASSES)
    model.partial_fit(X[:2], CLASSES[:2], classes=["low", "middle", "high"])
    assert model.classes_.tolist() == ["high", "low", "middle"] and model.predict_proba(X).shape == (61, 3)
    for y, classes, message in [
        (["low", "huge"], None, r"y has classes \['huge'\] that are not among"),
        (["low", "zero"], None, r"y has classes \['zero'\] that are not among"),
        (["low", "low"], ["low"], r"classes \['low'\] are not those of before"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X[:2], y, classes=classes)
    with pytest.raises(ValueError, match="early_stopping=True"):
        model.set_params(early_stopping=True).partial_fit(X, CLASSES)


def test_one_sample_has_no_variance_to_normalise():
    with pytest.raises(ValueError, match=r"n_samples=1, and batch normalisation needs two .* or batch_norm=False"):
        MLPRegressor().fit(X[:1], NUMBERS[:1])
    assert MLPRegressor(batch_norm=False, max_iter=2).fit(X[:1], NUMBERS[:1]).predict(X).shape == (61, 2)
