"""``draw``: the picture of a recorded graph, and the ``Graph`` that displays and saves it."""

from __future__ import annotations

import contextlib
import inspect
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy import ndarray

from ..engine.modes import enable_grad
from ..engine.node import Variable, array_of, describe, wrap
from ..io.atomic import replacing
from ..nn.module import Module
from ..tensor.random import get_rng_state, set_rng_state
from ..tensor.tensor import Tensor
from .description import Picture, with_legend
from .dot import to_dot
from .mermaid import to_mermaid
from .reading import read

RENDERED = (".svg", ".png", ".pdf")
DISPLAYED = 1000
"""The largest number of boxes that a notebook lays out without being asked: about a second."""


class RenderingError(RuntimeError):
    """A picture could not be rendered; the message says why, and the cure."""


def draw(target: Any, *inputs: Any, model: Module | None = None, legend: bool = False) -> Graph:
    """The picture of a recorded graph, with a cluster for each call of a module.

    >>> loss = F.cross_entropy(model(x), y)
    >>> loss.backward()
    >>> mg.draw(loss).save("loss.svg")          # or mg.draw(model, x), without a loss

    Clusters of BatchNorm have the colour and the name of the mode the call was made in, and dashed
    arrows to the buffers it wrote or from those it read. After backward, parameters show the root mean
    square of their gradient, red where it is zero or not finite.

    Args:
        target: a computed tensor, such as a loss, or a sequence of them; or a module. That is called with
            ``inputs``, recording also under ``no_grad``; modes, parameters, buffers, gradients and the
            random state are afterwards what they were.
        *inputs: the arguments of the module.
        model: where the names of modules, parameters and buffers come from. By default from the outermost
            modules that were called.
        legend: explain the shapes and colours.

    Raises:
        TypeError: for a target that is neither tensors nor a module, and inputs that do not fit.
        ValueError: for tensors without a graph.
    """
    if isinstance(target, Module):
        outputs, named = record(target, inputs)
        model = target if model is None else model
    else:
        outputs, named = tensors_in(target), []
    if not outputs or (inputs and not isinstance(target, Module)):
        raise TypeError(
            "draw takes a tensor, a sequence of tensors, or a module that returns some with its inputs: draw(loss), "
            f"draw(model, x); got {describe(target)} and {len(inputs)} inputs."
        )
    for output in outputs:
        if output.node is None:
            raise ValueError(
                f"a tensor {describe(output)} has no graph to draw: nothing it was computed from requires grad, or it "
                "was computed under no_grad(), or detached. draw(model, x) records a forward pass of its own."
            )
    return Graph(read(outputs, model, named), legend)


