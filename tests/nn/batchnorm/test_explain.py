"""``bn.explain``: a batch against the running statistics, and why the two modes differ on it."""

import copy
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.reports.table import WIDTH

CHANNELS = 3
MEAN, STD = np.array([5.0, 0.0, -3.0]), np.array([1.0, 2.0, 3.0])


def data(n, seed=0, mean=MEAN, std=STD):
    x = np.random.default_rng(seed).standard_normal((n, CHANNELS)) * std + mean
    return mg.tensor(x.astype(np.float32))


def trained(batches=200, **settings):
    bn = nn.BatchNorm1d(CHANNELS, **settings)
    for seed in range(batches):
        bn(data(64, seed))
    return bn


def images(n, seed):
    """Batches whose samples differ in brightness: their values are alike."""
    random = np.random.default_rng(seed)
    return mg.tensor((random.standard_normal((n, 2, 1, 1)) + 0.1 * random.standard_normal((n, 2, 6, 6))).astype("f4"))


def of_images():
    bn = nn.BatchNorm2d(2)
    for seed in range(200):
        bn(images(64, seed))
    return bn


def with_a_constant(at, seen):
    """A channel that is constant in the batch, and was so, or not, in training."""
    bn = nn.BatchNorm1d(CHANNELS)
    for seed in range(200):
        bn(data(64, seed, std=np.where(seen, STD, 0)))
    return bn, data(64, 999, std=np.where(at, STD, 0))


ALL, LAST_NOT = np.array([True] * 3), np.array([True, True, False])

CASES = {
    "never seen": (nn.BatchNorm1d(CHANNELS), data(64), "no batch has been seen: they", "not normalise"),
    "momentum 0": (trained(5, momentum=0), data(64), "momentum=0 after 5 batches", "does not normalise"),
    "warming up": (trained(5), data(64), "only 5 batches seen: 59% of the running", r"\(1 - 0.1\)\*\*5"),
    "a small batch": (trained(), data(4, 999), "than chance takes 4 samples", "off by 0.5 standard deviations"),
    "a small batch of images": (of_images(), images(8, 999), "than chance takes 8 samples", "by 0.35 standard"),
    "one class": (trained(), data(64, 999, MEAN + 3, STD / 3), "a part of the data", "one class each"),
    "other data": (trained(), data(64, 999, MEAN * 2, STD * 3), "not like those that the running", "other data"),
    "frozen": (trained().eval().freeze(), data(64, 999), "it is frozen in evaluation mode", "with the running stat"),
    "momentum of Keras": (None, data(64, 999), r"momentum=0.9 is the weight of the new", "of the last batch"),
    "dead": (*with_a_constant(LAST_NOT, LAST_NOT), "dead: no batch has varied", "whatever the value"),
    "constant": (*with_a_constant(LAST_NOT, ALL), "constant in this batch", "only of the running mean"),
    "tiny": (trained(), data(64, 999, MEAN, STD * 1e-4), r"the variance is less than eps=1e-05", "less than a half"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:BatchNorm1d. momentum=0.9")
def test_reasons(name):
    bn, x, what, why = CASES[name]
    explanation = (bn or trained(momentum=0.9)).explain(x)
    assert not explanation
    (found,) = [finding for finding in explanation.findings if said(what, finding.what)]
    assert said(why, found.why) and found.cure
    assert max(map(len, str(explanation).splitlines())) <= WIDTH


def said(pattern, text):

    return re.search(pattern, text) is not None


def test_a_layer_that_has_seen_enough_of_the_same_data_has_nothing_to_explain():
    explanation = trained(400, momentum=0.02).explain(data(4096, 999))
    assert explanation and explanation.findings == []
    assert "train() and eval() agree within" in explanation.summary


def test_the_rows_are_the_statistics():
    bn, x = trained(), data(16, 999)
    explanation = bn.explain(x)
    exact = x.numpy().astype(np.float64)
    for i, row in enumerate(explanation.rows):
        found = row.number, row.mean, row.running_mean, row.var, row.running_var
        running = float(bn.running_mean.numpy()[i]), float(bn.running_var.numpy()[i])
        np.testing.assert_allclose(found, (i, exact[:, i].mean(), running[0], exact[:, i].var(), running[1]), rtol=1e-9)


def test_apart_is_the_root_mean_square_difference_of_the_outputs():
    bn, x = nn.BatchNorm1d(CHANNELS, affine=False), data(16)
    bn(data(16, 1))
    own, running = copy.deepcopy(bn)(x), bn.eval()(x)
    expected = np.sqrt(((own - running) ** 2).mean(0).numpy())
    np.testing.assert_allclose([row.apart for row in bn.explain(x).rows], expected, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_changed(training):
    bn = trained(5).train(training)
    before = {name: value.numpy() for name, value in bn.state_dict().items()}
    with mg.no_grad():
        bn.explain(data(8))
    np.testing.assert_equal({name: value.numpy() for name, value in bn.state_dict().items()}, before)
    assert bn.training is training


def test_a_mask_leaves_padding_out():
    x, mask = data(40, 999), np.arange(40) < 30
    x[30:] = np.nan
    with_mask, without = trained().explain(x, mask), trained().explain(x[:30])
    assert with_mask.rows == without.rows and with_mask.findings == without.findings


def test_values_that_are_not_finite_are_named():
    x = data(64, 999)
    x[3, 1] = np.nan
    explanation = trained().explain(x)
    assert [row.finding for row in explanation.rows] == ["", "not finite", ""]
    assert explanation.findings[0].where == "channel 1"


def test_without_running_statistics_both_modes_are_the_same():
    explanation = nn.BatchNorm1d(CHANNELS, track_running_stats=False).explain(data(8))
    assert explanation and "train() and eval() both use those of this batch (8, 3)" in explanation.summary
    assert "nan" not in str(explanation)


def test_of_many_channels_those_farthest_apart_are_printed():
    bn, x = (
        nn.BatchNorm1d(64),
        mg.tensor(np.random.default_rng(0).standard_normal((32, 64)) + np.arange(64.0), "float32"),
    )
    lines = str(bn.explain(x)).splitlines()
    assert lines[3].split()[0] == "63"
    assert "... and 44 more channels, none farther apart than 44" in "\n".join(lines)
    assert len(bn.explain(x).rows) == 64


def test_in_notebooks_it_is_two_tables():
    page = nn.BatchNorm1d(CHANNELS).explain(data(8))._repr_html_()
    assert page.count("<table") == 2 and "running mean" in page and "no batch has been seen" in page
    assert "background" not in page


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (mg.ones(4, 5), r"expected 3 channels on axis 1, got input \(4, 5\)"),
        (mg.ones(3), "expected 2D or 3D input"),
        (mg.ones(4, 7, 3), r"wants \(N, C, L\)"),
    ],
)
def test_what_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        nn.BatchNorm1d(CHANNELS).explain(x)


def test_one_value_is_not_enough():
    assert "1 value per channel: training needs at least 2" in str(trained().explain(data(1))).replace("\n", " ")
