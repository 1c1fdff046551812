"""The pictures of a training run: its last step, its curves, and in the plane or on a line what was learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..graph.draw import Graph
from ..training import plots
from . import pictures

GRAPH = "graph.svg"


def graph_and_curves(run: Any, graph: Graph) -> dict[str, Callable[[Path], Any]]:
    """What draws each picture of a run, by the name of its file."""
    return {GRAPH: graph.save, **curves(run)}


def curves(run: Any) -> dict[str, Callable[[Path], Any]]:
    """The pictures that matplotlib draws."""
    name, sets = run.problem.name, (run.train_set.tensors, run.test_set.tensors)
    about = plots.about(run.model, run.optimizer, run.settings.batch_size, run.settings.seed)
    jobs: dict[str, Callable[[Path], Any]] = {
        "curves.png": lambda path: pictures.learning_curves(
            run.history, run.best, run.task.title, run.settings.batchnorm, name, about, path
        )
    }
    inputs = sets[0][0].shape[1]
    if inputs == len(run.problem.preparation.features) == 2 and run.problem.task == "classification":
        title = f"{name}: decision boundary"
        kept = run.problem.preparation
        names = [f"{name.replace('$', '')}, scaled" for name, _ in kept.features]
        axes = names if kept.named else pictures.PLANE
        classes = kept.classes or ()
        jobs["boundary.png"] = lambda path: pictures.decision_boundary(
            run.model, sets, classes, axes, title, about, path
        )
    if inputs == 1 and run.problem.task == "regression":
        jobs["fit.png"] = lambda path: pictures.fitted_curve(run.model, sets, f"{name}: fitted curve", about, path)
    return jobs
