#!/usr/bin/env bash
# PyTorch 2.14.1, gloo, two ranks: the gradient of torch.distributed.nn.functional.all_reduce with MAX and PRODUCT.
#
# Expected: that of the greatest and of the product. With inputs 2 and 5 and the loss `rank + 1` times the result on each
# rank, the sum of losses is 3 * max(a, b): gradients 0 and 3. Of 3 * a * b they are 15 and 6.
# Seen: 2 and 2 in both cases, without an error or a warning: backward reduces the gradients of the ranks, 1 and 2, by the
# operation of forward. Only for SUM is that the derivative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 numpy==2.4.6
cat > "$folder/run.py" <<'PY'
import sys

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as F


def rank(number, file):
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=number, world_size=2)
    found = {}
    for name in ("SUM", "MAX", "PRODUCT"):
        x = torch.tensor([2.0, 5.0][number], requires_grad=True)
        y = F.all_reduce(x.clone(), op=getattr(dist.ReduceOp, name))
        ((number + 1) * y).backward()
        found[name] = (y.item(), x.grad.item())
    print(f"{torch.__version__} rank {number}: value and gradient {found}\n", end="", flush=True)
    assert found == {"SUM": (7.0, 3.0), "MAX": (5.0, 2.0), "PRODUCT": (10.0, 2.0)}
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.multiprocessing.spawn(rank, (sys.argv[1],), nprocs=2)
    print("as described")
PY
"$folder/venv/bin/python" -W ignore "$folder/run.py" "$folder/meeting"
