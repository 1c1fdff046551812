"""Operations of one's own in PyTorch's form: ``mg.autograd.function``."""

from ..tensor.function import Function, FunctionCtx, once_differentiable

__all__ = ["Function", "FunctionCtx", "once_differentiable"]
