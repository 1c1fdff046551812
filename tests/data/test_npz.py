"""Tables in NumPy's files."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from minigrad.data import TableError
from minigrad.data.npz_file import read_npz

X, Y = np.arange(12.0).reshape(3, 2, 2), np.array([0, 1, 0])


@pytest.fixture
def saved(tmp_path):
    def saved(**arrays):
        np.savez(tmp_path / "t.npz", **arrays)
        return tmp_path / "t.npz"

    return saved


@pytest.mark.parametrize("names", [("X", "y"), ("x", "y"), ("data", "target"), ("images", "labels")])
def test_inputs_are_laid_out_flat(names, saved):
    table = read_npz(saved(**dict(zip(names, (X, Y)))))
    assert table.names == ["x1", "x2", "x3", "x4", names[1]] and not table.named
    np.testing.assert_array_equal(np.stack([column.values for column in table.columns[:-1]], 1), X.reshape(3, 4))
    np.testing.assert_array_equal(table.columns[-1].values, Y)
    assert table.where(1).endswith("t.npz, row 2")


def test_the_files_own_split_is_kept(saved):
    table = read_npz(saved(x_train=X, y_train=Y[:, None], x_test=X[:1] + 100, y_test=Y[:1, None]))
    assert table.rows == 4 and table.testing.tolist() == [False, False, False, True]
    assert table.columns[0].values.tolist() == [0, 4, 8, 100] and table.columns[-1].values.tolist() == [0, 1, 0, 0]


def test_texts_and_booleans_are_words(saved):
    table = read_npz(saved(X=np.array([["b", "1"], ["a", "2"]]), y=np.array([True, False])))
    assert [column.words for column in table.columns] == [("a", "b"), ("1", "2"), ("False", "True")]
    assert [column.values.tolist() for column in table.columns] == [[1, 0], [0, 1], [1, 0]]


def test_another_array_may_be_the_target(saved):
    assert read_npz(saved(X=X, y=Y, age=Y + 5), "age").columns[-1].values.tolist() == [5, 6, 5]


REFUSED = [
    ({"a": X}, "has no array 'y'. It has a: write np.savez(file, X=X, y=y)"),
    ({"y": Y}, "has no array 'X'"),
    ({"X": X, "y": Y[:2]}, "y (2,) must have one value for each row of X (3, 2, 2)"),
    ({"X": X[:0], "y": Y[:0]}, "has no samples"),
    ({"X": np.float64(1), "y": Y}, "has no samples"),
    ({"X": X * 1j, "y": Y}, "of numbers or texts, got complex128"),
    ({"X": np.array([{}] * 3), "y": Y}, "Python objects is not loaded"),
    ({"x_train": X, "y_train": Y, "x_test": X[:, :1], "y_test": Y}, "differ"),
]


@pytest.mark.parametrize(("arrays", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_no_table_is_refused(arrays, message, saved):
    with pytest.raises(TableError) as error:
        read_npz(saved(**arrays))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_misspelled_target_is_hinted_at(saved):
    with pytest.raises(TableError, match=r"no array 'lable'. Did you mean 'label'\?"):
        read_npz(saved(X=X, label=Y), "lable")


def test_headers_are_believed_only_if_they_fit(tmp_path, saved):
    path = saved(X=X, y=Y)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["X.npy"] = parts["X.npy"].replace(b"(3, 2, 2)", b"(9, 2, 2)")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(TableError, match="array 'X' is damaged"):
        read_npz(path)


def test_other_files_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", X)
    (tmp_path / "noise.npz").write_bytes(bytes(range(256)))
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04")
    for name, message in (
        ("a.npy", "a single array"),
        ("noise.npz", "np.savez"),
        ("cut.npz", "np.savez"),
        ("no", "no file"),
    ):
        with pytest.raises(TableError, match=message):
            read_npz(tmp_path / name)
