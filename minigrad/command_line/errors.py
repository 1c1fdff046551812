"""What went wrong, for people: one line with the cure."""


class CommandError(Exception):
    """Why a command ends early; the command line prints it.

    Args:
        message: one line, with the cure.
        code: the exit code: 2 for a mistake in the command, 1 for what went wrong while it ran, 130 after Ctrl-C.
    """

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code
