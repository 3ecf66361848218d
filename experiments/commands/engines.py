"""What commands that run ONNX exports share: the options --engine and --precision, and loading."""
import argparse
from typing import TYPE_CHECKING, Optional

from yacs.config import CfgNode

from ...engine.config import KEYS, config_from_checkpoint, load_config
from ...engine.config.overrides import override_values
from ...engine.deploy.engines.choice import MXNET, ONNX_ENGINES, check_engine
from ...engine.deploy.onnx.folder import PRECISIONS, TEST_KEYS
from ...engine.deploy.onnx.reading import read_meta
from ...errors import CheckpointError, ConfigError, UsageError

if TYPE_CHECKING:
    from ...engine.deploy.engines.engine_detector import EngineDetector


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --engine and --precision."""
    parser.add_argument("--engine", choices=(MXNET, *ONNX_ENGINES), help="what runs the detector; onnxruntime and "
                        "openvino run the folder that lhrcnn export --format onnx wrote, named by --checkpoint, on the "
                        "CPU (default: mxnet; for such a folder openvino, or onnxruntime where that is not installed)")
    parser.add_argument("--precision", choices=PRECISIONS, help="in which such a folder is run: openvino runs one in "
                        "float32 in bfloat16 too, and the other way round; int8 is written by lhrcnn export (default: "
                        "that of the folder)")


def names_export(path: Optional[str], args: argparse.Namespace) -> bool:
    """Whether a command line asks for an ONNX export.

    Args:
        path: what it names as the detector.
        args: the command line, with `engine` and `precision`.

    Raises:
        UsageError: the engine cannot run what is named, or an option does not apply to exports.
    """
    if path is None:
        if args.engine not in (None, MXNET):
            raise UsageError(f"{args.engine} runs ONNX exports alone: name the folder of one by --checkpoint")
        if args.precision is not None:
            raise UsageError("--precision belongs to ONNX exports: name the folder of one by --checkpoint")
        return False
    if not check_engine(path, args.engine, args.precision):
        return False
    if args.gpus is not None or args.allow_partial:
        raise UsageError("an ONNX export runs on the CPU, and takes no --gpus or --allow-partial")
    return True


def names_mxnet_export(path: Optional[str]) -> bool:
    """Whether a path is that of an export for MXNet, and not of a training, in whose folder one may lie too."""
    from ...engine.deploy.detectors import is_mxnet_export
    return path is not None and is_mxnet_export(path)


def load_export(path: str, args: argparse.Namespace) -> "EngineDetector":
    """Loads an ONNX export into the engine of a command line."""
    from ...engine.deploy.engines.engine_detector import load_engine_detector
    return load_engine_detector(path, args.engine, args.precision)


def load_export_cfg(path: str, args: argparse.Namespace) -> CfgNode:
    """The configuration of an export's test: that of --cfg, or else the one that the export was made with.

    Raises:
        UsageError: an override would change what is fixed in an export, or nothing says where the data set is.
        CheckpointError: the export brings a configuration along that this version cannot read.
    """
    fixed = [key for key in override_values(args.overrides) if not key.startswith(TEST_KEYS)]
    if fixed:
        raise UsageError(f"{path} is an export, in which {fixed[0]} is fixed: change it for the checkpoint, and export "
                         "that again")
    if args.cfg is not None:
        return load_config(args.cfg, args.overrides)
    saved = read_meta(path).get("config")
    if not isinstance(saved, dict) or not set(saved) & set(KEYS):
        saved = {"dataset.dataset_path": None}
    given = override_values(args.overrides)
    missing = [key for key, value in saved.items() if value is None and key not in given]
    if missing:
        raise UsageError(f"{path} does not say where its data set is: exports carry no paths of the machine that they "
                         f"were made on. Add {' '.join(f'{key}=PATH' for key in missing)}, or name a "
                         "configuration by --cfg")
    try:
        # Without an entry for it, the reader takes the configuration for one of an earlier version.
        saved = {"output_path": "", **{key: value for key, value in saved.items() if value is not None}}
        return config_from_checkpoint(saved, args.overrides)
    except ConfigError as error:
        raise CheckpointError(f"the configuration in {path} cannot be read: {error}") from None
