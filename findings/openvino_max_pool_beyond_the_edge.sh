#!/usr/bin/env bash
# OpenVINO 2026.4.1 beside onnxruntime 1.32.0 and onnx 1.23.2: what does MaxPool with ceil_mode=1, kernel 1 and stride 2
# give of a 2 by 2 picture?
#
# Expected: one value, the first. A window that would begin beyond the picture is left out, as in PyTorch, and onnx's
# own test cases have one like this.
# Seen: onnxruntime and the ReferenceEvaluator give (1, 1, 1, 1). OpenVINO gives (1, 1, 2, 2), of which three values are
# the lowest float32 (or minus infinity): windows with nothing in them. Whatever averages the result afterwards is off
# all bounds, and whatever flattens it has four times the features.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def results(node, inputs, outputs, opset, constants=(), runtimes=("reference", "onnxruntime", "openvino")):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name, x in inputs.items()]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    initialisers = [numpy_helper.from_array(array, name) for name, array in constants]
    graph = helper.make_graph([node], "g", values, made, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    content = model.SerializeToString()
    seen = {}
    if "reference" in runtimes:
        seen["reference"] = ReferenceEvaluator(model).run(None, inputs)
    if "onnxruntime" in runtimes:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        seen["onnxruntime"] = session.run(None, inputs)
    if "openvino" in runtimes:
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.compile_model(openvino.Core().read_model(content), "CPU", settings)
        seen["openvino"] = [np.array(value) for value in compiled(list(inputs.values())).to_tuple()]
    return seen


x = np.array([[[[1, 2], [3, 4]]]], np.float32)
node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1, 1], strides=[2, 2], ceil_mode=1)
seen = {runtime: y for runtime, (y,) in results(node, {"x": x}, ["y"], 22).items()}
print({runtime: (y.shape, y.ravel().tolist()) for runtime, y in seen.items()})
for runtime in ("reference", "onnxruntime"):
    assert seen[runtime].shape == (1, 1, 1, 1) and seen[runtime].item() == 1
assert seen["openvino"].shape == (1, 1, 2, 2) and (seen["openvino"].ravel()[1:] < -1e38).all()
print("as described")
PY
