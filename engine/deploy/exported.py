"""Loads detectors that were exported; no code from their files is run."""
import json
import re
import warnings
from pathlib import Path
from typing import List, Optional

import mxnet as mx

# Exported graphs may hold the project's operators.
from ... import operators  # noqa: F401
from ...errors import CheckpointError
from ..files import PathLike
from ..inference.detector import Detector
from ..inference.input_preparation import InputPreparation
from .fusing.graph import block_of, on_cpus, plan_of, with_onednn
from .fusing.static import StaticNetwork
from .proposal_facts import rois_of

FORMAT = 1
_META = "-meta.json"
_ENDS = (_META, "-symbol.json", "-0000.params")


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
        meta = json.loads(Path(meta_file).read_text(encoding="utf-8"))
        preparation = InputPreparation(((meta["short_edge"], meta["long_edge"]),), tuple(meta["means"]),
                                       tuple(meta["stds"]), meta["stride"])
        classes, kind, rois = meta["classes"], meta["format"], rois_of(meta)
        fused, shape = meta.get("fused") or {}, meta.get("static_shape")
        onednn = bool(fused.get("onednn")) and on_cpus([ctx])
        shape = None if shape is None else (int(shape[0]), int(shape[1]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise CheckpointError(f"{meta_file} does not describe an exported detector: {error!r}") from None
    if kind != FORMAT:
        raise CheckpointError(f"{meta_file} has format {kind}; this version reads {FORMAT}")
    try:
        symbol = mx.sym.load(symbol_file)
        inputs = meta.get("inputs") or _numbered_inputs(symbol)
        if onednn:
            saved = dict(mx.nd.load(parameter_file) or {})  # no arrays are read as a list
            arrays = {name.partition(":")[2]: array for name, array in saved.items()}
            net = block_of(with_onednn(symbol), inputs, arrays, [ctx])
        else:
            with warnings.catch_warnings():
                # The inputs carry no type in the graph, because one graph serves several.
                warnings.filterwarnings("ignore", message="Cannot decide type")
                net = mx.gluon.SymbolBlock.imports(symbol_file, inputs, parameter_file, ctx=ctx)
    except (mx.MXNetError, ValueError, AssertionError, KeyError, TypeError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[-1]
        raise CheckpointError(f"{symbol_file} and {parameter_file} cannot be read as a network: {reason}") from None
    if shape is None:
        net.hybridize(**plan_of(onednn))
    else:
        net = StaticNetwork(net, shape)
        net.hybridize()
    return Detector(net, classes, preparation, [ctx], source=prefix, rois=rois)


def _numbered_inputs(symbol: mx.sym.Symbol) -> list:
    """The inputs data0, data1, ... by their numbers, for exports of an earlier version, whose description lacks names.

    The order in which MXNet lists them is not that of the call, but that in which the graph's nodes use them.
    """
    inputs = [name for name in symbol.list_inputs() if re.fullmatch(r"data\d*", name)]
    return sorted(inputs, key=lambda name: int(name[len("data"):] or 0))
