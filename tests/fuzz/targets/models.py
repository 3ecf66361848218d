"""Weights, checkpoints and exported detectors."""
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Dict, List

import numpy as np
from target import Target

_PARTS = ("one-meta.json", "one-symbol.json", "one-0000.params")


def _params() -> List[bytes]:
    import mxnet as mx
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.params"
        mx.nd.save(str(path), {"arg:conv1_weight": mx.nd.ones((4, 3, 2, 2)), "aux:bn_moving_mean": mx.nd.zeros(4)})
        named = path.read_bytes()
        mx.nd.save(str(path), [mx.nd.ones((3,), dtype="float16"), mx.nd.ones((2, 2), dtype="int64")])
        nameless = path.read_bytes()
    # A file of version 1, and one of the oldest version, as MXNet wrote them before 2018.
    start = np.array([0x112, 0, 1], "<u8").tobytes()
    values = np.array([1, 0, 0], "<i4").tobytes() + np.ones(2, "<f4").tobytes()
    name = np.array([1, 5], "<u8").tobytes() + b"arg:w"
    first = np.array([0xF993FAC8, 1], "<u4").tobytes() + np.array([2], "<i8").tobytes()
    oldest = np.array([1, 2], "<u4").tobytes()
    return [named, nameless, start + first + values + name, start + oldest + values + name]


def _read_weights(folder: Path) -> object:
    from light_head_rcnn.gluon_models.weights import read_weights
    return {name: float(array.sum()) for name, array in read_weights(str(folder / "w.params")).arrays.items()}


def _npz_weights() -> List[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "a.npz", **{"extractor/conv1/conv/W": np.ones((4, 3, 7, 7)), "fc6/b": np.ones(1000),
                                            "extractor/res2/a/conv1/bn/avg_var": np.ones(4)})
        return [(Path(folder) / "a.npz").read_bytes()]


def _read_npz_weights(folder: Path) -> object:
    from light_head_rcnn.gluon_models.weights import read_weights
    return read_weights(str(folder / "w.npz"))


def _safetensors() -> List[bytes]:
    header = json.dumps({"layer1.0.conv1.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}).encode()
    return [len(header).to_bytes(8, "little") + header + bytes(8)]


def _read_safetensors(folder: Path) -> object:
    from light_head_rcnn.gluon_models.weights import read_weights
    return read_weights(str(folder / "w.safetensors"))


def _write_checkpoint(folder: Path) -> None:
    import mxnet as mx

    from light_head_rcnn.engine.checkpoints.checkpoint_files import Content, write_checkpoint
    from light_head_rcnn.engine.config import load_config, saved_config
    cfg = load_config("shapes_s")
    write_checkpoint(str(folder / "run"), "0002", Content({"arg:w": mx.nd.ones(3)}, {}, {"w": 2}, ("a", "b")), 2, 20,
                     {"config": saved_config(cfg)})


def _checkpoints() -> List[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        _write_checkpoint(Path(folder))
        return [(Path(folder) / "run-0002.json").read_bytes()]


def _read_checkpoint(folder: Path) -> object:
    """Finds the checkpoint of a folder, and the configuration in it, and describes it."""
    from light_head_rcnn.engine.checkpoints import checkpoint_files
    from light_head_rcnn.engine.config import config_from_checkpoint
    from light_head_rcnn.engine.inference.loading import find_checkpoint
    base = find_checkpoint(str(folder))
    state = checkpoint_files.read_checkpoint(base)
    checkpoint_files.describe_checkpoint(base)
    if "config" in state:
        try:
            config_from_checkpoint(state["config"], ())
        except Exception as error:
            from light_head_rcnn.errors import ConfigError
            if not isinstance(error, ConfigError):
                raise
    return base


def _export(folder: Path) -> None:
    """Exports a small light-head detector with random weights."""
    import mxnet as mx

    import light_head_rcnn as lh
    from light_head_rcnn.engine.deploy.export import export
    from light_head_rcnn.engine.inference.detector import Detector
    from light_head_rcnn.engine.inference.input_preparation import InputPreparation
    mx.random.seed(0)
    net = lh.get_model("light_head_rcnn_vovnetv2_19_slim_dw_voc", classes=["a", "b"])
    net.initialize(mx.init.Normal(0.01))
    detector = Detector(net, ("a", "b"), InputPreparation(((64, 96),), (1.0, 2.0, 3.0), (1.0, 1.0, 2.0), 16))
    export(detector, folder / "one", {})


def _exported(part: str) -> Target:
    def seeds() -> List[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            _export(Path(folder))
            return [(Path(folder) / part).read_bytes()]

    return Target(part, seeds, _read_export, _export)


def _read_export(folder: Path) -> object:
    from light_head_rcnn.engine.deploy.exported import load_exported
    detector = load_exported(folder)
    ids, scores, boxes = detector(np.zeros((40, 50, 3), np.uint8))
    return ids, scores, boxes


def _onnx_model(folder: Path) -> None:
    """An ONNX model of one tensor, and the description of a detector beside it."""
    import onnx
    from onnx import TensorProto, helper
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    node = helper.make_node("Add", ["images", "w"], ["boxes"])
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 2])],
                              [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["N", 2])], [tensor])
    onnx.save(helper.make_model(graph), str(folder / "model.onnx"))
    _describe(folder)


def _describe(folder: Path) -> None:
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "meta.json").write_text(json.dumps({
        "kind": "light_head_rcnn detector", "format": 1, "sha256": digest, "short_edge": 64, "long_edge": 96,
        "stride": 16, "least_side": 16, "precision": "float32", "classes": ["a", "b"], "means": [1, 2, 3],
        "proposals": True, "proposal_limit": 10, "map_stride": 16, "config": {}}))


def _read_onnx(folder: Path) -> object:
    from light_head_rcnn.engine.deploy.onnx.reading import read_meta
    _describe(folder)
    return read_meta(folder)


def _read_onnx_meta(folder: Path) -> object:
    from light_head_rcnn.engine.deploy.onnx.reading import read_meta
    return read_meta(folder)


def _onnx_seeds(name: str) -> List[bytes]:
    folder = Path(tempfile.mkdtemp())
    try:
        _onnx_model(folder)
        return [(folder / name).read_bytes()]
    finally:
        shutil.rmtree(folder)


TARGETS: Dict[str, Target] = {
    "params": Target("w.params", _params, _read_weights),
    "npz_weights": Target("w.npz", _npz_weights, _read_npz_weights),
    "safetensors": Target("w.safetensors", _safetensors, _read_safetensors),
    "checkpoint": Target("run-0002.json", _checkpoints, _read_checkpoint, _write_checkpoint),
    "exported_meta": _exported(_PARTS[0]), "exported_graph": _exported(_PARTS[1]),
    "exported_params": _exported(_PARTS[2]),
    "onnx_model": Target("model.onnx", lambda: _onnx_seeds("model.onnx"), _read_onnx, _onnx_model),
    "onnx_meta": Target("meta.json", lambda: _onnx_seeds("meta.json"), _read_onnx_meta, _onnx_model),
}
