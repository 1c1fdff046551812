#!/usr/bin/env bash
# tract 0.23.9 beside onnxruntime 1.32.0: does an ONNX recurrent operator with direction="reverse" run backwards?
#
# Expected: yes, or it is refused: the three values of the attribute are older than tract, and "bidirectional", whose
# second half is a reverse run, is right.
# Seen: it runs forwards, and says nothing. RNN, GRU and LSTM with "reverse" give, to the last bit, the result of
# "forward"; onnxruntime gives another. All three are right with "bidirectional". A model with one reverse layer, as a
# converted backward LSTM has, loads, runs and is wrong.
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
x = random.normal(size=(5, 1, 2)).astype(np.float32)
for operator, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    seen = {}
    for direction in ("forward", "reverse", "bidirectional"):
        count = 1 + (direction == "bidirectional")
        random = np.random.default_rng(1)
        weights = [
            (name, random.normal(size=(count, gates * 3, size)).astype(np.float32))
            for name, size in (("W", 2), ("R", 3))
        ]
        node = helper.make_node(operator, ["X", "W", "R"], ["Y"], hidden_size=3, direction=direction)
        seen[direction] = both(node, {"X": x}, {"Y": (5, count, 1, 3)}, 22, weights)
    error = {direction: np.abs(ours[0] - right[0]).max() for direction, (ours, right) in seen.items()}
    print(f"{operator}: tract less onnxruntime {error}")
    assert error["forward"] < 1e-5 and error["bidirectional"] < 1e-5 and error["reverse"] > 0.1
    assert np.array_equal(seen["reverse"][0][0], seen["forward"][0][0])
print("as described")
PY
