"""Pictures of a training, drawn with matplotlib: each takes plain numbers or what this package makes, and ``ax=``.

>>> from minigrad.training import plots

``learning_curves``, ``metric_curves``  a history, epoch by epoch
``decision_boundary``, ``fitted_curve``  what a model says of the plane, or of a line
``Recorder``  notes activations, gradients and updates while a model is trained
``activation_percentiles``, ``gradient_percentiles``, ``update_ratios``  what it has noted, layer by layer
``running_against_batch``  the statistics of batch normalisations beside those of a batch
``about``  the line that says of which training a picture is
"""

from .axes import OKABE_ITO, about
from .curves import learning_curves, metric_curves
from .fits import decision_boundary, fitted_curve
from .layers import activation_percentiles, gradient_percentiles, running_against_batch, update_ratios
from .recorder import Recorder

__all__ = [
    "OKABE_ITO", "Recorder", "about", "activation_percentiles", "decision_boundary", "fitted_curve",
    "gradient_percentiles", "learning_curves", "metric_curves", "running_against_batch", "update_ratios",
]  # fmt: skip
