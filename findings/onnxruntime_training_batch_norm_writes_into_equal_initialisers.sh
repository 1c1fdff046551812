#!/usr/bin/env bash
# onnxruntime 1.32.0 on a CPU: does a BatchNormalization with training_mode=1 compute what its inputs say, run after run?
#
# Expected: yes. In training mode y follows from x, scale and bias alone; the old statistics matter only for the two
# statistics that come out, and no run changes an input.
# Seen: not if initialisers are equal, as in a fresh model, where scale and variance are ones, bias and mean zeros. An
# optimisation keeps one array for equal initialisers, and the kernel writes the new statistics over the old ones: so
# over scale and bias too. The same session gives another y for the same x each time, and all are wrong, also the first.
# It is right without optimisation, without that one (ConstantSharing), where the initialisers differ, and where the new
# statistics are outputs of the graph.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
random = np.random.default_rng(0)
x = random.normal(1.0, 2.0, (64, 3)).astype(np.float32)


def model(scale, bias):
    """One normalisation in training mode, of which only y is an output; the old mean is 0, the old variance 1."""
    start = {"scale": np.full(3, scale), "bias": np.full(3, bias), "mean": np.zeros(3), "var": np.ones(3)}
    node = helper.make_node(
        "BatchNormalization", ["x", *start], ["y", "new_mean", "new_var"], training_mode=1, momentum=0.9
    )
    shapes = {"y": ["n", 3]}
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in start.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString()


def errors(scale, bias, **how):
    """The largest error of y in three runs of one session."""
    options = onnxruntime.SessionOptions()
    for name, value in how.items():
        if name == "graph_optimization_level":
            options.graph_optimization_level = value
    session = onnxruntime.InferenceSession(
        model(scale, bias), options, ["CPUExecutionProvider"], disabled_optimizers=how.get("disabled_optimizers")
    )
    right = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) * scale + bias
    return [float(np.abs(session.run(["y"], {"x": x})[0] - right).max()) for _ in range(3)]


fresh = errors(1, 0)
print("scale 1, bias 0:", [f"{error:.3f}" for error in fresh])
assert min(fresh) > 1e-2 and len({round(error, 3) for error in fresh}) == 3
off = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
for name, found in {
    "no optimisation": errors(1, 0, graph_optimization_level=off),
    "no ConstantSharing": errors(1, 0, disabled_optimizers=["ConstantSharing"]),
    "scale 2, bias 3": errors(2, 3),
}.items():
    print(f"{name}:", found)
    assert max(found) < 1e-4
print("as described")
PY
