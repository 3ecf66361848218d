"""Which engine runs a detector, and in which precision."""
import importlib.util
from typing import Optional

from ....errors import LibraryError, UsageError
from ...files import PathLike
from ..onnx.folder import PRECISIONS, is_export

MXNET = "mxnet"
# Those that run ONNX exports. Where none is named, the first that is installed is taken: the faster one stands first.
ONNX_ENGINES = ("openvino", "onnxruntime")
# ONNX Runtime has kernels for bfloat16 on GPUs and ARM processors alone.
_BFLOAT16_ENGINES = ("openvino",)


def check_engine(path: PathLike, engine: Optional[str], precision: Optional[str] = None) -> bool:
    """Checks that an engine can run what is at a path.

    Args:
        path: of a checkpoint, or of an export for MXNet or in ONNX.
        engine: its name; None takes one that fits.
        precision: in which it computes; None takes that of what is at the path. ONNX exports alone have several.

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
    if precision is not None:
        raise UsageError(f"a precision is chosen for ONNX exports alone, and {path} is none: lhrcnn export --format "
                         "onnx writes one")
    return False


def choose_precision(path: PathLike, saved: str, precision: Optional[str]) -> str:
    """Returns the precision in which an ONNX export is run: the one that is named, or else its own.

    Args:
        path: of the export, for messages.
        saved: its own.
        precision: the one that is asked for; None takes the export's own.

    Raises:
        UsageError: the export cannot be run in it. Float32 and bfloat16 can stand for each other: it is the engine
            that rounds to bfloat16. The numbers of int8 are written in the model.
    """
    if precision is None or precision == saved:
        return saved
    if precision not in PRECISIONS:
        raise UsageError(f"the precisions are {', '.join(PRECISIONS)}, got {precision!r}")
    if precision == "int8":
        raise UsageError(f"{path} is an export in {saved}, which no engine turns into int8: write one by "
                         "lhrcnn export --format onnx --precision int8 --calibrate FOLDER")
    if saved == "int8":
        raise UsageError(f"{path} is an export in int8, which cannot be undone: write one by lhrcnn export --format "
                         f"onnx --precision {precision}")
    return precision


def choose_engine(engine: Optional[str], precision: str = "float32") -> str:
    """Returns the engine for an ONNX export: the one that is named, or else the first that is installed.

    Raises:
        LibraryError: it is not installed, or none is.
        UsageError: it does not compute in this precision.
    """
    if precision == "bfloat16":
        if engine not in (None, *_BFLOAT16_ENGINES):
            raise UsageError(f"{engine} does not compute in bfloat16 on processors, {_BFLOAT16_ENGINES[0]} does: name "
                             "that engine, or the precision float32")
        engine = _BFLOAT16_ENGINES[0]
    installed = [name for name in ONNX_ENGINES if importlib.util.find_spec(name) is not None]
    if not installed or engine is not None and engine not in installed:
        missing = (f"the engine {engine}, which is not installed" if engine else
                   f"one of the engines {' and '.join(ONNX_ENGINES)}, of which none is installed")
        raise LibraryError(f"this needs {missing}. Install it with: pip install {engine or ONNX_ENGINES[-1]} 'numpy<2'")
    return engine or installed[0]
