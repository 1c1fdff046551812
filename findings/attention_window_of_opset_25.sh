#!/usr/bin/env bash
# tract 0.23.9 and OpenVINO 2026.4.1 beside onnxruntime 1.32.0: what do they make of left_window_size and
# right_window_size, the attributes that ONNX's Attention got in opset 25?
#
# Expected: they compute with them, or refuse a model of an opset or with an attribute they do not know.
# Seen: both read the model and leave the window out: five queries that should see one key to the left and two to the
# right see all five, and the result is the plain mean in each row. onnxruntime and the ReferenceEvaluator have the
# window. A model with sliding attention gives plausible numbers of another model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q openvino==2026.4.1 tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import tempfile

import numpy as np
import onnxruntime
import openvino
import tract
from onnx import TensorProto, checker, helper

shape = (1, 1, 5, 1)
inputs = {"Q": np.zeros(shape, np.float32), "K": np.zeros(shape, np.float32)}
inputs["V"] = np.arange(5, dtype=np.float32).reshape(shape)
values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (*inputs, "Y")]
node = helper.make_node("Attention", list(inputs), ["Y"], left_window_size=1, right_window_size=2)
graph = helper.make_graph([node], "g", values[:3], values[3:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=11)
checker.check_model(model, full_check=True)
content = model.SerializeToString()
session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
compiled = openvino.compile_model(openvino.Core().read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
seen = {
    "onnxruntime": session.run(None, inputs)[0],
    "OpenVINO": np.array(compiled(list(inputs.values()))[0]),
}
with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
    file.write(content)
    file.flush()
    runnable = tract.onnx().load(file.name).into_model().into_runnable()
    seen["tract"] = runnable.run(list(inputs.values()))[0].to_numpy().copy()
right = [np.arange(5)[max(i - 1, 0) : i + 3].mean() for i in range(5)]
for name, y in seen.items():
    print(f"{name}: {y.ravel()}")
    np.testing.assert_allclose(y.ravel(), right if name == "onnxruntime" else [2.0] * 5, rtol=1e-5)
print("as described")
PY
