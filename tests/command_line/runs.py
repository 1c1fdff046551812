"""Short runs of the command line, and the rows they write."""

from __future__ import annotations

import csv

from minigrad.command_line.main import main

QUICK = ["--epochs", "2", "--hidden", "16"]


def run(*arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
