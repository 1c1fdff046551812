"""Layers: modules with parameters or a mode of their own."""
