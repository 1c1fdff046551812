"""The pictures of the guide: ``python examples/pictures.py`` draws them all, ``python examples/pictures.py 5 8`` two.

Each is drawn from what its chapter has computed, so a picture shows what the chapter prints. The same chapters give the
same bytes. Needed: pip install "minigrad[show,onnx]"
"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import minigrad as mg
from minigrad import nn

HERE = Path(__file__).parent
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
"""M. Okabe's and K. Ito's colours, which the colour-blind can tell apart; lines differ by marker and dashes, too."""
STYLES = [(BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":"), (GREY, "x", "-")]
SETTINGS = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 9,
    "axes.titlesize": 9, "axes.spines.top": False, "axes.spines.right": False,
    "legend.frameon": False, "lines.markersize": 4, "svg.fonttype": "none", "svg.hashsalt": "minigrad",
}  # fmt: skip

Names = dict[str, Any]


def axes(columns: int = 1, width: float = 5.0, height: float = 2.8, dpi: int = 140) -> Any:
    """Axes side by side in an empty figure."""
    return Figure(figsize=(width, height), dpi=dpi, layout="constrained").subplots(1, columns, squeeze=False)[0]


def lines(axis: Any, x: Any, series: dict[str, Any], **settings: Any) -> Any:
    """A line for each name, which differs from the others by colour, marker and dashes."""
    for (name, values), (color, marker, dashes) in zip(series.items(), STYLES):
        axis.plot(x, values, color=color, marker=marker, linestyle=dashes, label=name, clip_on=False)
    axis.set(**settings)
    axis.legend()
    return axis.figure


# -- one function for each chapter: a figure, or a graph ------------------------------------------


def first_screen(found: Names) -> Any:
    return mg.draw(found["loss"], tables=True)


def first_notebook(_: Names) -> Any:
    mg.manual_seed(0)
    return mg.draw(nn.BatchNorm1d(100), mg.randn(20, 100), tables=True)


def tensors(found: Names) -> Any:
    x, y = (found[name].detach().requires_grad_() for name in "xy")
    return mg.draw(x * y + mg.sin(x), values=True, grads=True, names={"x": x, "y": y})


def mlp(found: Names) -> Any:
    x, target = (part.numpy() for part in found["test"][:])
    (axis,) = axes(width=4.2, height=3.2)
    sides = [np.linspace(low - 0.3, high + 0.3, 80) for low, high in zip(x.min(0), x.max(0))]
    grid = np.stack(np.meshgrid(*sides), -1).reshape(-1, 2).astype(np.float32)
    with mg.no_grad():
        lead = found["model"](mg.tensor(grid)).numpy() @ [-1, 1]
    levels = lead.reshape(80, 80)
    axis.contourf(*sides, levels, [-1e9, 0, 1e9], colors=[BLUE, ORANGE], alpha=0.2)
    axis.contour(*sides, levels, [0], colors="black", linewidths=1)
    for label, (color, marker, _) in zip((0, 1), STYLES):
        axis.scatter(*x[target == label].T, s=9, color=color, marker=marker, label=f"class {label}")
    axis.set(aspect="equal", title=f"test points; {found['accuracies'][1]:.1%} on the right side")
    axis.legend(loc="lower left", frameon=True)
    return axis.figure


def by_hand(found: Names) -> Any:
    x, gamma, beta = (found[name] for name in ("x", "gamma", "beta"))
    operation = nn.functional.batch_norm(x, None, None, gamma, beta, training=True)
    names = {"x": x, "gamma": gamma, "beta": beta}
    return mg.draw([found["batch_norm_by_hand"](x, gamma, beta), operation], names=names)


def train_and_eval(found: Names) -> Any:
    (axis,) = axes()
    figure = lines(axis, found["sizes"], found["accuracies"], xlabel="images in a batch of the test", ylim=(0, 1))
    axis.set(xscale="log", title="test accuracy of one trained net")
    axis.set_xticks(found["sizes"], map(str, found["sizes"]))
    axis.minorticks_off()
    return figure


def figure_1(found: Names) -> Any:
    left, *others = axes(3, 8.4)
    for (name, (steps, accuracies, inputs)), axis, (color, _, dashes) in zip(found["runs"].items(), others, STYLES):
        left.plot(steps, accuracies, color=color, linestyle=dashes, label=name)
        axis.fill_between(steps, inputs[:, 0], inputs[:, 2], color=color, alpha=0.25, linewidth=0, label="15 to 85 %")
        axis.plot(steps, inputs[:, 1], color=color, linestyle=dashes, label="median")
        axis.set(title=f"input of a sigmoid, {name}", xlabel="step", ylim=(-8, 8))
        axis.legend(loc="upper right")
    left.set(title="test accuracy", xlabel="step", ylim=(0, 1))
    left.legend(loc="center right")
    return left.figure


def heat_map(found: Names) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        rows = found["main"](["--jobs", "1", "-o", f"{folder}/rows.csv"])
    both = axes(2, 7.4, 3.0)
    for axis, batchnorm in zip(both, (True, False)):
        accuracy = {(scale, rate): value for bn, rate, scale, value in rows if bn == batchnorm}
        table = np.array([[accuracy[scale, rate] for rate in found["RATES"]] for scale in found["SCALES"]])
        axis.imshow(table, cmap="cividis", vmin=0.5, vmax=1, origin="lower")
        for (i, j), value in np.ndenumerate(table):
            axis.text(j, i, f"{100 * value:.0f}", ha="center", va="center", color="black" if value > 0.75 else "white")
        axis.set_xticks(range(6), [f"{rate:g}" for rate in found["RATES"]])
        axis.set_yticks(range(6), [f"{scale:g}" for scale in found["SCALES"]])
        good = int((table >= found["REACHED"]).sum())
        name = "with" if batchnorm else "without"
        axis.set(title=f"{name} BatchNorm: {good} of 36 reach {found['REACHED']:.0%}", xlabel="learning rate")
        axis.spines[:].set_visible(False)
    both[0].set(ylabel="initial weights times")
    return both[0].figure


def scale_invariance(found: Names) -> Any:
    (axis,) = axes()
    axis.plot(found["measured"], color=BLUE, linewidth=4, alpha=0.4, label="measured")
    axis.plot(found["predicted"], color="black", linestyle="--", label="start + lr$^2$ · sum of |dW|$^2$")
    axis.set(xlabel="step", title="|W|$^2$ of the weights in front of BatchNorm", ylim=(0, None))
    axis.legend(loc="lower right")
    return axis.figure


def variance(found: Names) -> Any:
    (axis,) = axes()
    means = np.array(found["means"][1:])
    series = {name: np.clip(errors[1:], 1e-9, 30) for name, errors in found["errors"].items()}
    figure = lines(axis, means, series, xlabel="mean of the data (deviation 1)", xscale="log", yscale="log")
    axis.set(title="largest error of a normalised value, float32 (at the top: not finite)", ylim=(3e-8, 30))
    return figure


def digits(found: Names) -> Any:
    model, accuracy = found["trained"](0)
    images, labels = found["split"](0)[1][:]
    probabilities = found["answers"](model, images).numpy()
    wrong = np.flatnonzero(probabilities.argmax(1) != labels.numpy())[:4]
    shown = axes(len(wrong), 1.7 * max(len(wrong), 3), 2.3)
    for axis, i in zip(shown, wrong):
        axis.imshow(images[int(i), 0].numpy(), cmap="gray_r")
        axis.set(title=f"read as {probabilities[i].argmax()}, is {labels[int(i)].item()}", xticks=[], yticks=[])
        axis.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    shown[0].figure.suptitle(f"{accuracy:.1%} of {len(labels)} are read right; these are not", fontsize=9)
    return shown[0].figure


def normalisations(found: Names) -> Any:
    (axis,) = axes()
    figure = lines(axis, found["SIZES"], found["of_features"], xscale="log", xlabel="images in a batch of the training")
    axis.set(title=f"test accuracy of an MLP after {found['STEPS']} steps")
    axis.set_xticks(found["SIZES"], map(str, found["SIZES"]))
    axis.minorticks_off()
    return figure


def folding(found: Names) -> Any:
    x = mg.randn(2, 128)
    before, after = (nn.Sequential(*list(net)[5:8]).eval() for net in (found["model"], found["fused"]))
    return mg.draw([before(x), after(x)], tables=True)


def three_ways(found: Names) -> Any:
    (axis,) = axes(width=6.0)
    places, count = np.arange(8), len(found["parts"])
    for i, ((name, part), (color, _, _)) in enumerate(zip(found["parts"].items(), STYLES)):
        hatch = ("", "//", "..")[i]
        axis.bar(places + 0.25 * (i - count / 2 + 0.5), part, 0.25, color=color, hatch=hatch, ec="white", label=name)
    axis.plot(places, found["total"], color="black", marker="_", markersize=28, linestyle="", label="their sum: dx")
    axis.axhline(0, color="black", linewidth=0.5)
    axis.set(title="the gradient of each sample by its three ways", xlabel="sample of the batch")
    axis.legend(ncols=2, loc="lower left")
    axis.set_ylim(axis.get_ylim()[0] * 1.6, None)
    return axis.figure


def own_operation(found: Names) -> Any:
    return found["graph"]


def power_iteration(found: Names) -> Any:
    (axis,) = axes()
    axis.plot(range(1, 41), found["estimates"], color=BLUE, label="by Hessian-vector products")
    axis.axhline(found["exact"], color="black", linestyle="--", label="by the whole matrix")
    axis.set(title="the largest eigenvalue of the Hessian", xlabel="products", ylim=(0, None))
    axis.legend(loc="lower right")
    return axis.figure


def gradient_check(found: Names) -> Any:
    left, right = axes(2, 7.4)
    x, normalise = found["x"], found["operations"]
    dy = mg.randn(6, 3, dtype=mg.float64, generator=mg.Generator().manual_seed(1))
    exact, faulty = (mg.grad(normalise[name](x), [x], dy)[0].numpy().ravel() for name in list(normalise)[:2])
    left.scatter(exact, exact, s=14, color=BLUE, marker="o", label="the right rule")
    left.scatter(exact, faulty, s=14, color=ORANGE, marker="s", label="without the variance")
    left.set(title="backward against finite differences", xlabel="finite differences", ylabel="backward")
    left.legend()
    names = {"two_points": "two points", "four_points": "four points"}
    errors = {names[name]: values for name, values in found["errors"].items()}
    return lines(right, found["steps"], errors, xscale="log", yscale="log", title="error by step", xlabel="step")


def compiled_step(found: Names) -> Any:
    """The text, with its three parts on grounds of different colours."""
    parts = list(found["parts"].items())
    (axis,) = axes(width=6.4, height=0.135 * sum(len(lines) + 1 for _, lines in parts))
    row = 0
    for (name, lines), (color, _, _) in zip(parts, STYLES):
        axis.axhspan(row - 0.8, row + len(lines) - 0.2, color=color, alpha=0.12, linewidth=0)
        axis.text(0.99, row + 0.2, name, ha="right", va="center", color=color, fontsize=9, fontweight="bold")
        for number, line in enumerate(lines):
            axis.text(0.01, row + number, line.strip(), va="center", fontsize=6, family="monospace", parse_math=False)
        row += len(lines) + 1
    axis.set(xlim=(0, 1), ylim=(row - 1.2, -0.8))
    axis.axis("off")
    return axis.figure


def leaving(found: Names) -> Any:
    """The nodes of the ONNX file, in their order, and below them what they read of the state."""
    if not found["there"]["onnx"]:
        raise ImportError('onnx is missing: pip install "minigrad[onnx]"')
    (axis,) = axes(width=6.4, height=1.5)
    nodes, boxes = list(found["written"].graph.node), []
    for i, node in enumerate(nodes):
        style = {"boxstyle": "round,pad=0.5", "facecolor": "#DCEBF5", "edgecolor": BLUE}
        boxes.append(axis.text(i, 0.72, node.op_type, ha="center", va="center", bbox=style))
        axis.text(i, 0.46, "\n".join(node.input[1:]), ha="center", va="top", fontsize=8, color=GREY)
    for i, (a, b) in enumerate(pairwise(box.get_bbox_patch() for box in boxes)):
        axis.annotate("", (i + 1, 0.72), (i, 0.72), arrowprops={"arrowstyle": "->", "patchA": a, "patchB": b})
    axis.set(xlim=(-0.5, len(nodes) - 0.5), ylim=(-0.1, 1), title="the nodes of digits.onnx, and the state they read")
    axis.axis("off")
    return axis.figure


def synchronised(found: Names) -> Any:
    both = axes(2, 7.4)
    for axis, (name, drift) in zip(both, found["trainings"]().items()):
        for rank, (away, (color, marker, _)) in enumerate(zip(drift, STYLES)):
            label = f"{found['SHARDS'][rank]} samples of 64"
            axis.plot(away, color=color, marker=marker, linestyle="", label=label)
        axis.set(title=f"{name}: running means of four ranks", xlabel="channel", ylim=(-0.25, 0.25))
    both[0].set(ylabel="deviations from their average")
    both[0].legend(ncols=2, loc="upper center")
    return both[0].figure


PICTURES = {
    0: first_screen, 1: first_notebook, 2: tensors, 3: mlp, 4: by_hand, 5: train_and_eval, 6: figure_1, 7: heat_map,
    8: scale_invariance, 9: variance, 10: digits, 11: normalisations, 12: folding, 13: three_ways, 14: own_operation,
    15: power_iteration, 16: gradient_check, 17: compiled_step, 18: leaving, 19: synchronised,
}  # fmt: skip
TEXTS = (17,)
"""Pictures of text, which letters keep small and sharp."""


def snippet(page: Path) -> Names:
    """The names after the first lines of Python on a page, which are run in an empty folder."""
    code = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: Names = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        exec(code[1] if code else "", names)
    return names


def draw(number: int, folder: Path) -> Path:
    """Run a chapter, or for 0 the first lines of Python in the project's README, and write the picture."""
    (chapter,) = HERE.glob(f"{number:02}_*.py") if number else [HERE.parent / "README.md"]
    path = folder / (chapter.name if number else "first_screen.py")
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
        matplotlib.rc_context(SETTINGS),
    ):
        drawn = PICTURES[number](runpy.run_path(str(chapter)) if number else snippet(chapter))
        if not isinstance(drawn, Figure):
            return drawn.save(path.with_suffix(".svg"))
        if number in TEXTS:
            drawn.savefig(path.with_suffix(".svg"), metadata={"Creator": None, "Date": None})
            return path.with_suffix(".svg")
        pixels = io.BytesIO()
        drawn.savefig(pixels, format="png")
        picture = Image.open(pixels).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        picture.save(path.with_suffix(".png"), optimize=True)
        return path.with_suffix(".png")


if __name__ == "__main__":
    for chosen in map(int, sys.argv[1:] or PICTURES):
        try:
            written = draw(chosen, HERE / "pictures")
            print(f"{written.name}: {written.stat().st_size / 1000:.1f} kB")
        except ImportError as error:
            print(f"the picture of chapter {chosen} stays as it is: {error}")
