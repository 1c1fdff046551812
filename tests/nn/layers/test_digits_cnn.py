"""The example of a convolutional net learns: two epochs instead of its fifteen."""

import runpy
from pathlib import Path


def test_the_example_reads_digits():
    example = runpy.run_path(str(Path(__file__).parents[3] / "examples" / "digits_cnn.py"))
    model, accuracy = example["trained"](seed=0, epochs=2)
    assert accuracy > 0.95
    assert not any(name.endswith("0.bias") for name in model.state_dict())
