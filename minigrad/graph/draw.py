"""``draw``: the picture of a recorded graph, and the ``Graph`` that displays and saves it."""

from __future__ import annotations

import base64
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..engine.node import describe, named
from ..io.atomic import as_path, replacing
from ..nn.module import Module
from ..tensor.tensor import Tensor
from .appearance import checked_theme
from .both import read_both
from .description import Picture, with_legend
from .dot import to_dot
from .folding import folded
from .mermaid import to_mermaid, too_large
from .own_pass import Pass, perhaps_meant, record, tensors_in
from .pages.details import details
from .pages.page import framed, to_page, to_plain_page
from .reading import Asked, NotHereError, read
from .rendering import RenderingError, fitted, render, tall
from .tables import tabulated
from .text import LONGEST_HEADER, one_line, shortened

RENDERED = (".svg", ".png", ".pdf")
PAGES = (".html", ".htm")
DISPLAYED = 1000
"""The largest number of boxes that a notebook lays out without being asked: about a second."""
IMAGE = 100
"""The largest number of boxes of which it gets an image, too: about a second, and 1 MB."""


def draw(
    target: Any, *inputs: Any, model: Module | None = None, legend: bool = False, depth: int | None = None,
    collapse: Any = (), tables: bool | None = None, values: bool = False, grads: bool = False,
    names: Mapping[str, Tensor] | None = None, theme: str = "light", modes: str | None = None, expand: Any = None,
    **named_inputs: Any,
) -> Graph:  # fmt: skip
    """The picture of a recorded graph, with a cluster for each call of a module.

    >>> model, x, target = nn.Linear(4, 2), mg.randn(8, 4), mg.randint(2, (8,))
    >>> loss = F.cross_entropy(model(x), target)
    >>> loss.backward()
    >>> path = mg.draw(loss).save("loss.gv")  # or .svg, .png; or mg.draw(model, x), without a loss

    Clusters of batch normalisation have the colour and the name of the mode the call was made in, and dashed
    arrows to the buffers it wrote or from those it read. After backward, parameters show the root mean
    square of their gradient, red where it is zero or not finite. What is said of the pass is what was so
    when it was made; gradients and values are those of now, and are called so where they have changed since.

    Args:
        target: a computed tensor, such as a loss, or a sequence of them; a compiled step, whose latest program is
            drawn: its states, and a box for each operation and derivative; or a module. That is called with
            ``inputs``, recording also under ``no_grad``; modes, parameters, buffers, gradients and the
            random state are afterwards what they were, and so are its attributes and what is in lists, dicts, sets
            and deques among them. What forward changes elsewhere, such as in a list in a list, stays changed.
        *inputs, **named_inputs: the arguments of the module. Tensors and arrays in them, also inside dicts, lists,
            tuples and dataclasses, are drawn as inputs and named by the way to them: ``batch['x']``.
        model: where the names of modules, parameters and buffers come from. By default from the outermost
            modules that were called.
        legend: explain the shapes and colours.
        depth: how deep the tree of modules is open: with 1 each module that the model holds is one box, which says its
            operations, parameters and saved bytes. By default all of it, of a picture of more than 1,500 boxes less.
        values: say the values of every operation and leaf, or their range.
        grads: say the gradient of every operation, too, and draw the thicker an arrow the larger the gradient along it;
            of a graph that ends in one number. For values and gradients what was recorded is computed once more, the
            ``forward`` of an ``autograd.Function`` too.
        names: what to call tensors of the graph: ``{"a": a}``.
        theme: the colours: ``"light"``, ``"dark"``, or ``"print"`` for paper without colours.
        modes: ``"both"``: a pass of the module in training and one in evaluation in one picture, in which what is in
            one of them is marked; a line above says how far their outputs differ, and why. Values and gradients are
            said of each; arrows are as thick as the larger gradient along them.
        expand: operations to open into the steps inside of them, such as BatchNorm's, with the formula for one value: a
            path of a module, a class, the name of an operation, several of them, or True for all that have such.
        tables: make what a module holds rows of one box, with which a picture is narrower; by default beyond two blocks
            of a layer and a normalisation.
        collapse: modules that are one box each: a path such as ``"net.0"``, a class, or several of them.

    Raises:
        TypeError: for a target that is neither tensors nor a module, and inputs that do not fit.
        ValueError: for tensors without a graph, and a path that no module has.
    """
    theme, asked = checked_theme(theme, "draw"), Asked(values, grads, checked_names(names), expand)
    if hasattr(type(target), "_picture") and not inputs and not named_inputs:
        refuse_of_programs({"values": values, "grads": grads, "names": names, "modes": modes, "expand": expand})
        picture = target._picture()
    elif modes is not None:
        picture = read_both(checked_modes(modes, target), inputs, named_inputs, model, asked)
    else:
        own_pass = isinstance(target, Module)
        options = draw.__kwdefaults__ or ()
        made = record(target, inputs, named_inputs, options) if own_pass else Pass(tensors_in(target), [], {})
        refuse_without_graph(target, made.outputs, len(inputs), named_inputs)
        model = target if own_pass and model is None else model
        asked = asked._replace(names=made.named(asked.names))
        try:
            picture = read(made.outputs, model, made.inputs, own_pass, asked)
        except NotHereError as error:
            raise ValueError(str(error)) from None
    picture = tabulated(folded(picture, depth, collapse), tables)
    return Graph(replace(picture, theme=theme), legend)


