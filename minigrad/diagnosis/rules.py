"""The rules of a diagnosis: each looks at the facts and yields what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from typing import Any

import numpy as np

from ..data.samplers import BatchSampler
from ..engine.node import Node
from ..nn.layers.batchnorm import BatchNorm
from ..optim.decay import is_normalisation
from ..reports.finding import Finding
from .facts import Facts, classes, samples
from .hiding import hidden

FEWEST_SAMPLES = 8
"""In a batch for BatchNorm. Y. Wu and K. He, Group normalization, 2018: with fewer than 16 the errors grow."""
LARGEST_MOMENTUM = 0.5
"""Of BatchNorm, which is the weight of the new batch; a larger one usually means the weight of the old value."""
LEAST_MIXTURE = 0.5
"""Classes besides the first in a batch, as a part of those in a batch drawn at random."""
CHANCE = 3
"""Fewer classes than in batches drawn at random are a finding from so many standard deviations on."""

WITH_BIAS = ("linear", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d")
"""Operations whose third operand is a bias for each channel."""


def normalising(facts: Facts) -> dict[str, BatchNorm]:
    """The BatchNorm modules that use the statistics of their batch in training."""
    found = {path: module for path, module in facts.modules.items() if isinstance(module, BatchNorm)}
    return {path: module for path, module in found.items() if module.training or not module.frozen}


def by_batches(node: Node) -> bool:
    """Whether a node of batch_norm uses the statistics of its batch."""
    owner = node.scope.owner() if node.scope else None
    return not isinstance(owner, BatchNorm) or owner.training or not owner.frozen


def place(node: Node) -> str:
    """Where an operation was applied, for the reader."""
    return str(node.scope) if node.scope else node.op.name


def failed_pass(facts: Facts) -> Iterator[Finding]:
    """A batch that the model does not take, (N, L, C) data say."""
    if facts.failure is not None:
        yield Finding(
            type(facts.model).__name__, "it cannot be called with a batch of the loader.",
            f"{type(facts.failure).__name__}: {facts.failure}",
            "what the error says; if a batch is to be passed otherwise, say how: forward=lambda model, batch: ...",
        )  # fmt: skip


def bias_in_front(facts: Facts) -> Iterator[Finding]:
    """A bias whose gradient is 0."""
    for node in facts.applied("batch_norm"):
        before = node.edges[0]
        if before is None or before.op is None or before.op.name not in WITH_BIAS or len(before.edges) < 3:
            continue
        bias = facts.leaves.get(id(before.edges[2]))
        if bias and by_batches(node):
            yield Finding(
                bias, "a bias in front of BatchNorm.",
                "BatchNorm subtracts the mean, and the bias with it, so its gradient is 0.",
                "bias=False in the layer before it.",
            )  # fmt: skip


def wrong_axis(facts: Facts) -> Iterator[Finding]:
    """BatchNorm of (N, L, C) data."""
    for node in facts.applied("batch_norm"):
        before = node.edges[0]
        if before is not None and before.op is not None and before.op.name == "linear" and len(before.shape) == 3:
            yield Finding(
                place(node), f"(N, L, C) data {before.shape} from a linear layer.",
                "BatchNorm normalises axis 1, which are the places here; the channels are last.",
                "transpose(1, 2) before it and after it.",
            )  # fmt: skip


def dropout_before(facts: Facts) -> Iterator[Finding]:
    """Dropout whose noise is in the running variance."""
    for node in facts.applied("batch_norm"):
        dropped = next((n for n in ancestors(node) if is_dropout(n)), None)
        if dropped is not None and by_batches(node):
            yield Finding(
                place(dropped), f"dropout before {place(node)}.",
                "it raises the variance in training alone, so that the running variance is too large for evaluation "
                "(X. Li et al., Understanding the disharmony between dropout and batch normalization, 2019).",
                "dropout after the last BatchNorm.",
            )  # fmt: skip


def ancestors(node: Node) -> Iterator[Node]:
    """The nodes that a node was computed from, up to the last BatchNorm on each way."""
    open_ones = [edge for edge in node.edges[:1] if edge is not None]
    seen = set(open_ones)
    while open_ones:
        found = open_ones.pop()
        yield found
        if found.op is None or found.op.name != "batch_norm":
            new = [edge for edge in found.edges if edge is not None and edge not in seen]
            seen.update(new)
            open_ones += new


def is_dropout(node: Node) -> bool:
    """Whether a node belongs to a dropout, as a function or a module."""
    owner = node.scope.owner() if node.scope else None
    return (node.op is not None and "dropout" in node.op.name) or "Dropout" in type(owner).__name__


def momentum(facts: Facts) -> Iterator[Finding]:
    """A momentum that is the weight of the old value in other libraries."""
    for path, module in normalising(facts).items():
        if module.running_mean is not None and module.momentum == 0:
            yield Finding(
                path, "momentum=0.", "the running statistics never move from mean 0 and variance 1.", "momentum=0.1."
            )
        if module.momentum is not None and module.momentum > LARGEST_MOMENTUM:
            yield Finding(
                path, f"momentum={module.momentum}.",
                "it is the weight of the new batch, as in PyTorch; Keras and Flax mean the opposite. The running "
                "statistics are nearly those of the last batch.",
                f"momentum={1 - module.momentum:.4g}.",
            )  # fmt: skip


def tiny_batches(facts: Facts) -> Iterator[Finding]:
    """Batches of too few samples for BatchNorm."""
    sizes = [size for size in map(samples, facts.batches) if size > 0]
    if normalising(facts) and sizes and max(sizes) < FEWEST_SAMPLES:
        yield Finding(
            "loader", f"BatchNorm on batches of {max(sizes)}.",
            "the mean and the variance of so few samples are noise (Y. Wu, K. He, Group normalization, 2018).",
            f"a batch_size of at least {FEWEST_SAMPLES}, or GroupNorm or LayerNorm.",
        )  # fmt: skip


def last_batch_of_one(facts: Facts) -> Iterator[Finding]:
    """An epoch that ends in an error."""
    sampler = getattr(facts.loader, "batch_sampler", None)
    one = facts.complete and len(facts.batches) > 1 and samples(facts.batches[-1]) == 1
    if isinstance(sampler, BatchSampler) and not sampler.drop_last and sampler.batch_size > 1:
        one = one or (isinstance(sampler.sampler, Sized) and len(sampler.sampler) % sampler.batch_size == 1)
    if one and normalising(facts):
        yield Finding(
            "loader", "the last batch has one sample.",
            "one value has no variance: BatchNorm refuses it in training, at the end of the epoch.",
            "drop_last=True, or another batch_size.",
        )  # fmt: skip


def sorted_classes(facts: Facts) -> Iterator[Finding]:
    """Batches that are not mixed."""
    targets = [found for found in map(classes, facts.batches) if found is not None and len(found)]
    if len(targets) < 2:
        return
    _, counts = np.unique(np.concatenate(targets), return_counts=True)
    parts = counts / counts.sum()
    there = np.array([1 - (1 - parts) ** len(target) for target in targets])  # how likely each class is in each batch
    expected, found = there.sum(1).mean(), np.mean([len(np.unique(target)) for target in targets])
    chance = np.sqrt((there * (1 - there)).sum()) / len(targets)
    if len(counts) == 1:
        of = "batches" if facts.complete else f"first {len(targets)} batches"
        what = f"all {of} have the same class."
    elif found - 1 < LEAST_MIXTURE * (expected - 1) and expected - found > CHANCE * chance:
        what = f"batches sorted by class: {found:.1f} classes in each, {expected:.1f} if they were drawn at random."
    else:
        return
    yield Finding(
        "loader", what,
        "each step unlearns the other classes, and BatchNorm sees the statistics of one class at a time.",
        "DataLoader(..., shuffle=True).",
    )  # fmt: skip


def decay_of_normalisation(facts: Facts) -> Iterator[Finding]:
    """Weight decay of gamma and beta."""
    norms = {id(p) for m in facts.modules.values() if is_normalisation(m) for p in m.parameters(recurse=False)}
    decaying = {id(p) for group in facts.groups if group.get("weight_decay") for p in group["params"]} & norms
    names = [name for name, p in facts.parameters.items() if id(p) in decaying]
    if names:
        yield Finding(
            "optimizer", f"weight decay of {some(names)}.",
            "gamma and beta set the scale and the mean that follow; drawing them to 0 only works against the layer.",
            "optim.param_groups(model, weight_decay=...) in place of model.parameters().",
        )  # fmt: skip


def left_out(facts: Facts) -> Iterator[Finding]:
    """Parameters that are not trained, and those of other models."""
    trained = {id(p) for group in facts.groups for p in group["params"]}
    missing = [name for name, p in facts.parameters.items() if p.requires_grad and id(p) not in trained]
    strangers = len(trained - {id(p) for p in facts.parameters.values()})
    if facts.optimizer is not None and missing:
        yield Finding(
            "optimizer", f"it does not have {some(missing)}.", "these will stay as they are.",
            "make the optimiser from model.parameters(), after the last layer is in its place; or, if they shall stay, "
            "requires_grad_(False).",
        )  # fmt: skip
    if strangers:
        yield Finding(
            "optimizer", f"it has {strangers} parameters that the model does not have.",
            "they were replaced in the model after the optimiser was made, or belong to another one.",
            "make the optimiser last.",
        )  # fmt: skip


def unused(facts: Facts) -> Iterator[Finding]:
    """Parameters without gradients."""
    used = set(map(id, facts.nodes))
    names = [name for node, name in facts.leaves.items() if node not in used]
    if facts.nodes and names:
        yield Finding(
            some(names), "no part in the output.", "what the output does not depend on has no gradient.",
            "use it in forward, or take it away; .item(), .numpy() and .detach() cut it off.",
        )  # fmt: skip


def hidden_modules(facts: Facts) -> Iterator[Finding]:
    """Modules that the model does not know of."""
    for name, found in hidden(facts.model):
        yield Finding(
            name, f"{found} hidden in another object.",
            "a module finds modules in its attributes, and in lists, tuples and dicts there: neither train() and "
            "eval(), nor parameters() and state_dict() reach this one.",
            "make it an attribute of the module, or make the object a Module.",
        )  # fmt: skip


def reused_batch_norm(facts: Facts) -> Iterator[Finding]:
    """Running statistics of two places at once."""
    calls: dict[Any, set[Any]] = {}
    for node in facts.applied("batch_norm"):
        owner = node.scope.owner() if node.scope else None
        if isinstance(owner, BatchNorm) and owner.running_mean is not None:
            calls.setdefault(owner, set()).add(node.scope)
    for path, module in normalising(facts).items():
        if len(calls.get(module, ())) > 1:
            yield Finding(
                path, f"one BatchNorm, applied {len(calls[module])} times in a pass.",
                "its running statistics are an average over all its places, and in evaluation fit none of them.",
                "a BatchNorm for each place.",
            )  # fmt: skip


def mixed_modes(facts: Facts) -> Iterator[Finding]:
    """Modules in another mode than the model, which the next train() or eval() ends."""
    mode = facts.model.training
    others = [
        path
        for path, module in facts.modules.items()
        if module.training != mode and not getattr(module, "frozen", False) and not any(True for _ in module.children())
    ]
    if others:
        now, other = ("train", "eval") if mode else ("eval", "train")
        yield Finding(
            some(others), f"in {other} mode, the model in {now} mode.",
            f"the next {now}() of the model switches {'it' if len(others) == 1 else 'them'}, too.",
            f"{now}() for all; a BatchNorm that is to stay as it is: freeze().",
        )  # fmt: skip


def some(names: list[str]) -> str:
    """A few names, and how many more there are."""
    return ", ".join(names[:4]) + f" and {len(names) - 4} more" * (len(names) > 4)


OF_MODELS: list[Callable[[Facts], Iterator[Finding]]] = [
    bias_in_front, wrong_axis, dropout_before, momentum, reused_batch_norm, mixed_modes, unused, hidden_modules,
]  # fmt: skip
"""Rules that need no more than a model and a pass."""
RULES: list[Callable[[Facts], Iterator[Finding]]] = [
    failed_pass, *OF_MODELS[:4], tiny_batches, last_batch_of_one, sorted_classes, decay_of_normalisation, left_out,
    *OF_MODELS[4:],
]  # fmt: skip
"""All, in the order of the report."""
