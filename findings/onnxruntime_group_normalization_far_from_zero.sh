#!/usr/bin/env bash
# onnxruntime 1.32.0, onnx 1.23.2, OpenVINO 2026.4.1: is GroupNormalization (opset 21) right for float32 of mean 1e4 and
# deviation 1?
#
# Expected: an error of about 1e-3 in each, as LayerNormalization has of the same groups.
# Seen: onnxruntime and onnx's ReferenceEvaluator return NaN: both expand the operator by the function in its
# specification, whose variance is the mean of squares less the square of the mean, and that comes out negative. OpenVINO
# has a kernel of its own and is right. onnx's ReferenceEvaluator gives NaN for MeanVarianceNormalization, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")
shape = (2, 4, 16, 16)
x = (np.random.default_rng(0).normal(size=shape) + 1e4).astype(np.float32)
groups = x.astype(np.float64).reshape(2, 2, -1)
right = (groups - groups.mean(2, keepdims=True)) / np.sqrt(groups.var(2, keepdims=True) + 1e-5)
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
channels = [helper.make_tensor(name, TensorProto.FLOAT, [4], [number] * 4) for name, number in (("w", 1.0), ("b", 0.0))]
node = helper.make_node("GroupNormalization", ["x", "w", "b"], ["y"], num_groups=2)
graph = helper.make_graph([node], "g", value[:1], value[1:], channels)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
content = model.SerializeToString()
results = {
    "onnxruntime": onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0],
    "ReferenceEvaluator": ReferenceEvaluator(model).run(None, {"x": x})[0],
    "OpenVINO": openvino.compile_model(openvino.Core().read_model(content), "CPU")(x)[0],
}
for name, y in results.items():
    print(f"{name}: {np.isnan(y).mean():.0%} NaN, error {np.abs(y.reshape(right.shape) - right).max():.2g}")
assert np.isnan(results["onnxruntime"]).any() and np.isnan(results["ReferenceEvaluator"]).any()
assert np.abs(results["OpenVINO"].reshape(right.shape) - right).max() < 1e-2
print("as described")
PY
