"""Columns and tables of other libraries become tensors, and are operands beside tensors."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg


class Column:
    """What pandas, polars and Arrow have in common: an array on demand, and arithmetic of their own."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)

    def __array_ufunc__(self, *_args, **_kwargs):
        raise AssertionError("the operation is the tensor's")


class Dtypes(dict):
    """Like a Series of dtypes by column."""


class Table(Column):
    """A table with columns of two kinds, which are objects together."""

    dtypes = Dtypes(age="int64", name="str")


def test_a_column_becomes_a_tensor_of_its_dtype():
    assert mg.tensor(Column(np.float64([1, 2]))).dtype == mg.float64
    assert mg.as_tensor(Column(np.int16([1, 2]))).tolist() == [1, 2]


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("operation", [lambda t, c: t * c, mg.mul, lambda t, c: mg.maximum(t, c) * c / t])
def test_a_column_is_an_operand_of_its_dtype(operation, requires_grad):
    t = mg.ones(2, requires_grad=requires_grad)
    y = operation(t, Column([2.0, 3.0]))
    assert type(y.array) is np.ndarray and y.dtype == mg.float64
    z = operation(t, mg.tensor(np.array([2.0, 3.0])))
    assert y.tolist() == z.tolist() and y.requires_grad is requires_grad


def test_a_table_of_several_kinds_is_refused_with_its_columns_and_the_cure():
    table = Table(np.array([[1, "a"]], object))
    with pytest.raises(TypeError, match=r"made of Table.*age: int64, name: str: .*astype\('float32'\)"):
        mg.tensor(table)


def test_tables_of_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": ["x", "y"]})
    assert mg.tensor(table[["a", "b"]]).tolist() == [[1, 3], [2, 4]]
    assert (mg.ones(2) * table["a"]).tolist() == (mg.tensor(table["a"]) * mg.ones(2)).tolist() == [1, 2]
    assert (mg.ones(2) * table[["a", "b"]]).tolist() == [[1, 3], [2, 4]]
    assert mg.arange(5)[table["b"]].tolist() == [3, 4]
    assert mg.tensor(pandas.array([1, None], dtype="Int64")).isnan().tolist() == [False, True]
    with pytest.raises(TypeError, match=r"its columns are a: float64, b: int64, c: "):
        mg.tensor(table)


def test_tables_of_polars():
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    assert mg.tensor(table).tolist() == [[1, 3], [2, 4]]
    assert mg.tensor(table["b"]).dtype == mg.int64
    assert (mg.ones(2, requires_grad=True) * table["a"]).tolist() == [1, 2]


def test_arrays_of_arrow():
    arrow = pytest.importorskip("pyarrow")
    assert mg.tensor(arrow.array([1.5, 2])).tolist() == mg.from_dlpack(arrow.array([1.5, 2])).tolist() == [1.5, 2]
    assert mg.tensor(arrow.chunked_array([[1, 2], [3]])).tolist() == [1, 2, 3]
    assert mg.tensor(arrow.table({"a": [1.0], "b": [2]})).tolist() == [[1, 2]]
