#!/usr/bin/env bash
# torchmetrics 1.9.0, torcheval 0.0.7 and pytorch-ignite 0.5.5 on PyTorch 2.14.1: what is the R2 score of 4,096 float32
# predictions, fed in batches of 64, of targets with mean 1e4 and deviation 1?
#
# Expected: 0.91, as scikit-learn's formula gives of the same numbers, to 1e-2. An R2 score is at most 1 and a
# correlation lies between -1 and 1, whatever the data.
# Seen: all three give 1.002, more than a perfect model has: they add up squares in float32 and take the variance of the
# targets as the mean of squares less the square of the mean. ignite's PearsonCorrelation is below -1e8. torchmetrics'
# PearsonCorrCoef, which keeps deviations from a running mean, is right to 1e-4. A target like a year, a temperature in
# kelvin or a price is enough to turn a poor model into a very good one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q torch==2.14.1 torchmetrics==1.9.0 torcheval==0.0.7 pytorch-ignite==0.5.5 numpy==2.4.6 \
    setuptools==80.9.0
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import torch

warnings.simplefilter("ignore")
import ignite.metrics.regression as ignite_metrics
import torcheval.metrics
import torchmetrics

random = np.random.default_rng(0)
target = (random.normal(size=4096) + 1e4).astype(np.float32)
prediction = (target + 0.3 * random.normal(size=4096)).astype(np.float32)
t, p = target.astype(np.float64), prediction.astype(np.float64)
right = 1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum()
correlation = np.corrcoef(t, p)[0, 1]
batches = [(torch.tensor(prediction[i : i + 64]), torch.tensor(target[i : i + 64])) for i in range(0, 4096, 64)]


def value(metric, pairs):
    for pair in batches:
        metric.update(pair) if pairs else metric.update(*pair)
    return float(metric.compute())


scores = {
    "torchmetrics": value(torchmetrics.R2Score(), False),
    "torcheval": value(torcheval.metrics.R2Score(), False),
    "ignite": value(ignite_metrics.R2Score(), True),
}
print(f"R2 score, right {right:.4f}: {scores}")
assert 0.9 < right < 0.92 and scores["torchmetrics"] > 1 and scores["ignite"] > 1 and scores["torcheval"] > 1
of_ignite = value(ignite_metrics.PearsonCorrelation(), True)
of_torchmetrics = value(torchmetrics.PearsonCorrCoef(), False)
print(f"correlation, right {correlation:.4f}: torchmetrics {of_torchmetrics:.4f}, ignite {of_ignite:.3g}")
assert abs(of_torchmetrics - correlation) < 1e-3 and abs(of_ignite) > 1.5
print("as described")
PY
