"""The result of a command for programs: what ``--json`` prints, and the keys that it has."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

COMMON = {
    "command": "its name, null if there is none of that name",
    "exit_code": "the code with which the process ends",
    "error": "the line that says what is wrong, or null",
}
"""The first keys of every result; all others are null until the command has got that far."""

KEYS: dict[str, dict[str, str]] = {
    "train": {
        "dataset": "as it was named",
        "task": "classification or regression",
        "seed": "the start of all random numbers",
        "epochs": "how many are finished",
        "score": "the name of the score: test_accuracy or test_r2",
        "last": "the last epoch: epoch, train_loss, test_loss, score, seconds, lr",
        "best": "the same of the best epoch",
        "folder": "where everything was written",
        "files": "the names of the files there",
        "resume": "after Ctrl-C the command that goes on, else null",
        "notes": "lines about the data, missing packages and warnings",
    },
    "predict": {
        "target": "the name of what is predicted",
        "classes": "the classes, or null for numbers",
        "predictions": "one for each row",
        "probabilities": "with --proba for each row those of the classes",
        "file": "where the table was written, or null",
        "score": "a line about the rows whose target is in the file, or null",
    },
    "compare": {
        "dataset": "as it was named",
        "seeds": "the starts of the random numbers of each run",
        "steps": "after how many the nets were measured last",
        "nets": "by name: accuracy, deviation of the seeds, and percentiles of one unit's input",
        "seconds": "how long it took",
        "folder": "where everything was written",
        "files": "the names of the files there",
        "again": "after Ctrl-C the command that starts again, else null",
    },
    "summary": {
        "checkpoint": "the file or folder",
        "target": "the name of what is predicted",
        "classes": "the classes, or null for numbers",
        "features": "the columns that are the inputs",
        "layers": "of each: path, module, output, parameters, buffers, mode",
        "parameters": "how many numbers are trained",
        "findings": "what is suspicious: where, what, why, cure",
    },
    "draw": {
        "target": "as it was named",
        "file": "what was written",
        "boxes": "how many boxes the picture has",
        "header": "the line above it",
    },
    "inspect": {
        "file": "the file",
        "format": "what kind of file it is",
        "bytes": "its size",
        "values": "how many numbers its arrays hold",
        "entries": "of each: name, kind, dtype, shape, bytes, and value or smallest, largest and nonfinite",
    },
    "check": {
        "rows": "of each derivative that was checked the cells of the table, by column",
        "wrong": "how many of them are wrong",
        "not_checked": "how many could not be checked",
        "findings": "what is wrong with each that is",
    },
    "diagnose": {
        "dataset": "the data",
        "samples": "how many are trained on",
        "batch_size": "samples per step",
        "findings": "what is suspicious: where, what, why, cure",
    },
    "bench": {
        "workloads": "of each: name, net, batch, seconds of a step by contender, disturbed",
        "blas": "what multiplies matrices",
        "advice": "a setting that is faster here, or null",
    },
    "doctor": {"findings": "of each: label, text, cures"},
}
"""By command the keys of its result, and what they mean."""


class Result(dict[str, Any]):
    """A part of a command's result; it is yielded among the lines."""


Lines: TypeAlias = Iterator["str | Result"]
"""What commands yield: lines for people, and parts of the result for programs."""


def document(command: str | None, found: Mapping[str, Any], code: int, error: str | None) -> str:
    """The result as JSON, with all keys of the command."""
    known = KEYS.get(command or "", {})
    common = {"command": command if known else None, "exit_code": code, "error": error}
    return json.dumps(plain({**common, **dict.fromkeys(known), **found}), indent=1, allow_nan=False)


def plain(value: Any) -> Any:
    """A value as JSON has it: no NaN and no infinity, which are null; what it does not know is text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def explained(command: str) -> str:
    """What the help of a command says of ``--json``."""
    return (
        "print one object of JSON on standard output, and all lines on standard error; its keys: "
        f"{', '.join([*COMMON, *KEYS[command]])}"
    )
