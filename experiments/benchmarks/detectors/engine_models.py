"""Any ONNX model in ONNX Runtime or OpenVINO, with the settings of our own detectors, and the rate of a matrix product.
"""
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Tuple, Union

import mxnet as mx
import numpy as np

from ....engine.deploy.onnx.builder import GraphBuilder, import_onnx
from ....engine.deploy.onnx.quantization import quantize
from ....engine.files import atomic_write
from ....errors import LibraryError, LightHeadError
from .candidate import MXNET, NETWORK, ONNXRUNTIME, OPENVINO, Candidate, Skipped, of_calls

if TYPE_CHECKING:
    import onnx

# Function from the inputs of a model, in order, to its outputs.
Run = Callable[..., List[np.ndarray]]
PRECISIONS = {ONNXRUNTIME: ("float32", "int8"), OPENVINO: ("float32", "bfloat16", "int8")}
# So many products in a row, so that rounding the first input and giving the last answer out do not count.
MATRIX, SIDE, PRODUCTS = "matrix product", 2048, 8


def open_model(path: Union[str, Path], engine: str, precision: str, threads: int, *inputs: np.ndarray) -> Run:
    """Loads a model into an engine, and tries it.

    Args:
        path: the ONNX file.
        engine: "ONNX Runtime" or "OpenVINO".
        precision: "bfloat16" is OpenVINO's; the layers that are int8 are so in the file.
        threads: of the engine.
        inputs: of the model, for the trial.

    Raises:
        LibraryError: the engine is not installed, or cannot run the model.
    """
    package = {ONNXRUNTIME: "onnxruntime", OPENVINO: "openvino"}[engine]
    if importlib.util.find_spec(package) is None:
        raise LibraryError(f"{engine} is not installed: pip install {package} 'numpy<2'")
    try:
        run = _open_onnxruntime(path, threads) if engine == ONNXRUNTIME else _open_openvino(path, precision, threads)
        run(*inputs)
    except Exception as error:  # each engine has its own kinds
        raise LibraryError(f"{engine} cannot run it: {' '.join(str(error).split())[:300]}") from None
    return run


def open_everywhere(path: Union[str, Path], folder: Path, inputs: Dict[str, np.ndarray],
                    threads: int) -> Iterator[Tuple[str, str, Union[Run, LightHeadError]]]:
    """Loads a model into all engines, in all of `PRECISIONS`.

    Args:
        path: the ONNX file in float32.
        folder: for the file in int8.
        inputs: of the model, for the trial and for int8.
        threads: of the engines.

    Yields:
        The engine, the precision, and the function that runs the model, or the reason why there is none.
    """
    files: Dict[str, Union[str, Path, LightHeadError]] = {}
    try:
        files["int8"] = int8_file(path, folder, inputs)
    except LightHeadError as error:
        files["int8"] = error
    for engine, precisions in PRECISIONS.items():
        for precision in precisions:
            file = files.get(precision, path)
            try:
                if isinstance(file, LightHeadError):
                    raise file
                yield engine, precision, open_model(file, engine, precision, threads, *inputs.values())
            except LightHeadError as error:
                yield engine, precision, error


def _open_onnxruntime(path: Union[str, Path], threads: int) -> Run:
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3  # no warnings
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return lambda *arrays: session.run(None, dict(zip(names, arrays)))


def _open_openvino(path: Union[str, Path], precision: str, threads: int) -> Run:
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(str(path)), "CPU", {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32", "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads})
    return lambda *arrays: list(compiled(list(arrays)).values())


def int8_file(path: Union[str, Path], folder: Path, inputs: Dict[str, np.ndarray]) -> Path:
    """Writes a model in int8 by the rule of our own detectors, or takes the file that is there.

    Args:
        path: the ONNX file in float32.
        folder: for the file in int8.
        inputs: the arrays that the ranges of values are taken from.

    Raises:
        LibraryError: onnx or ONNX Runtime is not installed, or cannot quantize this model.
    """
    target = folder / (Path(path).stem + "_int8.onnx")
    if not target.is_file():
        try:
            model = quantize(import_onnx().load(str(path)), [inputs])
        except LibraryError:
            raise
        except Exception as error:  # the tools raise all kinds for models of other exporters
            raise LibraryError(f"ONNX Runtime's tools cannot quantize it: {type(error).__name__}: {error}") from None
        _write(target, model)
    return target


def matrix_products(folder: Path, threads: int, side: int = SIDE) -> Iterator[Union[Candidate, Skipped]]:
    """Yields, for each engine and precision, a candidate that multiplies square matrices, several times in a row.

    Args:
        folder: for the ONNX files.
        threads: of the engines.
        side: of the matrices.
    """
    rng = np.random.RandomState(0)
    # Products keep the size of the values.
    x, weight = (rng.normal(0, deviation, (side, side)).astype(np.float32) for deviation in (1, side ** -0.5))
    work, size = {"gflop": 2e-9 * side ** 3 * PRODUCTS}, f"{side}x{side}"
    first, second = mx.nd.array(x), mx.nd.array(weight.T)

    def multiply() -> None:
        product = first
        for _ in range(PRODUCTS):
            product = mx.nd.FullyConnected(product, second, num_hidden=side, no_bias=True)
        product.wait_to_read()

    yield of_calls(MATRIX, size, MXNET, "float32", {NETWORK: multiply}, work)
    for engine, precisions in PRECISIONS.items():
        for precision in precisions:
            path = folder / f"matrix_{side}_{'int8' if precision == 'int8' else 'float32'}.onnx"
            _write_product(path, weight, precision == "int8")
            try:
                run = open_model(path, engine, precision, threads, x)
            except LibraryError as error:
                yield Skipped(f"{MATRIX} in {engine}, {precision}", str(error))
                continue
            yield of_calls(MATRIX, size, engine, precision, {NETWORK: lambda run=run: run(x)}, work)


def _write_product(path: Path, weight: np.ndarray, is_int8: bool) -> None:
    """Writes a model that multiplies its input by a constant matrix, again and again; in int8 all are rounded to eight
    bits from -4 to 4 deviations."""
    g, side = GraphBuilder("product"), len(weight)
    x = g.input("x", np.float32, (side, side))
    step, weight_step = np.float32(4 / 127), np.float32(4 / 127 * side ** -0.5)
    for _ in range(PRODUCTS):
        if is_int8:
            scale, middle = g.constant(step), g.constant(np.uint8(128))
            x = g.add("DequantizeLinear", [g.add("QuantizeLinear", [x, scale, middle]), scale, middle])
            rounded = g.constant(np.rint(weight / weight_step).clip(-127, 127).astype(np.int8))
            right = g.add("DequantizeLinear", [rounded, g.constant(weight_step), g.constant(np.int8(0))])
        else:
            right = g.constant(weight)
        x = g.add("MatMul", [x, right])
    g.output(x, "product", np.float32, (side, side))
    _write(path, g.model())


def _write(path: Path, model: "onnx.ModelProto") -> None:
    with atomic_write(path) as temporary:
        Path(temporary).write_bytes(model.SerializeToString())
