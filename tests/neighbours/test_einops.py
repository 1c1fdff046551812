"""einops works with tensors, recorded."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

einops = pytest.importorskip("einops")
pytest.importorskip("minigrad.einops")

VALUES = np.arange(24.0).reshape(2, 3, 4)

PATTERNS = {
    "rearrange": lambda x: einops.rearrange(x, "b c h -> h (c b)"),
    "split an axis": lambda x: einops.rearrange(x, "b c (h w) -> b c h w", h=2),
    "stack": lambda x: einops.rearrange([x, x], "n b c h -> b n (c h)"),
    "repeat": lambda x: einops.repeat(x, "b c h -> b c (h k) n", k=2, n=3),
    "pack": lambda x: einops.pack([x, x], "b * h")[0],
    **{
        name: lambda x, name=name: einops.reduce(x, "b c h -> c", name)
        for name in ("sum", "mean", "max", "min", "prod")
    },
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_pattern_is_that_of_numpy_and_recorded(pattern):
    x = mg.tensor(VALUES, requires_grad=True)
    y = pattern(x)
    np.testing.assert_allclose(y.detach().numpy(), pattern(VALUES), rtol=1e-12)
    assert y.requires_grad and mg.gradcheck(pattern, (mg.tensor(VALUES / 7 + 1, requires_grad=True),))


def test_einsum():
    if not hasattr(mg, "einsum"):
        pytest.skip("no einsum yet")
    x = mg.tensor(VALUES, requires_grad=True)
    y = einops.einsum(x, x, "b c h, b d h -> b c d")
    np.testing.assert_allclose(y.detach().numpy(), np.einsum("bch,bdh->bcd", VALUES, VALUES))
