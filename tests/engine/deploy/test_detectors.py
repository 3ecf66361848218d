"""`load_detector` takes the folder of a training, a checkpoint, or an export, and says which."""
import logging
from pathlib import Path

import numpy as np
import pytest

from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.checkpoint_files import Content, read_checkpoint, write_checkpoint
from light_head_rcnn.engine.checkpoints.parameters import parameter_arrays
from light_head_rcnn.engine.config import config_from_checkpoint, saved_config
from light_head_rcnn.engine.deploy.detectors import load_detector
from light_head_rcnn.engine.deploy.export import export, noise_images
from light_head_rcnn.errors import CheckpointError, UsageError


@pytest.fixture(scope="module")
def run(configuring, tmp_path_factory):
    """The folder of a run with a checkpoint, and below it an export."""
    configure = configuring(tmp_path_factory.mktemp("detectors"), "network: {model: light_head_rcnn_xception_coco}\n")
    cfg = configure("run")
    net = build_net(cfg, ("a", "b"))
    net.initialize()
    content = Content(parameter_arrays(net), {}, {}, net.classes)
    write_checkpoint(cfg.output_path + "/model", "0002", content, 2, 6, {"config": saved_config(cfg)})
    export(cfg.output_path, cfg.output_path + "/export/model")
    return cfg.output_path


@pytest.mark.parametrize("path, source", [
    ("", "model-0002.params"), ("/model-0002", "model-0002.params"), ("/model-0002.json", "model-0002.params"),
    ("/export", "export/model"), ("/export/model", "export/model"), ("/export/model-meta.json", "export/model"),
    ("/export/model-symbol.json", "export/model"), ("/export/model-0000.params", "export/model")])
def test_what_is_loaded(run, path, source, caplog):
    caplog.set_level(logging.INFO)
    logging.getLogger("light_head_rcnn").propagate = True
    detector = load_detector(run + path)
    assert detector.source == f"{run}/{source}" and f"loaded {run}/{source}" in caplog.text
    expected, image = load_detector(run), noise_images(0)[0]
    for one, other in zip(detector(image), expected(image)):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_overrides_change_a_checkpoint_and_not_an_export(run):
    assert len(load_detector(run, overrides={"TEST.max_per_image": 3})(noise_images(0)[0]).ids) == 3
    with pytest.raises(UsageError, match="is an export, whose thresholds and sizes are fixed"):
        load_detector(run + "/export", overrides={"TEST.max_per_image": 3})


def test_a_parameter_file_alone_comes_with_a_configuration(run, tmp_path):
    (tmp_path / "old.params").write_bytes(Path(run, "model-0002.params").read_bytes())
    with pytest.raises(CheckpointError, match="brings no configuration along"):
        load_detector(tmp_path / "old.params")
    cfg = config_from_checkpoint(read_checkpoint(run + "/model-0002")["config"])
    detector = load_detector(tmp_path / "old.params", overrides={"dataset.classes": ["x", "y"]}, cfg=cfg)
    assert detector.classes == ("x", "y") and detector.source == str(tmp_path / "old.params")
    for one, other in zip(detector(noise_images(0)[0]), load_detector(run)(noise_images(0)[0])):
        np.testing.assert_array_equal(one, other)


def test_nothing_there(run, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint in the folder"):
        load_detector(tmp_path)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "model-0002.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"that is whole:\n  .*model-0002\.json is not the JSON file of"):
        load_detector(damaged)
    with pytest.raises(CheckpointError, match="there is no checkpoint .*gone"):
        load_detector(tmp_path / "gone")
    detector = load_detector(run)
    for name in ("one", "two"):
        export(detector, tmp_path / name)
    with pytest.raises(CheckpointError, match="several exported detectors: name one of .*one, .*two"):
        load_detector(tmp_path)
