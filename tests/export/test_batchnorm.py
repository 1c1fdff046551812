"""BatchNorm as a node of a file: in evaluation, in training, and in models of both modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.export.running import Running, arrays, content, error, graph, normal, onnx


def attributes(node: Any) -> dict[str, Any]:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def node_of(model: nn.Module, x: mg.Tensor) -> Any:
    return next(node for node in graph(model, x).node if node.op_type == "BatchNormalization")


def test_evaluation_is_an_inference_node_of_the_running_statistics() -> None:
    node = node_of(nn.BatchNorm1d(3, eps=1e-3).eval(), normal(8, 3))
    assert list(node.input)[1:] == ["weight", "bias", "running_mean", "running_var"] and len(node.output) == 1
    assert attributes(node) == {"epsilon": pytest.approx(1e-3)}


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("shape", [(64, 4), (32, 4, 5)])
def test_training_is_normalised_with_the_batch_in_every_run(shape: tuple[int, ...], optimised: bool) -> None:
    """A new layer has equal initializers: those of weight and running_var, of bias and running_mean."""
    bn = nn.BatchNorm1d(4)
    x = normal(*shape)
    running = Running(content(bn, x), optimised)
    for seed in range(3):
        x = normal(*shape, seed=seed)
        assert error(running(x), arrays(bn(x))) < 1e-4


def test_training_behind_a_linear_layer_is_normalised_with_the_batch() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
    x = normal(64, 4)
    running = Running(content(model, x))
    assert max(error(running(x), arrays(model(x))) for _ in range(3)) < 1e-4


@pytest.mark.parametrize(("momentum", "turned"), [(0.1, 0.9), (0.25, 0.75), (None, 0.75)])
def test_training_turns_the_momentum_round(momentum: float | None, turned: float) -> None:
    bn = nn.BatchNorm1d(3, momentum=momentum)
    for seed in range(3):
        bn(normal(8, 3, seed=seed))
    node = node_of(bn, normal(8, 3))
    assert attributes(node)["training_mode"] == 1
    assert attributes(node)["momentum"] == pytest.approx(turned)  # the fourth batch has a weight of 1 / 4


def test_training_node_says_which_variance_it_keeps() -> None:
    bn = nn.BatchNorm1d(3)
    x = normal(8, 3)
    made = onnx.load_from_string(content(bn, x))
    (node,) = made.graph.node
    assert "biased variance" in node.doc_string and "momentum" in node.doc_string
    for name in node.output[1:]:
        made.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [3]))
    _, mean, var = Running(made.SerializeToString())(x)
    array = x.numpy().astype(np.float64)
    assert np.allclose(mean, 0.1 * array.mean(0), atol=1e-6)
    assert np.allclose(var, 0.9 + 0.1 * array.var(0), atol=1e-6)


def test_export_in_training_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout())
    before, state = model.state_dict(), mg.get_rng_state()
    content(model, normal(8, 4))
    assert all(np.array_equal(value.numpy(), before[name].numpy()) for name, value in model.state_dict().items())
    assert mg.get_rng_state() == state
    assert model.training and all(parameter.grad is None for parameter in model.parameters())


def test_each_module_is_written_in_its_own_mode() -> None:
    model = nn.Sequential(
        nn.BatchNorm1d(3), nn.BatchNorm1d(3), nn.Dropout(), nn.BatchNorm1d(3, track_running_stats=False)
    )
    model[0](normal(8, 3))
    model.eval()
    model[1].train()
    found = [attributes(node).get("training_mode", 0) for node in graph(model, normal(8, 3)).node]
    assert found == [0, 1, 1]
    x = normal(32, 3, seed=4)
    assert error(Running(content(model, normal(8, 3)))(x), arrays(model(x))) < 1e-4


def test_dropout_in_training_is_a_node_of_the_runtime() -> None:
    (found,) = Running(content(nn.Dropout(0.25), normal(8, 3)))(mg.ones(1000, 3))
    assert set(np.unique(found)) == {0, np.float32(1 / 0.75)} and abs(found.mean() - 1) < 0.1
    (found,) = Running(content(nn.Dropout2d(0.5), normal(8, 3, 2, 2)))(mg.ones(100, 3, 2, 2))
    assert np.array_equal(found.min((2, 3)), found.max((2, 3)))
