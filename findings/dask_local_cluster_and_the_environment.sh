#!/usr/bin/env bash
# dask.distributed 2026.8.0: what is left in the process after a LocalCluster was made and closed?
#
# Expected: the environment as it was; the limits on BLAS threads are for the workers.
# Seen: OMP_NUM_THREADS, MKL_NUM_THREADS and OPENBLAS_NUM_THREADS stay at 1 and PYTHONHASHSEED at a number in os.environ of
# the process that made the cluster. Processes started afterwards, a benchmark or another sweep, have one BLAS thread and
# a fixed order of sets.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q distributed==2026.8.0 dask==2026.8.0
cat > "$folder/run.py" <<'PY'
import os

import distributed

if __name__ == "__main__":
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")
    for name in names:
        os.environ.pop(name, None)
    distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None).close()
    left = {name: os.environ.get(name) for name in names}
    print(f"distributed {distributed.__version__}: left behind {left}")
    assert [left[name] for name in names[:3]] == ["1"] * 3 and left["PYTHONHASHSEED"] is not None
    print("as described")
PY
"$folder/venv/bin/python" "$folder/run.py"
