"""Which names a file can have: every one that the system takes, and none that only a folder can have."""

from __future__ import annotations

import errno
import io
import os

import pytest

import minigrad as mg
from minigrad.engine.arguments import a_type


def save_checkpoint(path):
    mg.save({"a": 1}, path)


def save_graph(path):
    mg.draw(mg.ones(1, requires_grad=True) * 2).save(path)


WRITERS = pytest.mark.parametrize(("write", "suffix"), [(save_checkpoint, ".ckpt"), (save_graph, ".gv")])
longest = os.pathconf(".", "PC_NAME_MAX") if hasattr(os, "pathconf") else 255


@WRITERS
@pytest.mark.parametrize("length", [60, 64, 65, 200, longest - 17, longest])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_every_name_that_the_system_takes_can_be_saved(write, suffix, length, letter, tmp_path):
    """Names are measured in bytes: é has two."""
    name = letter * ((length - len(suffix)) // len(letter.encode())) + suffix
    with open(tmp_path / name, "wb"):
        pass
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).stat().st_size


def test_a_name_that_is_too_long_has_its_cure(tmp_path):
    with pytest.raises(OSError, match="Choose a shorter name") as refused:
        save_checkpoint(tmp_path / ("x" * (longest + 1)))
    assert refused.value.errno == errno.ENAMETOOLONG and os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="locks tell what is being written")
def test_what_a_killed_process_left_of_a_long_name_goes_with_the_next_save(tmp_path, monkeypatch):
    path = tmp_path / ("x" * longest)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        patch.setattr(os, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_checkpoint(path)
    (left,) = os.listdir(tmp_path)
    assert left != path.name
    save_checkpoint(path)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["g.gv/", "g.gv/.", "", "new/", os.fsencode("g.gv/")])
@pytest.mark.parametrize("function", [save_checkpoint, save_graph, mg.load])
def test_a_name_that_only_a_folder_can_have_is_refused(function, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IsADirectoryError, match=r"it names a folder\. Name a file in it\.") as refused:
        function(name)
    assert refused.value.errno == errno.EISDIR and os.listdir() == []


@pytest.mark.parametrize("given", [None, 3.5, io.BytesIO])
@pytest.mark.parametrize("function", [save_checkpoint, save_graph, mg.load])
def test_what_is_no_path_is_refused(function, given):
    with pytest.raises(TypeError, match=rf"{a_type(given)}: expected the path of a file \(str or os.PathLike\)"):
        function(given)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("hold", "where"),
    [
        (lambda n: n, "the object"),
        (lambda n: {"a": [n]}, r"the object\['a'\]\[0\]"),
        (lambda n: {n: [10]}, "a key of the object"),
    ],
    ids=["alone", "inside", "key"],
)
def test_an_integer_that_could_not_be_read_again_is_refused(hold, where, sign, tmp_path):
    mg.save(hold(sign * (10**4300 - 1)), tmp_path / "run")
    assert mg.load(tmp_path / "run") == hold(sign * (10**4300 - 1))
    with pytest.raises(ValueError, match=rf"cannot save {where}: an integer of more than 4,300 digits.*hex\(value\)"):
        mg.save(hold(sign * 10**4300), tmp_path / "other")
    assert os.listdir(tmp_path) == ["run"]
