"""The memory under a tensor as PyTorch's programs ask for it; elements one by one."""

import numpy as np
import pytest

import minigrad as mg

X = mg.arange(24.0).reshape(2, 3, 4)

VIEWS = {
    "whole": (lambda x: x, (12, 4, 1), 0, True),
    "row": (lambda x: x[1], (4, 1), 12, True),
    "part": (lambda x: x[:, 1:, ::2], (12, 4, 2), 4, False),
    "transposed": (lambda x: x.transpose(0, 2), (1, 4, 12), 0, False),
    "expanded": (lambda x: x[:, :1].expand(2, 5, 4), (12, 0, 1), 0, False),
}


@pytest.mark.parametrize("name", VIEWS)
def test_strides_and_offsets_count_elements(name):
    view, strides, offset, contiguous = VIEWS[name]
    x = view(X)
    assert (x.stride(), x.storage_offset(), x.is_contiguous()) == (strides, offset, contiguous)
    assert (x.stride(0), x.stride(-1)) == (strides[0], strides[-1])
    assert x.data_ptr() == X.data_ptr() + 4 * offset


def test_bytes():
    for dtype, n in ((mg.float64, 8), (mg.float16, 2), (mg.bool, 1)):
        x = mg.zeros(2, 3, dtype=dtype)
        assert (x.itemsize, x.element_size(), x.nbytes, x.nelement(), x.ndimension()) == (n, n, 6 * n, 6, 2)


def test_an_offset_counts_from_the_callers_array():
    assert mg.from_numpy(np.arange(10.0)[3:])[1:].storage_offset() == 4


def test_the_version_grows_with_every_change_in_place():
    x = mg.ones(3)
    view, versions = x[1:], [x._version]
    for change in (lambda: x.add_(1), lambda: view.zero_(), lambda: x.__setitem__(0, 5.0), lambda: x.uniform_()):
        change()
        versions.append(x._version)
        assert view._version == x._version
    assert versions[0] == 0 and sorted(set(versions)) == versions
    assert (x * 2)._version == 0 and x._version == versions[-1]


def test_sizes_are_compared():
    assert X.is_same_size(mg.zeros(2, 3, 4)) and not X.is_same_size(mg.zeros(2, 3))


def test_elements_one_by_one():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.apply_(lambda v: v * v) is x and x.tolist() == [[1, 4], [9, 16]]
    assert x.map_(mg.tensor([10.0, 20.0]), lambda a, b: a + b).tolist() == [[11, 24], [19, 36]]
    assert mg.tensor([1, 2]).apply_(lambda v: v + 1).tolist() == [2, 3]
    assert mg.zeros(0).apply_(lambda v: v).tolist() == []


REFUSED = {
    "no function": (lambda: X.apply_(3), TypeError, "expected a function of single elements, got 3"),
    "text": (lambda: X.apply_(lambda v: "a"), TypeError, "the function must return numbers for float32"),
    "shapes": (lambda: mg.zeros(2).map_(mg.zeros(3), min), ValueError, r"map_: \(3,\) float32 does not broadcast"),
    "no tensor": (lambda: mg.zeros(2).map_([1, 2], min), TypeError, "map_: expected a tensor, got list"),
    "leaf": (lambda: mg.ones(2, requires_grad=True).apply_(abs), RuntimeError, "requires grad"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, kind, words = REFUSED[name]
    before = X.tolist()
    with pytest.raises(kind, match=words):
        call()
    assert X.tolist() == before


def test_numpy_takes_force_and_stays_read_only():
    x = mg.ones(2, requires_grad=True)
    assert not x.numpy(force=True).flags.writeable and np.shares_memory(x.numpy(force=True), x.array)
    assert mg.zeros(2).copy_(src=mg.ones(2), non_blocking=True).tolist() == [1, 1]
