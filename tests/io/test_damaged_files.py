"""Damaged files are refused, whatever bytes changed."""

import numpy as np
import pytest

import minigrad as mg
from tests.io.files import content, form, load_bytes


def small():
    """The smallest that has every part of the format."""
    return {1: (mg.tensor([1.5, -2.5]), np.float32(3))}


@pytest.mark.slow
def test_a_truncated_file_is_refused_at_every_length(path):
    mg.save(small(), path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        assert load_bytes(path, whole[:length]) == "refused", length


@pytest.mark.slow
def test_a_changed_byte_is_noticed_or_does_not_matter(path):
    mg.save(small(), path)
    whole, expected = path.read_bytes(), form(small())
    refused = 0
    for i in range(len(whole)):
        for flip in (1 << (i % 8), 0xFF):
            data = bytearray(whole)
            data[i] ^= flip
            result = load_bytes(path, bytes(data))
            assert result in ("refused", expected), (i, flip)
            refused += result == "refused"
    assert refused > len(whole)  # more than half of all changes matter


@pytest.mark.slow
def test_blocks_that_were_lost_doubled_or_exchanged_are_noticed(path):
    mg.save(content(2000), path)
    whole, expected = path.read_bytes(), form(content(2000))
    draw = np.random.default_rng(0)
    for _ in range(100):
        a, b, c = sorted(draw.integers(0, len(whole), 3))
        for data in (
            whole[:a] + whole[b:],
            whole[:b] + whole[a:],
            whole[:a] + whole[b:c] + whole[a:b] + whole[c:],
            whole[:a] + bytes(b - a) + whole[b:],
            whole[:a] + draw.bytes(b - a) + whole[b:],
        ):
            assert load_bytes(path, data) in ("refused", expected)
