"""Floor 7: models as ONNX files, ``mg.onnx.export(model, x, "model.onnx")``."""

from .export.errors import OnnxExporterError
from .export.onnx import export

__all__ = ["OnnxExporterError", "export"]
