#!/usr/bin/env bash
# PyTorch 2.13.0: torch.multinomial without replacement, asked for more classes than have a weight.
#
# Expected: an error; the documentation asks for at least as many weights above 0 as there are draws, and other wrong
# weights (negative ones, only zeros) are refused.
# Seen: no error. The row is filled with classes of weight 0, in each row of a batch for itself. A sampler that removes
# what was drawn already gets, at the end, classes that it had excluded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch

torch.manual_seed(0)
weights = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
drawn = torch.multinomial(weights, 2)
impossible = (weights.gather(1, drawn) == 0).sum(1)
print("drawn:", drawn.tolist(), "of weight 0:", impossible.tolist())
assert impossible.tolist() == [1, 0]
for wrong in ([-1.0, 2.0], [0.0, 0.0]):
    try:
        torch.multinomial(torch.tensor(wrong), 1)
    except RuntimeError as error:
        print(wrong, "is refused:", str(error).partition("\n")[0])
    else:
        raise AssertionError(f"{wrong} is not refused")
PY
