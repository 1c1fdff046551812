# Floor 10: imports come from the floors below.
"""The command ``minigrad``."""
