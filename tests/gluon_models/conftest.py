"""The parameters of the MXNet original's Light-Head R-CNN on ResNet-101 for COCO, and slow references."""
import json
from pathlib import Path

import mxnet as mx
import pytest


@pytest.fixture(scope="session")
def original_parameters():
    """{parameter: (shape, multiplier of the learning rate)}, 12 anchors and 81 classes."""
    rows = json.loads((Path(__file__).parent / "mxnet_original_parameters.json").read_text())
    return {name: (tuple(shape), lr_mult) for name, (shape, lr_mult) in rows.items()}


@pytest.fixture
def reimported(tmp_path):
    """Function that exports a hybridized detector, which has run on images and im_info, and imports the files."""
    def imported(net):
        net.export(str(tmp_path / "net"))
        return mx.gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), ["data0", "data1"],
                                            str(tmp_path / "net-0000.params"))

    return imported


@pytest.fixture(scope="session")
def reference(module_at):
    """The slow versions of the operators on RoIs."""
    return module_at("operators/reference.py")
