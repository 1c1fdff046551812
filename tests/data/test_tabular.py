"""The small tables in the package, and that each has its source and licence beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from minigrad import data
from tests.data.batches import arrays

FOLDER = Path(data.__file__).parent


def rows_of(name):
    with open(FOLDER / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_iris_is_fishers():
    x, y = arrays(data.iris())
    assert x.shape == (150, 4) and x.dtype == np.float32 and y.dtype == np.int64
    assert np.bincount(y).tolist() == [50, 50, 50]
    # means and deviations of Fisher's table; the 35th and 38th flower as in his paper
    np.testing.assert_allclose(x.mean(0), [5.84333, 3.05733, 3.758, 1.19933], atol=1e-5)
    np.testing.assert_allclose(x.astype(float).std(0, ddof=1), [0.828066, 0.435866, 1.765298, 0.762238], atol=1e-6)
    np.testing.assert_allclose(x[[34, 37]], [[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]], rtol=1e-6)
    names = ["setosa", "versicolor", "virginica"]
    assert [names[k] for k in y] == [row["species"] for row in rows_of("iris")]


def test_auto_mpg_is_quinlans_without_the_six_cars_that_lack_a_value():
    x, y = arrays(data.auto_mpg())
    assert x.shape == (392, 9) and y.shape == (392, 1) and x.dtype == y.dtype == np.float32
    # the well-known means of the 392 cars
    means = [5.471939, 194.411990, 104.469388, 2977.584184, 15.541327, 75.979592]
    np.testing.assert_allclose(x[:, :6].astype(float).mean(0), means, rtol=1e-6)
    assert y.mean() == pytest.approx(23.445918, rel=1e-6)
    assert x[:, 6:].sum(0).tolist() == [68, 79, 245]  # Europe, Japan, USA
    rows = rows_of("auto_mpg")
    np.testing.assert_allclose(x[:, 3], [float(row["weight"]) for row in rows])
    assert [["europe", "japan", "usa"][k] for k in x[:, 6:].argmax(1)] == [row["origin"] for row in rows]


@pytest.mark.parametrize("name", ["iris", "auto_mpg", "digits"])
def test_source_and_licence_are_beside_the_data(name):
    text = (FOLDER / f"{name}.md").read_text()
    assert "https://doi.org/10.24432/" in text and "CC BY 4.0" in text and "What was changed" in text
    assert data.find_source(name).load is getattr(data, name)
