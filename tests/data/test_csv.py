"""Tables in text files: what is read, and what is refused in one line."""

from __future__ import annotations

import csv
import gzip
import os
import threading

import numpy as np
import pytest

from minigrad.data import TableError
from minigrad.data.csv_file import CHUNK, read_csv


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_csv(path, **options)

    return read


def contents(table):
    """The columns as lists: words as words, missing values as None."""
    result = {}
    for name, values, words in table.columns:
        if words is None:
            result[name] = [None if np.isnan(value) else value for value in values]
        else:
            result[name] = [None if code < 0 else words[code] for code in values]
    return result


AB = {"a": [1.0, 3.0], "b": [2.5, -4.0]}

READ = {
    "commas": ("a,b\n1,2.5\n3,-4\n", AB),
    "semicolons and decimal commas": ("a;b\n1;2,5\n3;-4,0\n", AB),
    "tabs": ("a\tb\n1\t2.5\n3\t-4\n", AB),
    "bars": ("a|b\n1|2.5\n3|-4\n", AB),
    "spaces": ("a b\n1   2.5\n  3  -4  \n", AB),
    "spaces after commas": ("a, b\n1, 2.5\n3, -4\n", AB),
    "CRLF": ("a,b\r\n1,2.5\r\n3,-4\r\n", AB),
    "CR": ("a,b\r1,2.5\r3,-4\r", AB),
    "no end of line": ("a,b\n1,2.5\n3,-4", AB),
    "empty lines": ("\na,b\n\n1,2.5\n   \n3,-4\n\n", AB),
    "a BOM": (b"\xef\xbb\xbfa,b\n1,2.5\n3,-4\n", AB),
    "UTF-16": ("a,b\n1,2.5\n3,-4\n".encode("utf-16"), AB),
    "gzip": (gzip.compress(b"a,b\n1,2.5\n3,-4\n"), AB),
    "quotes": ('"a","b"\n"1","2.5"\n"3","-4"\n', AB),
    "exponents": ("a,b\n1e0,25e-1\n3,-4E0\n", AB),
    "no header": ("1,2.5\n3,-4\n", {"column 1": AB["a"], "column 2": AB["b"]}),
    "numbered header": ("0,1\n1,2.5\n3,-4\n", {"0": AB["a"], "1": AB["b"]}),
    "one column": ("a\n1\n3\n", {"a": [1.0, 3.0]}),
    "separators in quotes": ('a,b\n"x, y","say ""hi"""\n"x;\nz",w\n', {"a": ["x, y", "x;\nz"], "b": ['say "hi"', "w"]}),
    "umlauts": ("größe\n1\n2\n", {"größe": [1.0, 2.0]}),
    "missing": ("a,b\n1,x\n?,NA\n,\nnan,None\n", {"a": [1.0, None, None, None], "b": ["x", None, None, None]}),
    "words and numbers": ("a,b\n1,2\nx,3\n", {"a": ["1", "x"], "b": [2.0, 3.0]}),
    "words with spaces": ("a,b\nNew York , 1\nRome,2\n", {"a": ["New York", "Rome"], "b": [1.0, 2.0]}),
}


@pytest.mark.parametrize("name", READ)
def test_tables_are_read_however_they_are_written(name, read):
    content, expected = READ[name]
    assert contents(read(content)) == expected


def test_the_user_says_whether_there_is_a_header(read):
    assert contents(read("2019,2020\n1,2\n", header=True)) == {"2019": [1.0], "2020": [2.0]}
    assert contents(read("x,y\nz,w\n", header=False)) == {"column 1": ["x", "z"], "column 2": ["y", "w"]}


def test_rows_know_the_line_they_begin_on(read):
    table = read('"a\nb",c\n\n1,"x\ny"\n2,z\n')
    assert table.lines.tolist() == [4, 6] and table.where(1).endswith("t.csv, line 6")


@pytest.mark.parametrize("rows", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
@pytest.mark.parametrize("late", [False, True])
def test_long_tables_are_read_in_parts(rows, late, tmp_path):
    """Also where a word comes only at the end of a column."""
    numbers = np.random.default_rng(0).standard_normal(rows)
    texts = [str(number) for number in numbers]
    texts[-1] = "word" if late else texts[-1]
    with open(tmp_path / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows([("a", "b"), *zip(texts, "xyz" * rows)])
    found = contents(read_csv(tmp_path / "t.csv"))
    assert found["a"] == (texts if late else numbers.tolist())
    assert found["b"] == [*("xyz" * rows)[:rows]]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_read_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"a,b\n1,2\nx,3\n",))
    writer.start()
    assert contents(read_csv(pipe)) == {"a": ["1", "x"], "b": [2.0, 3.0]}
    writer.join()


REFUSED = {
    "empty": ("", "t.csv is empty"),
    "only a BOM": (b"\xef\xbb\xbf", "t.csv is empty"),
    "only empty lines": ("\n \n\n", "t.csv is empty"),
    "only a header": ("a,b\n", "names of columns in line 1, but no rows below"),
    "a short row": ("a,b\n1,2\n\n3\n", "t.csv, line 4 has 1 field, line 1 has 2"),
    "a long row": ("a,b\n1,2\n3,4,5\n", "t.csv, line 3 has 3 fields"),
    "twins": ("a,b,a\n1,2,3\n", "2 columns named 'a': rename all but one"),
    "an open quote": ('a,b\n1,"2\n3,4\n', "line 2: unexpected end of data; is a quotation mark not closed there?"),
    "Latin 1": ("a,größe\n1,2\n".encode("latin1"), "no text in UTF-8 (byte 0xf6): save it as CSV in UTF-8"),
    "a spreadsheet": (b"PK\x03\x04rest", "a zip file or a spreadsheet: save it as CSV"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0rest", "a spreadsheet: save it as CSV"),
    "an array": (b"\x93NUMPY", "np.savez('file.npz', X=X, y=y)"),
    "cut off": (gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-12], "compressed by gzip, and damaged or cut off"),
    "damaged": (gzip.compress(b"a,b\n1,2\n")[:10] + b"xxxx", "compressed by gzip, and damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_in_one_line(name, read):
    content, message = REFUSED[name]
    with pytest.raises(TableError) as error:
        read(content)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(TableError, match="there is no file"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(TableError, match="is a folder: name the file in it"):
        read_csv(tmp_path)


def test_names_that_are_nearly_right_are_hinted_at(read):
    table = read("Petal,b\n1,2\n")
    with pytest.raises(TableError, match=r"no column 'petl'. Did you mean 'Petal'\? It has Petal, b\."):
        table.column("petl")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_the_share_that_is_read_grows_to_the_whole(name, tmp_path):
    data = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i % 7) for i in range(2 * CHUNK + 5))
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    shares = []
    read_csv(tmp_path / name, None, shares.append)
    assert len(shares) == 3 and shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1
