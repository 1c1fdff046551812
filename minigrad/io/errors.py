"""The error of files that cannot be read."""


class CheckpointError(RuntimeError):
    """A file is not a checkpoint, or not a whole one."""
