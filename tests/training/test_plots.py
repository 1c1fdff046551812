"""Pictures of a training: what they show, what they take, and that looking changes nothing."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, training
from minigrad.nn import functional as F
from minigrad.training import plots

matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib")
from matplotlib.figure import Figure  # noqa: E402


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def model():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def points(n=30):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)).astype(np.float32), np.arange(n) % 3


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def luminance(color):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(color)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


# -- curves --------------------------------------------------------------------------------------

HISTORY = {"loss": [2.0, 0.5, 0.4], "test_loss": [0.9, 0.6, 0.7], "accuracy": [0.5, 0.8, 0.7], "lr": [0.1] * 3}


def test_the_legend_of_losses_says_which_statistics(ax):
    assert plots.learning_curves(HISTORY, about="seed 3", ax=ax) is ax
    train, test = legend(ax)
    assert "batch statistics" in train and "running statistics" in test
    assert ax.get_yscale() == "log" and [list(line.get_ydata()) for line in ax.lines] == [
        HISTORY["loss"],
        HISTORY["test_loss"],
    ]
    assert "seed\u00a03" in [text.get_text() for text in ax.texts]
    colors = [line.get_color() for line in ax.lines]
    assert len({*colors}) == 2 and all(1.05 / (luminance(color) + 0.05) >= 3 for color in colors)


@pytest.mark.parametrize("color", [*(color for color, _ in plots.axes.LINES), plots.axes.GREY])
def test_lines_have_a_contrast_of_3_to_white(color):
    assert 1.05 / (luminance(color) + 0.05) >= 3


def test_histories_are_those_of_fit_dicts_or_rows(ax, model):
    x, y = mg.tensor(points()[0]), mg.tensor(points()[1])
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = training.fit(
        model, [(x, y)], loss=F.cross_entropy, optimizer=optimizer, epochs=3, metrics=[training.accuracy]
    )
    rows = [{"loss": loss} for loss in history["loss"]]
    for given in (history, {"loss": history["loss"]}, rows):
        line = plots.learning_curves(given, batchnorm=False, ax=Figure().subplots()).lines[0]
        assert list(line.get_ydata()) == history["loss"] and "statistics" not in line.get_label()
    plots.metric_curves(history, ax=ax)
    assert legend(ax)[0] == "accuracy" and legend(ax)[1].startswith(f"best: epoch {history.best_epoch + 1}, ")


@pytest.mark.parametrize("losses", [[0.5, 0.0], [0.6, 0.5]])
def test_losses_of_zero_or_close_together_are_on_a_linear_scale(ax, losses):
    assert plots.learning_curves({"loss": losses}, ax=ax).get_yscale() == "linear"


def test_pictures_say_net_optimiser_batch_size_and_seed(model):
    text = plots.about(model, optim.Adam(model.parameters(), lr=0.01), 32, 7)
    assert text == "Linear(2, 8), BatchNorm1d, ReLU, Linear(8, 3)   Adam, lr 0.01   batches of 32   seed 7"
    assert plots.about(nn.Sequential(*[nn.BatchNorm1d(2) for _ in range(20)])) == "Sequential of 20 layers"
    assert plots.about("my net", "Adam") == "my net   Adam"


# -- what a model says of points -----------------------------------------------------------------


def test_a_decision_boundary_has_a_colour_and_a_marker_for_each_class(ax, model):
    x, y = points()
    before = [module.training for module in model.modules()], str(model.state_dict())
    plots.decision_boundary(model, (mg.tensor(x), mg.tensor(y)), (x[:6], y[:6]), classes=("a", "b", "c"), ax=ax)
    assert (([module.training for module in model.modules()], str(model.state_dict()))) == before
    assert legend(ax) == ["a", "b", "c", "training data", "test data"] and ax.get_legend().get_frame_on()
    assert ax.get_aspect() == 1
    drawn = ax.collections[-8:]
    colors = {str(each.get_facecolor()) for each in drawn[:3]}
    shapes = {str(each.get_paths()[0].vertices) for each in drawn[:3]}
    assert len(colors) == len(shapes) == 3
    assert [len(each.get_offsets()) for each in drawn[:6]] == [10, 10, 10, 2, 2, 2]


def test_one_logit_is_a_boundary_between_two_classes(ax):
    plots.decision_boundary(nn.Linear(2, 1), (points()[0], points()[1] % 2), ax=ax)
    assert legend(ax) == ["class 0", "class 1"]


# -- layers --------------------------------------------------------------------------------------


def train(model, recorder=None):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x, y = map(mg.tensor, points())
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        before = model[0].weight.numpy().copy()
        optimizer.step()
        if recorder:
            recorder.note()
    return before, [parameter.tolist() for parameter in (*model.parameters(), *model.buffers())]


def test_a_recorder_notes_layers_and_changes_nothing(model):
    mg.manual_seed(0)
    other = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    with plots.Recorder(model) as recorder:
        before, trained = train(model, recorder)
    assert trained == train(other)[1]
    assert list(recorder.activations) == ["0: Linear", "1: BatchNorm1d", "2: ReLU", "3: Linear"]
    assert {len(steps) for steps in recorder.activations.values()} == {3}
    gradient = np.abs(model[0].weight.grad.numpy().astype(np.float64))
    assert np.array_equal(recorder.gradients["0.weight"][-1], np.percentile(gradient, [5, 25, 50, 75, 95]))
    change = model[0].weight.numpy().astype(np.float64) - before
    expected = np.linalg.norm(change) / np.linalg.norm(before.astype(np.float64))
    assert recorder.updates["0.weight"][-1] == pytest.approx(expected)
    assert not model[0](mg.ones(1, 2)).isnan().any() and recorder.seen == {}  # the hooks are gone
    names = [plots.activation_percentiles(recorder, ax=Figure().subplots()), "output"]
    assert names[0].get_ylabel() == names[1]
    assert plots.gradient_percentiles(recorder, ax=Figure().subplots()).get_yscale() == "log"
    ax = plots.update_ratios(recorder, ax=Figure().subplots())
    assert legend(ax) == ["0.weight", "1.weight", "3.weight", "1e-3"]
    assert legend(plots.update_ratios(recorder, names=["0.bias"], ax=Figure().subplots())) == ["0.bias", "1e-3"]


def test_running_statistics_beside_those_of_a_batch(ax, model):
    x = mg.tensor(points(50)[0])
    before = str(model.state_dict()), mg.get_rng_state()
    model.eval()
    plots.running_against_batch(model, x, ax=ax)
    assert not any(module.training for module in model.modules()) and str(model.state_dict()) == before[0]
    means, deviations = (np.asarray(each.get_offsets()) for each in ax.collections)
    batch = model[0](x).numpy().astype(np.float64)
    assert np.allclose(means, np.stack([np.zeros(8), batch.mean(0)], 1), atol=1e-6)
    assert np.allclose(deviations, np.stack([np.ones(8), batch.std(0, ddof=1)], 1), atol=1e-6)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m: plots.learning_curves(3), TypeError, "a history is what training.fit returns"),
        (lambda m: plots.learning_curves({"accuracy": [1]}), ValueError, "no losses in the columns accuracy"),
        (lambda m: plots.metric_curves(HISTORY, ["f1"]), ValueError, "no values of f1, the columns are loss"),
        (lambda m: plots.decision_boundary(m, points()[0]), TypeError, "train must be a pair"),
        (lambda m: plots.decision_boundary(m, (np.ones((3, 4)), np.ones(3))), ValueError, r"inputs \(n, 2\)"),
        (lambda m: plots.decision_boundary(len, points()), TypeError, "expected a module"),
        (lambda m: plots.activation_percentiles({}), ValueError, "nothing is noted"),
        (lambda m: plots.activation_percentiles([1]), TypeError, "expected a Recorder"),
        (lambda m: plots.update_ratios({"w": [1.0]}, names=["v"]), ValueError, "there is no v, there are w"),
        (lambda m: plots.running_against_batch(nn.Linear(2, 2), mg.ones(3, 2)), ValueError, "running statistics"),
        (lambda m: plots.Recorder(3), TypeError, "Recorder expects a module"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error, message, model):
    with pytest.raises(error, match=message):
        call(model)


def test_without_matplotlib_the_cure_is_said(monkeypatch):
    monkeypatch.setattr(plots.axes, "MISSING", "matplotlib is missing, get it with pip install matplotlib")
    with pytest.raises(ImportError, match=r"matplotlib is missing.*minigrad\[show\]"):
        plots.learning_curves(HISTORY)
