"""Losses, normalisations, dropouts and the like as PyTorch 2.14.1 has them: arguments, text, names in a saved state."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

OLD = "size_average=None, reduce=None"
NEW = f"{OLD}, reduction='mean'"
PLACE = "device=None, dtype=None"
NORM = "eps=1e-05, momentum=0.1"
BATCH = f"(num_features, {NORM}, affine=True, track_running_stats=True, {PLACE}, *, bias=True)"
INSTANCE = f"(num_features, {NORM}, affine=False, track_running_stats=False, {PLACE}, *, bias=True)"

SIGNATURES = {
    nn.L1Loss: f"({NEW})",
    nn.MSELoss: f"({NEW})",
    nn.SmoothL1Loss: f"({NEW}, beta=1.0)",
    nn.HuberLoss: "(reduction='mean', delta=1.0)",
    nn.CrossEntropyLoss: "(weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean', "
    "label_smoothing=0.0)",
    nn.NLLLoss: "(weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean')",
    nn.BCELoss: f"(weight=None, {NEW})",
    nn.BCEWithLogitsLoss: f"(weight=None, {NEW}, pos_weight=None)",
    nn.KLDivLoss: f"({NEW}, log_target=False)",
    nn.PoissonNLLLoss: "(log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction='mean')",
    nn.GaussianNLLLoss: "(*, full=False, eps=1e-06, reduction='mean')",
    nn.HingeEmbeddingLoss: f"(margin=1.0, {NEW})",
    nn.MarginRankingLoss: f"(margin=0.0, {NEW})",
    nn.CosineEmbeddingLoss: f"(margin=0.0, {NEW})",
    nn.MultiMarginLoss: f"(p=1, margin=1.0, weight=None, {NEW})",
    nn.MultiLabelMarginLoss: f"({NEW})",
    nn.SoftMarginLoss: f"({NEW})",
    nn.MultiLabelSoftMarginLoss: f"(weight=None, {NEW})",
    nn.TripletMarginLoss: f"(margin=1.0, p=2.0, eps=1e-06, swap=False, {NEW})",
    nn.TripletMarginWithDistanceLoss: "(*, distance_function=None, margin=1.0, swap=False, reduction='mean')",
    nn.BatchNorm1d: BATCH,
    nn.BatchNorm2d: BATCH,
    nn.BatchNorm3d: BATCH,
    nn.InstanceNorm1d: INSTANCE,
    nn.InstanceNorm2d: INSTANCE,
    nn.InstanceNorm3d: INSTANCE,
    nn.LayerNorm: f"(normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, {PLACE})",
    nn.GroupNorm: f"(num_groups, num_channels, eps=1e-05, affine=True, {PLACE}, *, bias=True)",
    nn.RMSNorm: f"(normalized_shape, eps=None, elementwise_affine=True, {PLACE})",
    nn.LocalResponseNorm: "(size, alpha=0.0001, beta=0.75, k=1.0)",
    nn.Linear: f"(in_features, out_features, bias=True, {PLACE})",
    nn.Bilinear: f"(in1_features, in2_features, out_features, bias=True, {PLACE})",
    nn.PReLU: f"(num_parameters=1, init=0.25, {PLACE})",
    nn.Unflatten: "(dim, unflattened_size)",
    nn.Embedding: "(num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, "
    f"scale_grad_by_freq=False, sparse=False, _weight=None, _freeze=False, {PLACE})",
    nn.Embedding.from_pretrained: "(embeddings, freeze=True, padding_idx=None, max_norm=None, norm_type=2.0, "
    "scale_grad_by_freq=False, sparse=False)",
    nn.CosineSimilarity: "(dim=1, eps=1e-08)",
    nn.PairwiseDistance: "(p=2.0, eps=1e-06, keepdim=False)",
    **dict.fromkeys(
        [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout],
        "(p=0.5, inplace=False)",
    ),
}

LOSSES = [kind for kind in SIGNATURES if getattr(kind, "__name__", "").endswith("Loss")]

STATISTICS = {"running_mean": (4,), "running_var": (4,), "num_batches_tracked": ()}

TEXTS = [
    *((kind(), f"{kind.__name__}()", {}) for kind in LOSSES if kind is not nn.TripletMarginWithDistanceLoss),
    (nn.MultiMarginLoss(weight=mg.ones(3)), "MultiMarginLoss()", {"weight": (3,)}),
    (nn.MultiLabelSoftMarginLoss(np.ones(3)), "MultiLabelSoftMarginLoss()", {"weight": (3,)}),
    (nn.BCEWithLogitsLoss(pos_weight=mg.ones(3)), "BCEWithLogitsLoss()", {"pos_weight": (3,)}),
    (
        nn.TripletMarginWithDistanceLoss(),
        "TripletMarginWithDistanceLoss(\n  (distance_function): PairwiseDistance()\n)",
        {},
    ),
    (nn.TripletMarginWithDistanceLoss(distance_function=mg.dist), "TripletMarginWithDistanceLoss()", {}),
    (
        nn.BatchNorm1d(4),
        "BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)",
        {"weight": (4,), "bias": (4,), **STATISTICS},
    ),
    (
        nn.BatchNorm2d(4, bias=False),
        "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)",
        {"weight": (4,), **STATISTICS},
    ),
    (
        nn.BatchNorm3d(4, affine=False, track_running_stats=False, bias=False),
        "BatchNorm3d(4, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)",
        {},
    ),
    (
        nn.InstanceNorm1d(4),
        "InstanceNorm1d(4, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)",
        {},
    ),
    (
        nn.InstanceNorm2d(4, affine=True, bias=False, track_running_stats=True),
        "InstanceNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)",
        {"weight": (4,), **STATISTICS},
    ),
    (
        nn.InstanceNorm3d(4, 1e-3, None, True),
        "InstanceNorm3d(4, eps=0.001, momentum=None, affine=True, bias=True, track_running_stats=False)",
        {"weight": (4,), "bias": (4,)},
    ),
    (nn.LayerNorm(4), "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)", {"weight": (4,), "bias": (4,)}),
    (
        nn.LayerNorm([2, 3], bias=False),
        "LayerNorm((2, 3), eps=1e-05, elementwise_affine=True, bias=False)",
        {"weight": (2, 3)},
    ),
    (nn.LayerNorm(4, 1, False), "LayerNorm((4,), eps=1, elementwise_affine=False, bias=False)", {}),
    (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)", {"weight": (4,), "bias": (4,)}),
    (nn.GroupNorm(2, 4, bias=False), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=False)", {"weight": (4,)}),
    (nn.RMSNorm((4,)), "RMSNorm((4,), eps=None, elementwise_affine=True)", {"weight": (4,)}),
    (nn.RMSNorm(4, 1e-3, False), "RMSNorm((4,), eps=0.001, elementwise_affine=False)", {}),
    (nn.LocalResponseNorm(2), "LocalResponseNorm(2, alpha=0.0001, beta=0.75, k=1.0)", {}),
    (
        nn.Bilinear(2, 3, 4),
        "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)",
        {"weight": (4, 2, 3), "bias": (4,)},
    ),
    (
        nn.Bilinear(2, 3, 4, False),
        "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=False)",
        {"weight": (4, 2, 3)},
    ),
    (nn.Unflatten(1, (2, 3)), "Unflatten(dim=1, unflattened_size=(2, 3))", {}),
    (nn.Embedding(5, 3), "Embedding(5, 3)", {"weight": (5, 3)}),
    (
        nn.Embedding(5, 3, -1, 2.0, 1.0, True, True),
        "Embedding(5, 3, padding_idx=4, max_norm=2.0, norm_type=1.0, scale_grad_by_freq=True, sparse=True)",
        {"weight": (5, 3)},
    ),
    (nn.CosineSimilarity(2), "CosineSimilarity()", {}),
    (nn.PairwiseDistance(1.0), "PairwiseDistance()", {}),
    (nn.Dropout(), "Dropout(p=0.5, inplace=False)", {}),
    (nn.Dropout2d(0.25, True), "Dropout2d(p=0.25, inplace=True)", {}),
    (nn.FeatureAlphaDropout(), "FeatureAlphaDropout(p=0.5, inplace=False)", {}),
]


def name_of(value):
    return value.__name__ if hasattr(value, "__name__") else type(value).__name__


@pytest.mark.parametrize("kind", SIGNATURES, ids=name_of)
def test_arguments(kind):
    found = inspect.signature(kind)
    plain = [parameter.replace(annotation=parameter.empty) for parameter in found.parameters.values()]
    assert str(found.replace(parameters=plain, return_annotation=found.empty)) == SIGNATURES[kind]


@pytest.mark.parametrize(("module", "text", "state"), TEXTS, ids=name_of)
def test_text_and_state(module, text, state):
    assert repr(module) == text
    assert {name: value.shape for name, value in module.state_dict().items()} == state
    assert list(module.state_dict()) == list(state)


MAKERS = {
    "Linear": (2, 3), "Bilinear": (2, 3, 4), "PReLU": (), "Embedding": (2, 3), "LayerNorm": (2,), "RMSNorm": (2,),
    "GroupNorm": (1, 2), "BatchNorm1d": (2,), "InstanceNorm1d": (2, 1e-5, 0.1, True),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
def test_device_and_dtype(name):
    make, args = getattr(nn, name), MAKERS[name]
    assert {p.dtype for p in make(*args).parameters()} == {np.dtype("float32")}
    module = make(*args, device="cpu", dtype=mg.float64)
    assert {p.dtype for p in module.parameters()} == {np.dtype("float64")}
    with pytest.raises(ValueError, match="there is no device 'cuda': minigrad runs on the CPU"):
        make(*args, device="cuda")


@pytest.mark.parametrize(
    ("module", "weight", "bias"),
    [(nn.LayerNorm(3), 1, 0), (nn.GroupNorm(1, 3), 1, 0), (nn.InstanceNorm1d(3, affine=True), 1, 0),
     (nn.RMSNorm(3), 1, None)],
    ids=name_of,
)  # fmt: skip
def test_normalisations_start_with_ones_and_zeros_and_return_to_them(module, weight, bias):
    for _ in range(2):
        assert module.weight.tolist() == [weight] * 3
        assert module.bias is None if bias is None else module.bias.tolist() == [bias] * 3
        with mg.no_grad():
            for parameter in module.parameters():
                parameter.fill_(5)
        module.reset_parameters()


@pytest.mark.usefixtures("seeded")
def test_a_bilinear_layer_starts_evenly_distributed_in_its_bound():
    layer = nn.Bilinear(16, 50, 40)
    for values in (layer.weight.numpy().ravel(), nn.Bilinear(16, 1, 5000).bias.numpy()):
        assert 0.99 / 4 < np.abs(values).max() <= 0.25 * (1 + 1e-6)
        assert abs((values**2).mean() - 1 / 48) < 0.02 / 16 and abs(values.mean()) < 5 / 4 / np.sqrt(3 * values.size)


@pytest.mark.usefixtures("seeded")
def test_a_table_starts_normally_distributed_but_for_the_padding():
    table = nn.Embedding(500, 40, padding_idx=-500)
    assert table.padding_idx == 0 and table.weight[0].tolist() == [0] * 40
    values = table.weight.numpy()[1:]
    assert abs(values.mean()) < 0.04 and abs(values.std() - 1) < 0.03 and np.abs(values).max() > 3


REFUSED = [
    (lambda: nn.SmoothL1Loss(beta=-1), ValueError, "SmoothL1Loss: beta must be a number of at least 0, got -1."),
    (lambda: nn.HuberLoss(delta=0), ValueError, "HuberLoss: delta must be a number greater than 0, got 0."),
    (lambda: nn.MultiMarginLoss(p=3), ValueError, "MultiMarginLoss: p must be 1 or 2, got 3."),
    (lambda: nn.TripletMarginLoss(margin=0), ValueError, "margin must be a number greater than 0, got 0."),
    (lambda: nn.TripletMarginLoss(p="2"), ValueError, "TripletMarginLoss: p must be a number, got '2'."),
    (lambda: nn.MarginRankingLoss(None), ValueError, "MarginRankingLoss: margin must be a number, got None."),
    (lambda: nn.KLDivLoss(log_target="no"), ValueError, "KLDivLoss: log_target must be True or False, got 'no'."),
    (lambda: nn.MSELoss(reduction="batchmean"), ValueError, "reduction must be one of 'mean', 'sum', 'none', got"),
    (lambda: nn.MSELoss("sum"), TypeError, "pass reduction='sum' by its name."),
    (lambda: nn.MSELoss(mg.ones(2)), TypeError, "To compute a loss call the module: MSELoss()(input, target)."),
    (
        lambda: nn.MarginRankingLoss(0, mg.ones(2)),
        TypeError,
        "To compute a loss call the module: MarginRankingLoss()(input1, input2, target).",
    ),
    (lambda: nn.GaussianNLLLoss(True), TypeError, "too many positional arguments. To compute a loss call the module"),
    (lambda: nn.MultiMarginLoss(weight=mg.ones(2, 2)), ValueError, "the weight must be (C,), one per class, got"),
    (
        lambda: nn.MultiLabelSoftMarginLoss(mg.ones(2, requires_grad=True)),
        ValueError,
        "the weight is a constant, got (2,) float32 that requires grad: detach it.",
    ),
    (
        lambda: nn.TripletMarginWithDistanceLoss(distance_function=2),
        TypeError,
        "distance_function must be a function of two tensors, or a module, got an int.",
    ),
    (lambda: nn.LayerNorm(()), ValueError, "LayerNorm: normalized_shape must be the last lengths of the input"),
    (lambda: nn.LayerNorm(4, "small"), ValueError, "LayerNorm: eps must be a number, got 'small'."),
    (lambda: nn.RMSNorm(0), ValueError, "RMSNorm: normalized_shape must be the last lengths"),
    (lambda: nn.GroupNorm(3, 4), ValueError, "num_channels must be a multiple of num_groups, got 4 channels and 3"),
    (lambda: nn.GroupNorm(0, 4), ValueError, "GroupNorm: num_groups must be an integer of at least 1, got 0."),
    (lambda: nn.InstanceNorm1d(0), ValueError, "InstanceNorm1d: num_features must be an integer of at least 1"),
    (lambda: nn.InstanceNorm1d(3, momentum=2), ValueError, "InstanceNorm1d: momentum is the weight of the new batch"),
    (lambda: nn.LocalResponseNorm(0), ValueError, "LocalResponseNorm: size must be an integer of at least 1, got 0."),
    (lambda: nn.Bilinear(2, 0, 1), ValueError, "Bilinear: in2_features must be an integer of at least 1, got 0."),
    (lambda: nn.Embedding(5, 3, 5), ValueError, "padding_idx must be a row, -5 to 4, or None, got 5."),
    (lambda: nn.Embedding(5, 3, _weight=mg.ones(3, 5)), ValueError, "_weight must be (5, 3), got (3, 5) float32."),
    (lambda: nn.Embedding(5, 3, _freeze="no"), ValueError, "Embedding: _freeze must be True or False, got 'no'."),
    (lambda: nn.Embedding(5, 0), ValueError, "Embedding: embedding_dim must be an integer of at least 1, got 0."),
    (
        lambda: nn.Embedding(5, 3, max_norm=-1),
        ValueError,
        "max_norm must be a number of at least 0, got -1.",
    ),
    (lambda: nn.Embedding.from_pretrained(mg.ones(3)), ValueError, "expected a tensor (N, D) of floats, got (3,)"),
    (lambda: nn.Embedding.from_pretrained([[1.0]]), TypeError, "expected a tensor (N, D), got a list: make it one"),
    (lambda: nn.Unflatten(1, 2), TypeError, "unflattened_size must be a tuple of integers, got 2."),
    (lambda: nn.Unflatten("x", (2,)), TypeError, "Unflatten: dim must be an integer, got 'x'."),
    (lambda: nn.Unflatten(1, (-1, -1)), ValueError, "Unflatten: unflattened_size must be lengths, of which one may"),
    (lambda: nn.AlphaDropout(1.5), ValueError, "AlphaDropout: p must be a probability from 0 to 1, got 1.5."),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED, ids=lambda value: value if type(value) is str else "")
def test_what_constructors_refuse(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "reduction"),
    [((False,), "sum"), ((True,), "mean"), ((None, False), "none"), ((None, True), "mean"), ((False, True), "sum")],
)
def test_old_words_for_a_reduction(old, reduction):
    with pytest.warns(UserWarning, match=f"MSELoss: size_average and reduce .* pass reduction='{reduction}'") as seen:
        loss = nn.MSELoss(*old)
    assert loss.reduction == reduction and seen[0].filename == __file__
