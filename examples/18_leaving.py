"""Leaving for PyTorch and ONNX: the state goes over by name, the whole model as a graph that other programs run.

What has been trained here is not locked in. Names, shapes and dtypes of a state_dict are PyTorch's, and an ONNX file
holds the model itself. Both files are read here by the formats' own packages, and compared with minigrad.

Needed: pip install "minigrad[safetensors,onnx]" (each part says so if its package is missing)
"""

# %%
import importlib.util
import tempfile
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

folder = Path(tempfile.mkdtemp())
there = {name: importlib.util.find_spec(name) is not None for name in ("safetensors", "onnx")}

# %% A trained net.
mg.manual_seed(0)
train, test = data.train_test_split(data.digits())
model = nn.Sequential(nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for _ in range(5):
    for x, target in data.DataLoader(train, batch_size=32, shuffle=True):
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
model.eval()
x, target = test[:]
with mg.no_grad():
    outputs = model(x).numpy()
accuracy = float((outputs.argmax(1) == target.numpy()).mean())
print(f"test accuracy here {accuracy:.1%}")

# %% The state, by PyTorch's names: of BatchNorm the parameters, the running statistics and the counter.
state = model.state_dict()
for name, value in state.items():
    print(f"{name:22} {tuple(value.shape)!s:10} {value.dtype}")

# %% To PyTorch, as a .safetensors file. There, the same net takes it over as it is:
#
#     from safetensors.torch import load_file
#     net = torch.nn.Sequential(torch.nn.Linear(64, 32, bias=False), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
#                               torch.nn.Linear(32, 10))
#     net.load_state_dict(load_file("digits.safetensors"))
#
# The way back: mg.load("theirs.safetensors"), or mg.load("theirs.pt"), which reads PyTorch's own files without PyTorch.
if there["safetensors"]:
    from safetensors.numpy import load_file

    mg.save(state, folder / "digits.safetensors")
    read = load_file(folder / "digits.safetensors")
    same_bits = all(np.array_equal(read[name], value.numpy()) for name, value in state.items())
    print(f"digits.safetensors: {len(read)} arrays, the same bits: {same_bits}")
else:
    print('safetensors is missing: pip install "minigrad[safetensors]"')

# %% Without any file: a tensor's memory is handed over by DLPack, torch.from_dlpack(x), and nothing is copied.
weight = np.from_dlpack(model[0].weight.detach())
shared = np.shares_memory(weight, model[0].weight.detach().numpy())
print("DLPack shares the memory:", shared)

# %% To ONNX: the forward pass, captured with an example and written with the names of modules and parameters. It
# takes batches of any size: here the file was made with 2 images and runs with all of them.
if there["onnx"]:
    import onnx
    from onnx.reference import ReferenceEvaluator

    mg.onnx.export(model, x[:2], folder / "digits.onnx", input_names=["pixels"])
    written = onnx.load(folder / "digits.onnx")
    theirs = ReferenceEvaluator(written).run(None, {"pixels": x.numpy()})[0]
    onnx_apart = np.abs(theirs - outputs).max() / np.abs(outputs).max()
    nodes = [node.op_type for node in written.graph.node]
    print(f"digits.onnx has the nodes {', '.join(nodes)}")
    print(f"its outputs for {len(x)} images, by ONNX's reference program: {onnx_apart:.1e} (relative) apart")
    print(f"test accuracy there {float((theirs.argmax(1) == target.numpy()).mean()):.1%}")
else:
    print('onnx is missing: pip install "minigrad[onnx]"')

# %% [markdown]
# To try:
#
# 1. Export the model in training mode. Which of BatchNorm's statistics does the ONNX node use, and which outputs has
#    it?
# 2. Fold BatchNorm away first (chapter 12). Which nodes are left?
