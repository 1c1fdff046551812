#!/usr/bin/env bash
# onnxruntime 1.32.0: what is Sigmoid of -20 in float32, and Swish of -20 (opset 24)?
#
# Expected: 2.06e-9 and -4.1e-8. float32 goes down to 1e-38, and Exp of the same runtime gives 2.06e-9 there.
# Seen: exactly 0 for both, from -18 on: the kernel cuts its input off there. A logarithm behind it, as in a loss or a
# log of probabilities, is minus infinity where -20 is right, and products of odds are 0. Float64 and OpenVINO 2026.4.1
# have the value.
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


for number in (-15.0, -20.0, -30.0):
    x = np.array([number, 1.0], np.float32)
    right = 1 / (1 + np.exp(-number))
    seen = {}
    for operator in ("Sigmoid", "Swish", "Exp"):
        runtimes = ("onnxruntime", "openvino") if operator == "Sigmoid" else ("onnxruntime",)
        found = results(helper.make_node(operator, ["x"], ["y"]), {"x": x}, ["y"], 24, (), runtimes)
        seen[operator] = {runtime: float(y[0]) for runtime, (y,) in found.items()}
    print(f"{number}: right {right:.4g} {seen}")
    assert abs(seen["Sigmoid"]["openvino"] / right - 1) < 1e-3 and abs(seen["Exp"]["onnxruntime"] / right - 1) < 1e-3
    if number == -15:
        assert abs(seen["Sigmoid"]["onnxruntime"] / right - 1) < 0.2
    else:
        assert seen["Sigmoid"]["onnxruntime"] == 0 and seen["Swish"]["onnxruntime"] == 0
print("as described")
PY
