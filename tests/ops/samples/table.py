"""The table of all samples."""

from __future__ import annotations

import pytest

import minigrad as mg
from tests.helpers.inputs import leaves
from tests.ops.samples.contractions import added_products, equations, products_of_ranks
from tests.ops.samples.distances import distances
from tests.ops.samples.elementwise import elementwise
from tests.ops.samples.layers import layers
from tests.ops.samples.losses import class_losses, losses, softmaxes
from tests.ops.samples.products import products
from tests.ops.samples.reductions import reductions
from tests.ops.samples.sample import Sample
from tests.ops.samples.shapes import shapes

SAMPLES = [
    *elementwise(), *reductions(), *shapes(), *products(), *softmaxes(), *losses(), *class_losses(), *layers(),
    *equations(), *products_of_ranks(), *added_products(), *distances(),
]  # fmt: skip
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


def result(sample: Sample) -> mg.Tensor:
    return sample.function(*leaves(sample.inputs))
