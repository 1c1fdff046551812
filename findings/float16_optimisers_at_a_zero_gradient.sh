#!/usr/bin/env bash
# PyTorch 2.14.1 and Optax 0.2.8: what becomes of a float16 parameter whose gradient is 0, or small?
#
# Expected: at 0 it stays where it is, and a gradient of 1e-3 moves it by the learning rate, as in float32 and bfloat16.
# eps is there to keep the division from failing.
# Seen: eps = 1e-8 is itself rounded to 0 in float16, and so is the square of 1e-3 times 1 - beta2. In the first step
# Adam of both gives NaN for the gradient 0 and minus infinity for 1e-3; AdamW, NAdam and RMSprop, too, and Adagrad and
# Adamax NaN. A ReLU that is never on, a row of an embedding that a batch does not touch: its parameters are NaN after
# one step. No error. bfloat16, with its wider range, is right. PyTorch's Adadelta, Adafactor, RAdam and Rprop stay
# finite in float16.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 optax==0.2.8 jax==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import jax.numpy as jnp
import numpy as np
import optax
import torch

GRADIENTS = [0.0, 1e-3, 1.0]


def of_torch(name, dtype):
    parameter = torch.nn.Parameter(torch.ones(1, 3, dtype=getattr(torch, dtype)))
    optimizer = getattr(torch.optim, name)([parameter], lr=0.1)
    parameter.grad = torch.tensor([GRADIENTS], dtype=parameter.dtype)
    optimizer.step()
    return parameter.detach().float().numpy()[0]


def of_optax(name, dtype):
    parameter = jnp.ones(3, dtype)
    rule = getattr(optax, name)(0.1)
    updates, _ = rule.update(jnp.array(GRADIENTS, dtype), rule.init(parameter), parameter)
    return np.asarray(optax.apply_updates(parameter, updates), np.float32)


TORCH = ("Adam", "AdamW", "NAdam", "RMSprop", "Adagrad", "Adamax")
for step, names in ((of_torch, TORCH), (of_optax, ("adam", "adamw"))):
    for name in names:
        half, brain = step(name, "float16"), step(name, "bfloat16")
        print(f"{step.__name__} {name}: float16 {half}, bfloat16 {brain}")
        assert np.isnan(half[0]) and np.isfinite(half[2]) and np.isfinite(brain).all()
        assert np.isfinite(half[1]) if name in ("Adagrad", "Adamax") else not np.isfinite(half[1])
for name in ("Adadelta", "Adafactor", "RAdam", "Rprop"):
    assert np.isfinite(of_torch(name, "float16")).all(), name
print("as described")
PY
