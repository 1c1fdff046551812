"""Losses as modules; the arguments are those of the functions in ``nn.functional``."""
