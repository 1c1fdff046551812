"""What a training has shown, epoch by epoch."""

from __future__ import annotations

from typing import Any

from ..reports.table import html_block, html_table, text_table


class History:
    """A row for each epoch; it prints as a table, and shows as one in notebooks.

    ``history["loss"]`` is a column: ``loss`` (mean of the training batches, as they were seen), ``test_loss`` if there
    is a test set, ``lr`` of the first group, and the metrics by name.

    Attributes:
        rows: for each epoch a dict.
        watched: the column that decides which epoch is best: ``test_loss``, or without a test set ``loss``.
        best_epoch: the number of the epoch with the lowest, from 0; None before the first.
        best_state: the model's state then, for ``load_state_dict``.

    >>> net = nn.Linear(1, 1)
    >>> batches = [(mg.ones(4, 1), mg.ones(4, 1))]
    >>> history = training.fit(net, batches, loss=nn.MSELoss(), optimizer=optim.SGD(net.parameters(), lr=0.1), epochs=3)
    >>> len(history), list(history.rows[0]), history.best_epoch
    (3, ['lr', 'loss'], 2)
    """

    def __init__(self, watched: str) -> None:
        self.rows: list[dict[str, float]] = []
        self.watched = watched
        self.best_epoch: int | None = None
        self.best_state: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> list[float]:
        if self.rows and name not in self.rows[0]:
            raise KeyError(f"no column {name!r}, there are {', '.join(self.rows[0])}")
        return [row[name] for row in self.rows]

    @property
    def epochs_since_best(self) -> int:
        """How many epochs there were after the best one."""
        return len(self) - 1 - (self.best_epoch or 0)

    @property
    def cells(self) -> tuple[list[str], list[list[str]]]:
        """The header and the rows as texts."""
        names = list(self.rows[0]) if self.rows else [self.watched]
        marks = ["*" * (i == self.best_epoch) for i in range(len(self))]
        rows = [[f"{i}{marks[i]}", *(f"{row[name]:.4g}" for name in names)] for i, row in enumerate(self.rows)]
        return ["epoch", *names], rows

    @property
    def _legend(self) -> list[str]:
        """What the mark at an epoch says."""
        return [f"* the lowest {self.watched}"] if self.best_epoch is not None else []

    def __repr__(self) -> str:
        header, rows = self.cells
        return "\n".join([text_table(header, rows, header), *self._legend])

    def _repr_html_(self) -> str:
        """For notebooks."""
        header, rows = self.cells
        return html_block([], html_table(header, rows, header), self._legend)
