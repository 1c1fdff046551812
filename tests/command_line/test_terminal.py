"""The bar on a terminal: within its lines, above nothing that stays, and on terminals alone."""

from __future__ import annotations

import os
import sys

import pytest

from minigrad.command_line import output, progress
from minigrad.command_line.progress import Plain, Quiet
from minigrad.command_line.progress import progress as shown

pty = pytest.importorskip("pty", reason="terminals are those of POSIX")
pytest.importorskip("tqdm", reason="it draws the bar")

END = "\0"


class Terminal:
    """A terminal of so many columns, what was written to it, and its screen."""

    def __init__(self, columns):
        import fcntl
        import struct
        import termios

        self.columns = columns
        self.reading, writing = pty.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.stream = open(writing, "w", encoding="utf-8", newline="")  # noqa: SIM115

    def __enter__(self):
        """From now on both streams are this terminal."""
        self.streams = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = self.stream
        return self

    def __exit__(self, *_):
        sys.stdout, sys.stderr = self.streams

    def close(self):
        self.stream.close()
        os.close(self.reading)

    def read(self):
        self.stream.write(END)
        self.stream.flush()
        text = b""
        while not text.endswith(END.encode()):  # the system hands it over when it likes
            text += os.read(self.reading, 1 << 20)
        return text.decode().removesuffix(END)

    def screen(self):
        """The lines of the screen, of what was written since it was last read."""
        lines, column = [""], 0
        for letter in self.read():
            if letter == "\n":
                lines.append("")
            elif letter == "\r":
                column = 0
            else:
                if column == self.columns:
                    lines.append("")
                    column = 0
                lines[-1] = lines[-1][:column].ljust(column) + letter + lines[-1][column + 1 :]
                column += 1
        return [line.rstrip() for line in lines]


@pytest.fixture
def terminal(monkeypatch, request):
    """A terminal on which a bar is shown at once."""
    found = Terminal(getattr(request, "param", 80))
    monkeypatch.setattr(progress, "DELAY", 1e-9)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    yield found
    found.close()


@pytest.mark.parametrize("terminal", [80, 40], indirect=True)
def test_a_bar_is_one_line_with_the_time_left_and_leaves_nothing(terminal):
    with terminal:
        bar = shown(4000, "step")
        bar.bar.mininterval = 0
        for _ in range(3):
            bar.update()
        (line,) = terminal.screen()
        assert "3/4000 steps [" in line and "<" in line and line.endswith("]")
        assert len(line) <= terminal.columns - len("^C^C"), "Ctrl-C of the user would begin a new line"
        bar.update()
        terminal.stream.write("^C")  # as terminals show it
        bar.write("a line")
        bar.write("  another line")
        first, second, below = terminal.screen()
        assert (first, second) == ("a line", "  another line") and below.startswith("  0%|")
        bar.update()
        bar.close()
        assert terminal.screen() == [""]


def test_lines_of_others_stand_above_the_bar(terminal):
    with terminal:
        bar = shown(2, "net")
        bar.bar.mininterval = 0
        bar.update()
        for line in bar.above(["one", "two"]):
            output.say(line)
        first, second, below = terminal.screen()
        assert (first, second) == ("one", "two") and "1/2 nets" in below
        bar.close()


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("DELAY", 1000.0)])
def test_there_is_no_bar_where_lines_cannot_be_replaced_and_before_its_time(name, value, terminal, monkeypatch):
    with terminal:
        if name == "TERM":
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.setattr(progress, name, value)
        bar = shown(3, "step")
        for _ in range(3):
            bar.update()
        bar.write("a line")
        bar.close()
        assert terminal.screen() == ["a line", ""]


def test_quiet_and_missing_tqdm_show_no_bar(terminal, monkeypatch):
    with terminal:
        assert isinstance(shown(3, "step", quiet=True), Quiet)
        monkeypatch.setitem(sys.modules, "tqdm", None)
        bar = shown(3, "step")
        assert type(bar) is Plain and list(bar.above(["line"])) == ["line"]
        assert terminal.screen()[0] == "minigrad: no progress bar: tqdm is missing, get it with pip install tqdm"


def test_streams_that_were_closed_are_no_terminals(monkeypatch):
    """Python has None for them."""
    assert not output.terminal(None)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    bar = shown(3, "step")
    bar.update()
    bar.write("a line")
    bar.close()
    output.complain("nobody reads it")
