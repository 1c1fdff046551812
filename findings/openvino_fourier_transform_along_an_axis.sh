#!/usr/bin/env bash
# OpenVINO 2026.4.1 beside onnxruntime 1.32.0: along which axis does ONNX's DFT of opset 20 transform?
#
# Expected: along the one given as third input, and along the last but one if none is given.
# Seen: always along axis 1. Since opset 20 the axis is an input instead of an attribute; OpenVINO reads the model, says
# nothing, and uses axis 1, which was the default before. With opset 19 and the attribute axis=2 it is right.
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


x = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)
right = {axis: np.fft.fft(x[..., 0], axis=axis) for axis in (1, 2)}
for name, opset, attributes, axis in (
    ("opset 19, attribute", 19, {"axis": 2}, None),
    ("opset 20, input", 20, {}, 2),
    ("opset 20, input from behind", 20, {}, -2),
    ("opset 20, no axis", 20, {}, None),
):
    names, constants = (["x"], []) if axis is None else (["x", "", "axis"], [("axis", np.array(axis, np.int64))])
    seen = results(helper.make_node("DFT", names, ["y"], **attributes), {"x": x}, ["y"], opset, constants)
    along = {}
    for runtime, (y,) in seen.items():
        (along[runtime],) = (of for of, z in right.items() if np.allclose(y[..., 0] + 1j * y[..., 1], z, atol=1e-3))
    print(f"{name}: transformed along {along}")
    assert along == {"reference": 2, "onnxruntime": 2, "openvino": 2 if opset == 19 else 1}
print("as described")
PY
