"""What holds of the package as a whole: its floors, its public names, the examples in its docstrings."""
