#!/usr/bin/env bash
# tract 0.23.9 beside onnxruntime 1.32.0: which keys may a query see in ONNX's Attention (opset 23) with is_causal=1 and
# past_key, past_value?
#
# Expected: the whole past and the new keys up to its own place: query i of the new ones sees past + i + 1 keys. That is
# the point of a cache: a step of decoding gives what the whole sequence would have given there.
# Seen: tract lays the triangle over the start of the past: the first new query sees the first key of the past alone.
# With 3 keys of the past and 2 new ones its result is that of key and value 0; onnxruntime's is that of 4 keys. Without
# is_causal both agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import tempfile

import numpy as np
import onnxruntime
import tract
from onnx import TensorProto, checker, helper, numpy_helper


def both(node, inputs, outputs, opset, constants=()):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name, x in inputs.items()]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    initialisers = [numpy_helper.from_array(array, name) for name, array in constants]
    graph = helper.make_graph([node], "g", values, results, initialisers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(content)
        file.flush()
        runnable = tract.onnx().load(file.name).into_model().into_runnable()
        ours = [value.to_numpy().copy() for value in runnable.run(list(inputs.values()))]
    return ours, session.run(None, inputs)


random = np.random.default_rng(0)
shapes = {"q": (1, 1, 2, 4), "k": (1, 1, 2, 4), "v": (1, 1, 2, 4), "pk": (1, 1, 3, 4), "pv": (1, 1, 3, 4)}
inputs = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
outputs = {"y": (1, 1, 2, 4), "keys": (1, 1, 5, 4), "values": (1, 1, 5, 4)}
for causal in (0, 1):
    node = helper.make_node("Attention", ["q", "k", "v", "", "pk", "pv"], list(outputs), is_causal=causal)
    ours, theirs = (results[0][0, 0] for results in both(node, inputs, outputs, 23))
    print(f"is_causal={causal}, first query: tract {ours[0]}, onnxruntime {theirs[0]}")
    if not causal:
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
keys, values = (np.concatenate([inputs[past], inputs[new]], 2)[0, 0] for past, new in (("pk", "k"), ("pv", "v")))
weights = np.exp(keys[:4] @ inputs["q"][0, 0, 0] / 2)
np.testing.assert_allclose(theirs[0], weights @ values[:4] / weights.sum(), atol=1e-5)
np.testing.assert_allclose(ours[0], values[0], atol=1e-5)
print("as described")
PY
