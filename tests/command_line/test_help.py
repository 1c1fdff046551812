"""The help of the commands, as a newcomer reads it, and examples/commands.md, which agrees with it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from minigrad.command_line.main import COMMANDS, main, make_parser, parse
from minigrad.command_line.options import SEEDED

GUIDE = (Path(__file__).parents[2] / "examples" / "commands.md").read_text(encoding="utf-8")
WORDS = {"COMMAND": "train", "DATASET": "moons", "FILE": "my.npz", "FOLDER": "data", "COLUMN": "y"}
"""What stands for the words in capitals."""


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_fits_a_terminal_and_names_every_option(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main([*[command] * bool(command), "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0 and max(map(len, text.splitlines())) <= 80
    assert not re.search(r"--[a-z-]+ [A-Z]+_[A-Z]+", text), "an option's value has the name of a variable"
    if not command:
        assert all(name in text for name in COMMANDS)
        return
    parser = make_parser().commands[command]
    assert all(action.help and not action.help.endswith(".") for action in parser._actions)
    assert ("--seed" in text) == (command in SEEDED)


@pytest.mark.parametrize("words", [["help"], ["--help"]])
def test_help_is_a_command_too(words, capsys):
    for command in ([], ["draw"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *command] if words == ["help"] else [*command, *words])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: minigrad {'draw ' if command else ''}[-h]")


def commands_of_the_guide():
    """The commands that stand there in a line of their own, or as code."""
    found = re.findall(r"`(minigrad [^`]+)`", GUIDE.replace("\n", " "))
    return [line for line in found if not line.endswith("--help")]


def test_the_commands_of_the_guide_are_possible(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs/my").mkdir(parents=True)
    used = set()
    for line in commands_of_the_guide():
        _, *words = [WORDS.get(word, word) for word in shlex.split(line)]
        needs = {"train": ["moons"], "check": [], "bench": [], "doctor": []}.get(words[0])
        missing = needs is not None and len(words) == 1
        used.add(parse(make_parser(), [*words, *(needs or [] if missing else [])]).command)
    assert used == set(COMMANDS)


def test_the_options_of_the_guide_are_those_of_commands():
    known = {name for command in make_parser().commands.values() for name in command._option_string_actions}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", GUIDE)) <= known
    looks = re.findall(r"`--(\w+)", GUIDE.partition("| option |")[2].partition("\n\n")[0])
    drawn = {action.dest for action in make_parser().commands["draw"]._actions}
    assert drawn - set(looks) == {"help", "target", "output", "overwrite", "seed", "quiet", "json"}
