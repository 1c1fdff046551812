#!/usr/bin/env bash
# OpenVINO 2026.4.1, onnx 1.23.2, onnxruntime 1.32.0: what do they make of the rarer attributes and inputs of ONNX's
# recurrent operators?
#
# Expected: each is computed as the specification says, or refused.
# Seen: OpenVINO leaves out an LSTM's peepholes (input P) and input_forget=1 without a word: the results are those of an
# LSTM without them. With layout=1 (batch first) it reads the batch in the right order and returns Y and Y_h in the
# other layout: (2, 1, 4, 5) and (1, 4, 5) instead of (2, 4, 1, 5) and (2, 1, 5) for 2 sequences of 4 steps, with the 2
# still taken for the time. onnxruntime refuses layout=1 and is right with the others. onnx's own ReferenceEvaluator
# leaves out input_forget=1 and clip, which OpenVINO has. So no two of three agree on all.
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


random = np.random.default_rng(0)
x = random.normal(size=(2, 4, 3)).astype(np.float32)
weights = [(name, random.normal(size=(1, 20, size)).astype(np.float32)) for name, size in (("W", 3), ("R", 5))]
peepholes = [("P", np.ones((1, 15), np.float32))]
inputs = ["X", "W", "R"]


def lstm(runtimes=("reference", "onnxruntime", "openvino"), names=(), constants=(), **attributes):
    node = helper.make_node("LSTM", [*inputs, *names], ["Y", "Y_h"], hidden_size=5, **attributes)
    return results(node, {"X": x}, ["Y", "Y_h"], 22, [*weights, *constants], runtimes)


def same(a, b):
    return all(p.shape == q.shape and np.allclose(p, q, atol=1e-5) for p, q in zip(a, b, strict=True))


plain = lstm()["onnxruntime"]
for name, seen in {
    "peepholes": lstm(names=["", "", "", "", "P"], constants=peepholes),
    "input_forget": lstm(input_forget=1),
    "clip": lstm(clip=0.1),
}.items():
    right = seen["onnxruntime"]
    left_out = [runtime for runtime, result in seen.items() if same(result, plain)]
    print(f"{name}: left out by {left_out}")
    assert not same(right, plain) and all(runtime in left_out or same(seen[runtime], right) for runtime in seen)
    expected = {"peepholes": ["openvino"], "input_forget": ["reference", "openvino"], "clip": ["reference"]}
    assert left_out == expected[name]
batch_first = lstm(("reference", "openvino"), layout=1)
shapes = {runtime: [value.shape for value in result] for runtime, result in batch_first.items()}
print(f"layout=1: {shapes}")
assert shapes == {"reference": [(2, 4, 1, 5), (2, 1, 5)], "openvino": [(2, 1, 4, 5), (1, 4, 5)]}
assert same(batch_first["openvino"], plain)
print("as described")
PY
