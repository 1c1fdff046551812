"""The notebook that started the project: its cells run as they stand, and print what they printed."""

import contextlib
import io
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

SESSION = """
m = nn.BatchNorm1d(100)
output = m(torch.randn(20, 100))
for name, param in m.named_parameters(): print(f"Name: {name},\\tShape: {param.size()},\\tRequires grad: {param.requires_grad}")
m
m.running_mean, m.running_var, m.num_batches_tracked, m.training
m = nn.BatchNorm1d(100, affine=False)
output = m(torch.randn(20, 100))
for name, param in m.named_parameters(): print(f"Name: {name},\\tShape: {param.size()},\\tRequires grad: {param.requires_grad}")
m
m.running_mean, m.running_var, m.num_batches_tracked, m.training
"""  # noqa: E501 - the cells as they stand

NAMES = """Name: weight,\tShape: (100,),\tRequires grad: True
Name: bias,\tShape: (100,),\tRequires grad: True
"""
MODULE = "BatchNorm1d(100, eps=1e-05, momentum=0.1, affine={}, track_running_stats=True)\n"
STATE = """(tensor([-0.3095, -0.1850, -0.1503, -0.0390,  0.0982,  0.1805,  0.2923, -0.3252,
        -0.2438, -0.1059, -0.0096,  0.0756,  0.1818,  0.2658, -0.3183, -0.2024,
        -0.1266, -0.0248,  0.0782,  0.1757,  0.2939, -0.3192, -0.2325, -0.1175,
        -0.0199,  0.0845,  0.1864,  0.2679, -0.3223, -0.2123, -0.1204, -0.0162,
         0.0747,  0.1722,  0.2896, -0.3173, -0.2232, -0.1202, -0.0269,  0.0847,
         0.1883,  0.2733, -0.3220, -0.2207, -0.1204, -0.0110,  0.0766,  0.1723,
         0.2838, -0.3196, -0.2162, -0.1183, -0.0299,  0.0819,  0.1860,  0.2788,
        -0.3181, -0.2260, -0.1233, -0.0103,  0.0795,  0.1766,  0.2794, -0.3248,
        -0.2128, -0.1152, -0.0284,  0.0796,  0.1800,  0.2816, -0.3122, -0.2272,
        -0.1259, -0.0140,  0.0803,  0.1840,  0.2784, -0.3305, -0.2137, -0.1141,
        -0.0229,  0.0810,  0.1718,  0.2805, -0.3073, -0.2247, -0.1245, -0.0208,
         0.0762,  0.1926,  0.2815, -0.3338, -0.2173, -0.1190, -0.0151,  0.0888,
         0.1631,  0.2756, -0.3066, -0.2207]), tensor([1.0902, 1.1065, 1.1009, 1.1136, 1.0941, 1.1133, 1.1215, 1.0965, 1.1075,
        1.1111, 1.1110, 1.1074, 1.1051, 1.1204, 1.1039, 1.1034, 1.1162, 1.1091,
        1.1112, 1.1040, 1.1157, 1.1118, 1.0998, 1.1172, 1.1105, 1.1100, 1.1066,
        1.1101, 1.1179, 1.0994, 1.1135, 1.1152, 1.1067, 1.1095, 1.1065, 1.1201,
        1.1036, 1.1052, 1.1216, 1.1049, 1.1090, 1.1068, 1.1180, 1.1126, 1.0930,
        1.1269, 1.1103, 1.1000, 1.1122, 1.1122, 1.1304, 1.0684, 1.1271, 1.1625,
        1.0096, 1.1810, 1.1216, 1.0500, 1.1446, 1.1331, 1.0648, 1.1321, 1.1160,
        1.1041, 1.1065, 1.1085, 1.1258, 1.0946, 1.1105, 1.1217, 1.1029, 1.1102,
        1.1069, 1.1187, 1.1072, 1.1020, 1.1218, 1.1059, 1.1077, 1.1099, 1.1129,
        1.1140, 1.0996, 1.1175, 1.1115, 1.1040, 1.1123, 1.1103, 1.1155, 1.1016,
        1.1104, 1.1174, 1.1024, 1.1113, 1.1114, 1.1127, 1.1055, 1.1032, 1.1209,
        1.1057]), tensor(1), True)
"""  # noqa: E501 - two tensors in a tuple share a line
EXPECTED = NAMES + MODULE.format(True) + STATE + MODULE.format(False) + STATE
"""What PyTorch prints for the batch below, but for its name of a size."""


def batch():
    i, j = np.ogrid[:20, :100]
    return mg.tensor((2 * np.sin(0.37 * i + 1.3 * j + 0.05 * i * j) + j % 7 - 3.2).astype(np.float32))


def displayed(source, namespace):
    """What a notebook shows: cell by cell what is printed, and the value of a lone expression."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        for cell in source.strip().splitlines():
            exec(compile(cell + "\n", "cell", "single"), namespace)
    return shown.getvalue()


def namespace():
    cells = {}
    exec("import minigrad as torch\nfrom minigrad import nn", cells)
    return cells


@pytest.fixture
def fixed_batch(monkeypatch):
    """Instead of a random batch always the same."""

    def randn(*size):
        assert size == (20, 100)
        return batch()

    monkeypatch.setattr(mg, "randn", randn)


def test_the_session_prints_what_it_printed(fixed_batch):
    assert displayed(SESSION, namespace()) == EXPECTED


def test_the_example_is_the_session(fixed_batch, capsys):
    runpy.run_path(str(Path(__file__).parents[2] / "examples" / "01_batchnorm_notebook.py"))
    assert capsys.readouterr().out == EXPECTED


def test_the_session_runs_with_random_batches():
    mg.manual_seed(0)
    cells = namespace()
    text = displayed(SESSION, cells)
    number = r"-?\d\.\d{4}(e-\d\d)?"
    assert text.startswith(NAMES + MODULE.format(True))
    assert len(re.findall(number, text)) == 400
    assert text.count("tensor(1), True)\n") == 2
    m, output = cells["m"], cells["output"].numpy()
    assert output.shape == (20, 100) and not cells["output"].requires_grad
    np.testing.assert_allclose(output.mean(0), np.zeros(100), atol=1e-6)
    np.testing.assert_allclose(output.std(0), np.ones(100), atol=1e-4)
    assert repr(m.running_mean) in text and repr(m.running_var) in text