def refuse_of_programs(options: Mapping[str, Any]) -> None:
    """Refuse what a compiled step has not: its picture is that of a program, which keeps no values."""
    given = [name for name, value in options.items() if value]
    if given:
        raise TypeError(
            f"draw: {', '.join(given)} cannot be said of a compiled step, a program that keeps no values and has one "
            "mode: draw the function that it was compiled from, or draw(step) without."
        )


def refuse_without_graph(target: Any, outputs: list[Tensor], given: int, named_inputs: Mapping[str, Any]) -> None:
    """Refuse what is no graph: neither tensors nor a module, inputs of no module, tensors without a graph."""
    is_module, given = isinstance(target, Module), given + len(named_inputs)
    if not outputs or (given and not is_module):
        named_ones = f" ({', '.join(named_inputs)})" if named_inputs else ""
        raise TypeError(
            "draw takes a tensor, a sequence of tensors, or a module that returns some with its inputs: draw(loss), "
            f"draw(f(x)), draw(model, x); got {describe(target)} and {given} inputs{named_ones}."
            f"{perhaps_meant(named_inputs, draw.__kwdefaults__ or ())}"
        )
    for output in outputs:
        if output.node is None:
            cure = (
                "What the module returns must be computed from its parameters or from inputs of floats."
                if is_module
                else "draw(model, x) records a forward pass of its own."
            )
            raise ValueError(
                f"a tensor {describe(output)} has no graph to draw: nothing it was computed from requires grad, or it "
                f"was computed under no_grad(), or detached. {cure}"
            )


def checked_modes(modes: Any, target: Any) -> Module:
    """The module to draw in both modes, if that is what was asked for."""
    if modes != "both":
        raise ValueError(
            f'draw: modes must be "both", got {modes!r}; one mode alone is that of model.train() or eval().'
        )
    if not isinstance(target, Module):
        raise TypeError(
            f'draw: modes="both" makes passes of its own: draw(model, x, modes="both"), got {named(target)}.'
        )
    return target


def checked_names(names: Any) -> Mapping[str, Tensor]:
    """Names of tensors, if they are."""
    if names is None or (
        isinstance(names, Mapping) and all(isinstance(k, str) and isinstance(x, Tensor) for k, x in names.items())
    ):
        return names or {}
    raise TypeError('draw: names must be a dict of tensors by their names: draw(loss, names={"a": a, "b": b}).')


