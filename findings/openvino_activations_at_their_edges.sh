#!/usr/bin/env bash
# OpenVINO 2026.4.1 (CPU, float32) beside onnxruntime 1.32.0: do activations keep a NaN, and are they right where they
# are small?
#
# Expected: NaN in, NaN out, so that a broken input is seen at the end; softplus is positive everywhere; a function that
# is x or 0 is finite at infinity or infinite there, and never NaN.
# Seen: Relu and Celu of NaN are 0, HardSigmoid of NaN is 1, and Exp of NaN is infinity. Softplus of -20 is NEGATIVE,
# -1.9e-6 instead of 2.1e-9, so its logarithm is NaN. Gelu of infinity is NaN, and ThresholdedRelu of minus infinity is
# NaN instead of 0 (it multiplies by a mask). onnxruntime is right at all of these.
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


CASES = [
    ("Relu", np.nan, np.nan, 0.0),
    ("Celu", np.nan, np.nan, 0.0),
    ("HardSigmoid", np.nan, np.nan, 1.0),
    ("Exp", np.nan, np.nan, np.inf),
    ("Gelu", np.inf, np.inf, np.nan),
    ("ThresholdedRelu", -np.inf, 0.0, np.nan),
    ("Softplus", -20.0, 2.0611537e-9, None),
]
for operator, number, right, wrong in CASES:
    x = np.array([number] * 13, np.float32)
    node = helper.make_node(operator, ["x"], ["y"])
    seen = {runtime: y for runtime, (y,) in results(node, {"x": x}, ["y"], 20, (), ("onnxruntime", "openvino")).items()}
    print(f"{operator} of {number}: onnxruntime {seen['onnxruntime'][0]}, OpenVINO {seen['openvino'][0]}")
    np.testing.assert_allclose(seen["onnxruntime"], right, rtol=1e-3)
    if wrong is None:
        assert (seen["openvino"] < 0).all()
    else:
        np.testing.assert_array_equal(seen["openvino"], wrong)
print("as described")
PY
