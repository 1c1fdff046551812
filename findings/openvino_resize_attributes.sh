#!/usr/bin/env bash
# OpenVINO 2026.4.1 beside onnxruntime 1.32.0 and onnx 1.23.2: which attributes of ONNX's Resize (opset 19) count?
#
# Expected: all, or an error. OpenVINO's own Interpolate has an antialias attribute, too.
# Seen: OpenVINO leaves out antialias=1, exclude_outside=1 and keep_aspect_ratio_policy="not_larger" without a word. A
# picture made smaller comes out as without antialias, the weights at its edge count pixels that are not there, and the
# last has another SHAPE: (8, 6) instead of (6, 6). onnxruntime and the ReferenceEvaluator have all three and agree.
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


x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
scales = (["x", "", "s"], [("s", np.array([1, 1, 0.5, 0.5], np.float32))])
sizes = (["x", "", "", "z"], [("z", np.array([8, 6], np.int64))])
for extra, value, (names, constants), others in (
    ("antialias", 1, scales, {"mode": "linear"}),
    ("exclude_outside", 1, scales, {"mode": "cubic"}),
    ("keep_aspect_ratio_policy", "not_larger", sizes, {"mode": "nearest", "axes": [2, 3]}),
):
    without, having = (
        results(helper.make_node("Resize", names, ["y"], **others, **more), {"x": x}, ["y"], 19, constants)
        for more in ({}, {extra: value})
    )
    without, having = ({runtime: y for runtime, (y,) in seen.items()} for seen in (without, having))
    print(f"{extra}: shapes and first values {({runtime: (y.shape, y.ravel()[:3]) for runtime, y in having.items()})}")
    np.testing.assert_allclose(having["reference"], having["onnxruntime"], atol=1e-4)
    np.testing.assert_allclose(having["openvino"], without["onnxruntime"], atol=1e-4)
    shapes_differ = having["onnxruntime"].shape != having["openvino"].shape
    assert shapes_differ or np.abs(having["onnxruntime"] - having["openvino"]).max() > 0.05
print("as described")
PY
