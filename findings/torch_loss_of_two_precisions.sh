#!/usr/bin/env bash
# PyTorch 2.13.0: in which precision is a loss of a float32 tensor and a float64 tensor?
#
# Expected: all element-wise losses promote, as arithmetic does: float64 whichever of the two is float64.
# Seen: mse_loss, l1_loss, smooth_l1_loss and poisson_nll_loss do. binary_cross_entropy_with_logits has the dtype of the
# target, so float64 logits against a float32 target silently give a float32 loss; huber_loss and soft_margin_loss have
# the dtype of the input, so a float64 target is silently rounded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
import torch.nn.functional as F

single, double = torch.zeros(3), torch.zeros(3, dtype=torch.float64)
found = {}
for loss in (
    F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.poisson_nll_loss,
    F.binary_cross_entropy_with_logits, F.huber_loss, F.soft_margin_loss,
):
    found[loss.__name__] = [str(loss(*pair).dtype)[6:] for pair in ((single, double), (double, single))]
for name, dtypes in found.items():
    print(f"{name:35} input float32: {dtypes[0]}   input float64: {dtypes[1]}")
both = ["float64", "float64"]
assert all(found[name] == both for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "poisson_nll_loss"))
assert found["binary_cross_entropy_with_logits"] == ["float64", "float32"]
assert found["huber_loss"] == found["soft_margin_loss"] == ["float32", "float64"]
print("torch", torch.__version__, "as described")
PY
