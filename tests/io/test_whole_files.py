"""A saved file is whole, or as it was before."""

import os
import zipfile

import numpy as np
import pytest

import minigrad as mg
from tests.io.files import content, form


def fail(*_, **__):
    raise OSError(28, "No space left on device")


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (np.lib.format, "write_array"),
        (zipfile.ZipFile, "writestr"),
        (os, "fsync"),
        (os, "replace"),
    ],
)
@pytest.mark.parametrize("failure", [fail, interrupt])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(path, monkeypatch, place, name, failure, existed):
    if existed:
        mg.save({"old": 1}, path)
    before = path.read_bytes() if existed else None
    with monkeypatch.context() as patch:
        patch.setattr(place, name, failure)
        with pytest.raises((OSError, KeyboardInterrupt)) as caught:
            mg.save(content(), path)
    if failure is fail:
        assert str(path) in str(caught.value) and "No space left on device" in str(caught.value)
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"] * existed
    assert not existed or path.read_bytes() == before
    mg.save(content(), path)
    assert form(mg.load(path)) == form(content())


def test_the_file_is_complete_before_it_gets_its_name(path, monkeypatch):
    order = []
    for place, name in ((os, "fsync"), (os, "replace")):
        original = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *a, _o=original, _n=name: (order.append((_n, *a)), _o(*a))[1])
    real_replace = os.replace

    def replace(source, target):
        assert not os.path.exists(target)
        assert form(mg.load(source)) == form(content())
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", replace)
    mg.save(content(), path)
    assert [step[0] for step in order] == ["fsync", "replace"]


def test_saving_over_a_file_replaces_it(path):
    for size in (1000, 3):
        mg.save(content(size), path)
        assert form(mg.load(path)) == form(content(size))
    assert [p.name for p in path.parent.iterdir()] == ["run.ckpt"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_file_has_the_usual_permissions(path, mask):
    before = os.umask(mask)
    try:
        mg.save({"a": 1}, path)
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    finally:
        os.umask(before)


def test_a_folder_that_is_missing_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*none.* Make it first"):
        mg.save({"a": 1}, tmp_path / "none" / "run.ckpt")
    assert not any(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        mg.save({"a": 1}, folder)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"] and not any(folder.iterdir())
    with pytest.raises(OSError, match="folder"):
        mg.load(folder)


def test_a_folder_that_cannot_be_written_to_is_named_with_a_cure(path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError, match=r"run\.ckpt: Permission denied\. .*(another|writable)"):
        mg.save({"a": 1}, path)
    assert not any(path.parent.iterdir())


def test_what_is_not_there_cannot_be_loaded(path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*run\.ckpt: there is no such file"):
        mg.load(path)
