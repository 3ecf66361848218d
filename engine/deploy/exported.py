"""Loads detectors that were exported; no code from their files is run."""
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import mxnet as mx

# Exported graphs may hold the project's operators.
from ... import operators  # noqa: F401
from ...data.files.json_text import parse_json
from ...data.files.opening import read_regular
from ...errors import CheckpointError
from ...gluon_models.weights.mxnet_files import load_arrays
from ..files import PathLike
from ..inference.detector import Detector
from ..inference.input_preparation import InputPreparation
from .description_values import LARGEST_SIDE, MOST_BYTES, NAMES, SIDE, Check, check_values, is_number, three_numbers
from .fusing.graph import block_of, on_cpus, plan_of, with_onednn
from .fusing.static import StaticNetwork
from .graphs.checking import checked_graph
from .graphs.sizes import check_sizes
from .proposal_facts import rois_of

FORMAT = 1
_META = "-meta.json"
_ENDS = (_META, "-symbol.json", "-0000.params")
_VALUES: Dict[str, Check] = {
    "short_edge": SIDE, "long_edge": SIDE, "stride": SIDE, "classes": NAMES,
    "means": (three_numbers(-1000, 1000), "a list of three numbers from -1000 to 1000"),
    "stds": (three_numbers(1e-6, 1e6), "a list of three numbers above 0"),
    "fused": (lambda value: value is None or isinstance(value, dict), "a table"),
    "inputs": (lambda value: value is None or isinstance(value, list) and all(isinstance(name, str) for name in value),
               "a list of names"),
    "static_shape": (lambda value: value is None or isinstance(value, list) and len(value) == 2 and all(
        type(side) is int and is_number(side, 1, LARGEST_SIDE) for side in value), "a height and a width in pixels"),
}


def find_exports(path: PathLike) -> List[str]:
    """Finds exported detectors.

    Args:
        path: the prefix of an export's files, one of the files, or a folder.

    Returns:
        The prefix of the export; those of all exports in a folder; none where the description PREFIX-meta.json is
        missing.
    """
    path = str(path)
    if Path(path).is_dir():
        return sorted(str(file)[:-len(_META)] for file in Path(path).glob("*" + _META))
    for end in _ENDS:
        if path.endswith(end):
            path = path[:-len(end)]
    return [path] if Path(path + _META).is_file() else []


def load_exported(path: PathLike, ctx: Optional[mx.Context] = None) -> Detector:
    """Loads the detector that `export.export` wrote.

    Args:
        path: what the names of its three files start with, one of these files, or the folder that holds them.
        ctx: device; by default the CPU. What the export says of oneDNN is for CPUs alone.

    Returns:
        The detector, called as `ids, scores, boxes = detector("photo.jpg")`, with `proposals=boxes` where it needs
        them; `detector.net(x, im_info)` runs the graph on an input that is prepared already.

    Raises:
        CheckpointError: a file is missing or damaged, or is of another format, and the message names it; or the folder
            holds several exports.
    """
    ctx, found = ctx or mx.cpu(), find_exports(path)
    if len(found) > 1:
        raise CheckpointError(f"{path} holds several exported detectors: name one of {', '.join(found)}")
    if not found and Path(path).is_dir():
        raise CheckpointError(f"there is no exported detector in the folder {path}")
    prefix = found[0] if found else str(path)
    meta_file, symbol_file, parameter_file = (f"{prefix}{end}" for end in _ENDS)
    for path in (meta_file, symbol_file, parameter_file):
        if not Path(path).is_file():
            raise CheckpointError(f"there is no file {path}: {prefix} is not an exported detector, or not a whole one")
    try:
        meta = _read_description(meta_file)
        preparation = InputPreparation(((meta["short_edge"], meta["long_edge"]),), tuple(meta["means"]),
                                       tuple(meta["stds"]), meta["stride"])
        classes, kind, rois = meta["classes"], meta["format"], rois_of(meta)
        fused, shape = meta.get("fused") or {}, meta.get("static_shape")
        onednn = bool(fused.get("onednn")) and on_cpus([ctx])
        shape = None if shape is None else (shape[0], shape[1])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        raise CheckpointError(f"{meta_file} does not describe an exported detector: {error!r}") from None
    if kind != FORMAT:
        raise CheckpointError(f"{meta_file} has format {kind}; this version reads {FORMAT}")
    arrays = {name.partition(":")[2]: array for name, array in load_arrays(parameter_file).items()}
    try:
        symbol = mx.sym.load_json(checked_graph(symbol_file))
        inputs = meta.get("inputs") or _numbered_inputs(symbol)
        check_sizes(symbol, _sample_shapes(symbol, inputs, meta), arrays)
        net = block_of(with_onednn(symbol) if onednn else symbol, inputs, arrays, [ctx])
    except (mx.MXNetError, ValueError, AssertionError, KeyError, TypeError, OSError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[-1]
        raise CheckpointError(f"{symbol_file} and {parameter_file} cannot be read as a network: {reason}") from None
    if shape is None:
        net.hybridize(**plan_of(onednn))
    else:
        net = StaticNetwork(net, shape)
        net.hybridize()
    return Detector(net, classes, preparation, [ctx], source=prefix, rois=rois)


def _read_description(file: str) -> Dict[str, Any]:
    """Returns the content of a description, whose values are as they must be; ValueError or OSError otherwise."""
    meta = parse_json(read_regular(file, MOST_BYTES).decode("utf-8"))
    if not isinstance(meta, dict):
        raise ValueError("it is no table of values")
    if meta.get("format") == FORMAT:
        check_values(meta, _VALUES)
    return meta


def _sample_shapes(symbol: mx.sym.Symbol, inputs: List[str], meta: Dict[str, Any]) -> Dict[str, Tuple[int, ...]]:
    """The shapes of the inputs for the largest image that the description tells; ValueError for other inputs."""
    rois = rois_of(meta)
    if not set(inputs) <= set(symbol.list_inputs()) or len(inputs) != (2 if rois is None else 3):
        raise ValueError(f"its inputs must be an image, its size and, where needed, proposals; they are {inputs}")
    stride = meta["stride"]
    sides = tuple(-(-meta[key] // stride) * stride for key in ("short_edge", "long_edge"))
    shapes = (1, 3) + (tuple(meta["static_shape"]) if meta.get("static_shape") else sides), (1, 3)
    return dict(zip(inputs, shapes if rois is None else shapes + ((1, rois.limit, 4),)))


def _numbered_inputs(symbol: mx.sym.Symbol) -> list:
    """The inputs data0, data1, ... by their numbers, for exports of an earlier version, whose description lacks names.

    The order in which MXNet lists them is not that of the call, but that in which the graph's nodes use them.
    """
    inputs = [name for name in symbol.list_inputs() if re.fullmatch(r"data\d*", name)]
    return sorted(inputs, key=lambda name: int(name[len("data"):] or 0))