class Graph:
    """A picture. Notebooks display it; ``source`` is its text for Graphviz, always the same for the same graph."""

    def __init__(self, picture: Picture, legend: bool) -> None:
        self.picture = with_legend(picture) if legend else picture
        self.source = to_dot(self.picture)

    def __repr__(self) -> str:
        return f"<Graph {self.picture.header}>"

    def to_mermaid(self) -> str:
        """The picture as a Mermaid flowchart, for Markdown pages that draw it themselves."""
        return to_mermaid(self.picture)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file; the suffix of ``path`` says what: .svg, .png, .pdf, .gv (DOT) or .md (Mermaid).

        Returns:
            The file that was written: with a warning, the .gv file if a picture cannot be rendered.
        """
        path = Path(path)
        texts = {".gv": lambda: self.source, ".dot": lambda: self.source, ".md": self.markdown}
        suffix, problem = path.suffix.lower(), None
        if suffix in texts:
            data = texts[suffix]().encode()
        elif suffix in RENDERED:
            try:
                data = render(self.source, suffix[1:])
            except RenderingError as error:
                path, data, problem = path.with_suffix(".gv"), self.source.encode(), error
        else:
            raise ValueError(f"cannot save a graph as {path.name!r}: name it {', '.join([*RENDERED, *texts])}.")
        with replacing(path) as file:
            file.write(data)
        if problem is not None:
            warnings.warn(f"kept the graph as {path} instead: {problem}", stacklevel=2)
        return path

    def markdown(self) -> str:
        """A Markdown block that pages which know Mermaid show as the picture."""
        return f"```mermaid\n{self.to_mermaid()}```\n"

    def _repr_svg_(self) -> str | None:
        return self._repr_mimebundle_().get("image/svg+xml")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        boxes = sum(1 for _ in self.picture.content.all_boxes())
        if boxes > DISPLAYED:
            advice = f"{boxes:,} boxes take long to lay out. To do it all the same: .save('graph.svg')"
            return {"text/plain": f"{self!r}\n{advice}"}
        try:
            return {"image/svg+xml": render(self.source, "svg").decode(), "text/plain": repr(self)}
        except RenderingError as error:
            return {"text/plain": f"{self!r}\n{error}\n\n{self.source}", "text/vnd.mermaid": self.to_mermaid()}


# -- a forward pass that leaves no trace -------------------------------------------------------


def record(module: Module, inputs: Sequence[Any]) -> tuple[list[Tensor], list[tuple[str, Tensor]]]:
    """The outputs of a module with their graph, and its inputs as leaves of that graph, with their names."""
    signature = inspect.signature(module.forward)
    try:
        signature.bind(*inputs)
    except TypeError as error:
        raise TypeError(f"draw(model, *inputs): {type(module).__name__}.forward{signature}: {error}.") from None
    arguments = [leaf(value) for value in inputs]
    with unchanged(module), enable_grad():
        outputs = tensors_in(module(*arguments))
    names = list(signature.parameters)
    named = [(names[min(i, len(names) - 1)], value) for i, value in enumerate(arguments)]
    return outputs, [(name, value) for name, value in named if isinstance(value, Tensor)]


def leaf(value: Any) -> Any:
    """A tensor over the memory of a tensor or an array, which requires grad if it can; else the value itself."""
    if not isinstance(value, (Variable, ndarray)):
        return value
    tensor = wrap(array_of(value))
    return tensor.requires_grad_() if tensor.dtype.kind == "f" else tensor


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors that a value is or holds."""
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return [tensor for item in items for tensor in tensors_in(item)]


@contextlib.contextmanager
def unchanged(model: Module) -> Iterator[None]:
    """Whatever a forward pass does to a model's attributes and tensors and to the random state is undone."""
    modules = [(vars(module), dict(vars(module))) for module in model.modules()]
    tensors: list[Tensor] = [*model.parameters(), *model.buffers()]
    tensors += [tensor.grad for tensor in tensors if tensor.grad is not None]
    slots = [
        (tensor, name, getattr(tensor, name)) for tensor in tensors for name in ("array", "memory", "node", "_grad")
    ]
    values = [(tensor, tensor.array.copy(), tensor.memory.changed) for tensor in tensors]
    random = get_rng_state()
    try:
        yield
    finally:
        for attributes, before in modules:
            attributes.clear()
            attributes.update(before)
        for tensor, name, value in slots:
            setattr(tensor, name, value)
        written = [value for value in values if value[0].memory.changed != value[2]]
        for tensor, array, time in written:
            tensor.array[...] = array
            tensor.memory.changed = time
        set_rng_state(random)


# -- rendering ---------------------------------------------------------------------------------


def render(source: str, format: str) -> bytes:
    """DOT as svg, png or pdf: by the ``dot`` program, else by pygraphviz, which brings its own.

    Raises:
        RenderingError: if there is neither, or it failed.
    """
    if shutil.which("dot"):
        import graphviz  # its import takes longer than that of all minigrad

        try:
            return graphviz.pipe("dot", format, source.encode(), quiet=True)
        except (subprocess.CalledProcessError, OSError) as error:
            raise RenderingError(f"dot could not render the graph: {error}") from error
    try:
        import pygraphviz
    except ImportError:
        raise RenderingError(
            "nothing here can render a graph. Get a renderer with: pip install pygraphviz, or install your "
            "system's graphviz package, which has the program dot."
        ) from None
    try:
        return pygraphviz.AGraph(string=source).draw(format=format, prog="dot")
    except (OSError, ValueError) as error:
        raise RenderingError(f"pygraphviz could not render the graph: {error}") from error
