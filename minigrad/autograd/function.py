"""Operations of one's own in PyTorch's form: ``mg.autograd.function``."""

from ..tensor.function import Function, FunctionCtx

__all__ = ["Function", "FunctionCtx"]