class Graph:
    """A picture. Notebooks display it; ``source`` is its text for Graphviz, always the same for the same graph.

    It keeps what it was read from, for the details of a page: the records, and the tensors that these keep.

    Args:
        picture: what was read from the records.
        legend: add the explanation of shapes and colours.

    >>> picture = mg.draw(mg.ones(2, requires_grad=True).exp().sum())
    >>> 'exp' in picture.source
    True
    """

    def __init__(self, picture: Picture, legend: bool) -> None:
        self.picture = with_legend(picture) if legend else picture
        self.source = to_dot(self.picture)

    def __repr__(self) -> str:
        return f"<Graph {shortened(one_line(self.picture.header), LONGEST_HEADER)}>"

    def to_mermaid(self) -> str:
        """The picture as a Mermaid flowchart, for Markdown pages that draw it themselves.

        Warns if it is larger than what they show by default.
        """
        return self.flowchart(3)

    def flowchart(self, stacklevel: int) -> str:
        """The picture as a Mermaid flowchart; ``stacklevel`` is that of the warning if it is too large."""
        text = to_mermaid(self.picture)
        if problem := too_large(self.picture, text):
            warnings.warn(problem, stacklevel=stacklevel)
        return text

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file; the suffix of ``path`` says what: .svg, .png, .pdf, .html, .gv (DOT) or .md (Mermaid).

        The page (.html) needs no other file. It folds modules, searches, and shows of each box the values, what is
        saved for the derivative, the formula and the derivative rule, as they are when it is written.

        Returns:
            The file that was written: with a warning, the .gv file if a picture cannot be rendered; a page without
            a picture is a list of the boxes.

        Raises:
            TypeError: for what is no path, such as an open file.
            ValueError: for another suffix.
            OSError: if the file cannot be written, with the cure and the system's ``errno``.
        """
        path = as_path(path)
        texts: dict[str, Callable[[], str]] = {
            ".gv": lambda: self.source,
            ".dot": lambda: self.source,
            ".md": lambda: f"```mermaid\n{self.flowchart(4)}```\n",
        }
        suffix, problem = path.suffix.lower(), None
        if suffix in texts:
            data = texts[suffix]().encode()
        elif suffix in PAGES:
            facts = details(self.picture)
            try:
                data = to_page(self.picture, facts).encode()
            except RenderingError as error:
                data, problem = to_plain_page(self.picture, str(error), facts).encode(), error
        elif suffix in RENDERED:
            try:
                data = render(self.source, suffix[1:])
            except RenderingError as error:
                path, data, problem = path.with_suffix(".gv"), self.source.encode(), error
        else:
            raise ValueError(
                f"cannot save a graph as {path.name!r}: name it {', '.join([*RENDERED, *texts, PAGES[0]])}."
            )
        with replacing(path) as file:
            file.write(data)
        if problem is not None:
            what = "wrote a page without the picture" if suffix in PAGES else "kept the graph"
            warnings.warn(f"{what} as {path} instead: {problem}", stacklevel=2)
        return path

    def _repr_svg_(self) -> str | None:
        return self.displayed(images=False).get("image/svg+xml")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.displayed()

    def displayed(self, images: bool = True) -> dict[str, str]:
        """What a notebook shows: SVG, and an image for notebooks that are not trusted, in which there is no SVG.

        A tall picture is shown in a frame with a scroll bar.
        """
        boxes = sum(1 for _ in self.picture.content.all_boxes())
        if boxes > DISPLAYED:
            advice = f"{boxes:,} boxes take long to lay out. To do it all the same: .save('graph.svg')"
            return {"text/plain": f"{self!r}\n{advice}"}
        try:
            svg = render(self.source, "svg").decode()
            if tall(svg):
                page = framed(fitted(svg[svg.index("<svg") :]), "graph", "So tall a picture is in a frame")
                return {"text/html": page, "text/plain": repr(self)}
            bundle = {"image/svg+xml": fitted(svg), "text/plain": repr(self)}
            if images and boxes <= IMAGE:
                bundle["image/png"] = base64.b64encode(render(self.source, "png")).decode()
            return bundle
        except RenderingError as error:
            bundle, flowchart = {"text/plain": f"{self!r}\n{error}\n\n{self.source}"}, to_mermaid(self.picture)
            return bundle if too_large(self.picture, flowchart) else {**bundle, "text/vnd.mermaid": flowchart}
