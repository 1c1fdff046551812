"""What ``minigrad doctor`` says of the C compiler, and of the cache of what it has built."""

from __future__ import annotations

import os
import shlex

import pytest

from minigrad.command_line import doctor
from minigrad.command_line.main import main
from minigrad.compile.native import blas, cache, compiler
from minigrad.compile.native.compiler import CannotBuild, Compiler

CURE = "            -> "
FOUND = Compiler("gcc", "12.2.0", ("/usr/bin/cc", "-m64"), "-march=native", 8)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path / "c"))
    return tmp_path / "c" / "compiled"


def told(findings):
    """The text of findings, or of their lines, as one line."""
    lines = [line for each in findings for line in getattr(each, "lines", [each])]
    return " ".join(line.strip() if not line.startswith(CURE) else f"-> {line[len(CURE) :]}" for line in lines)


def test_a_compiler_is_described(monkeypatch):
    monkeypatch.setattr(compiler, "search", lambda: FOUND)
    monkeypatch.setattr(compiler, "probe", lambda command, native: ["gcc", "12.2.0", "8"])
    monkeypatch.setattr(blas, "products", lambda: blas.Products("OpenBLAS", "scipy_cblas_{}64_", 64, 1, 2, 3, 4))
    text = told(doctor.native())
    command = shlex.join(FOUND.command)
    assert text.startswith(f"compiler    gcc 12.2.0, {command}, vectors of 8 float32 numbers")
    assert text.endswith("those of NumPy's OpenBLAS (scipy_cblas_sgemm64_, integers of 64 bits)")
    monkeypatch.setattr(blas, "products", lambda: None)
    assert told(doctor.native()).endswith("products of matrices are its own: NumPy's BLAS has other names here")


def test_a_machine_without_a_compiler_is_told_the_cure(monkeypatch):
    def search():
        raise CannotBuild("no C compiler is found", "Install gcc.")

    monkeypatch.setattr(compiler, "search", search)
    text = told(doctor.native())
    assert text == "compiler    none, compiled steps run with NumPy: no C compiler is found -> Install gcc."


def test_a_compiler_that_fails_now_is_seen(monkeypatch):
    def probe(command, native):
        raise CannotBuild("it ended with status 1: no such file stdio.h")

    monkeypatch.setattr(compiler, "search", lambda: FOUND)
    monkeypatch.setattr(compiler, "probe", probe)
    text = told(doctor.native())
    assert "it ended with status 1: no such file stdio.h" in text and f"-> {compiler.CURE}" in text


def test_the_cache_is_described_and_emptied(folder, capsys, tmp_path):
    cache.trouble()
    for number in range(2):
        built = tmp_path / "built"
        built.write_bytes(bytes([number]) * 60_000)
        cache.keep(cache.digest(str(number)), built)
    assert told(doctor.kept()) == f"cache       {folder}, 2 files, 0.1 MB, emptied by doctor --clear-cache"
    assert main(["doctor", "--clear-cache"]) == 0
    out, error = capsys.readouterr()
    assert told(out.splitlines()) == f"cache       {folder}, 2 files, 0.1 MB removed" and error == ""
    assert told(doctor.kept()) == f"cache       {folder}, 0 files, 0 kB, emptied by doctor --clear-cache"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders have no owners here")
def test_a_foreign_cache_is_said_with_the_cure(folder, monkeypatch):
    cache.trouble()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert told(doctor.kept()) == (
        f"cache       not used: {folder} belongs to another user -> Set MINIGRAD_CACHE to a folder of your own."
    )


def test_a_cache_that_cannot_be_emptied_is_said(folder, monkeypatch):
    def clear():
        raise PermissionError(13, "Permission denied", "file.so")

    monkeypatch.setattr(cache, "clear", clear)
    assert told(doctor.cleared()) == "cache       file.so cannot be removed: Permission denied"
