"""What went wrong, for people: one line with the cure."""


class CommandError(Exception):
    """A mistake in a command or its surroundings; the command line prints it and exits with 2."""
