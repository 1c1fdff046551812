"""Models as ONNX files for other programs, as PyTorch's ``torch.onnx``: ``mg.onnx.export(model, x, "model.onnx")``."""

from typing import TYPE_CHECKING, Any

from .engine.absent import absent

if TYPE_CHECKING:
    from .export.errors import OnnxExporterError
    from .export.onnx import export

__all__ = ["OnnxExporterError", "export"]


def __getattr__(name: str) -> Any:
    """What is here, imported when it is asked for: it takes a tenth of the time of ``import minigrad``."""
    if name not in __all__:
        return absent(__name__)(name)
    from .export import errors, onnx

    globals().update(OnnxExporterError=errors.OnnxExporterError, export=onnx.export)
    return globals()[name]
