"""Which engine runs a detector."""
import importlib.util
from typing import Optional

from ....errors import LibraryError, UsageError
from ...files import PathLike
from ..onnx.folder import is_export

MXNET = "mxnet"
# Those that run ONNX exports. Where none is named, the first that is installed is taken: the faster one stands first.
ONNX_ENGINES = ("openvino", "onnxruntime")


def check_engine(path: PathLike, engine: Optional[str]) -> bool:
    """Checks that an engine can run what is at a path.

    Args:
        path: of a checkpoint, or of an export for MXNet or in ONNX.
        engine: its name; None takes one that fits.

    Returns:
        Whether an ONNX export is at the path.

    Raises:
        UsageError: it cannot; the message says what to do.
    """
    if engine not in (None, MXNET, *ONNX_ENGINES):
        raise UsageError(f"the engines are {', '.join((MXNET, *ONNX_ENGINES))}, got {engine!r}")
    if is_export(path):
        if engine == MXNET:
            raise UsageError(f"{path} is an ONNX export, which MXNet cannot run: name one of the engines "
                             f"{' and '.join(ONNX_ENGINES)}, or the checkpoint that was exported")
        return True
    if engine not in (None, MXNET):
        raise UsageError(f"{engine} runs ONNX exports alone, and {path} is none: lhrcnn export --format onnx writes "
                         "one")
    return False


def choose_engine(engine: Optional[str]) -> str:
    """Returns the engine for an ONNX export: the one that is named, or else the first that is installed.

    Raises:
        LibraryError: it is not installed, or none is.
    """
    installed = [name for name in ONNX_ENGINES if importlib.util.find_spec(name) is not None]
    if not installed or engine is not None and engine not in installed:
        missing = (f"the engine {engine}, which is not installed" if engine else
                   f"one of the engines {' and '.join(ONNX_ENGINES)}, of which none is installed")
        raise LibraryError(f"this needs {missing}. Install it with: pip install {engine or ONNX_ENGINES[-1]} 'numpy<2'")
    return engine or installed[0]
