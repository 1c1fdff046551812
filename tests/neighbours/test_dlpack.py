"""Tensors go to and come from other libraries through DLPack, without a copy."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8])
def test_numpy_shares_the_memory_of_a_tensor(dtype):
    x = mg.tensor(np.arange(6, dtype=dtype).reshape(2, 3))
    array = np.from_dlpack(x.T)
    assert array.dtype == dtype and array.tolist() == [[0, 3], [1, 4], [2, 5]]
    x[0, 1] = 9
    assert array[1, 0] == 9


def test_a_tensor_shares_the_memory_of_an_array():
    array = np.arange(6.0)[::2]
    x = mg.from_dlpack(array)
    x.mul_(2)
    assert array.tolist() == [0, 4, 8] and x.dtype == mg.float64


def test_what_is_exported_is_not_rebound_by_a_recorded_change():
    x = mg.zeros(2)
    np.from_dlpack(x)
    with pytest.raises(RuntimeError, match="shares its memory"):
        x.add_(mg.ones(2, requires_grad=True))


def test_a_tensor_of_a_graph_is_not_exported():
    with pytest.raises(BufferError, match=r"\(2,\) float32 that requires grad.*detach"):
        np.from_dlpack(mg.ones(2, requires_grad=True))


def test_what_has_no_dlpack_is_refused_with_the_cure():
    with pytest.raises(TypeError, match=r"got a list: use mg\.tensor"):
        mg.from_dlpack([1.0, 2.0])
