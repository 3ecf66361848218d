"""Images padded to one size, and exports that say so."""
import json

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.export import export
from light_head_rcnn.engine.deploy.exported import load_exported
from light_head_rcnn.engine.deploy.fusing.static import StaticNetwork, padded
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.errors import CheckpointError, UsageError


def test_padding():
    x = mx.nd.random.uniform(1, 2, (2, 3, 4, 6))
    whole = padded(x, (8, 7)).asnumpy()
    assert whole.shape == (2, 3, 8, 7) and whole.sum() == pytest.approx(x.sum().asscalar(), rel=1e-5)
    np.testing.assert_array_equal(whole[:, :, :4, :6], x.asnumpy())
    for shape in ((4, 6), (3, 9), (9, 5)):
        assert padded(x, shape) is x


@pytest.mark.parametrize("fuse, onednn", [(True, True), (True, False), (False, False)])
def test_an_export_of_one_size(make_detector, photo, tmp_path, fuse, onednn):
    plain = make_detector()
    export(plain, tmp_path / "one", fuse=fuse, onednn=onednn, static_shape=(96, 128))
    meta = json.loads((tmp_path / "one-meta.json").read_text())
    assert meta["static_shape"] == [96, 128]
    assert meta.get("fused") == ({"norms_folded": 49, "norms_left": 0, "onednn": onednn} if fuse else None)
    again = load_exported(tmp_path / "one")
    expected = Detector(StaticNetwork(plain.net, (96, 128)), plain.classes, plain.preparation)
    for image in (photo, photo[:, :64], photo[:48]):
        (ids, scores, boxes), (other_ids, other_scores, other_boxes) = again(image), expected(image)
        np.testing.assert_array_equal(ids, other_ids)
        np.testing.assert_allclose(scores, other_scores, atol=1e-5)
        np.testing.assert_allclose(boxes, other_boxes, atol=1e-2)


def test_an_export_can_be_exported_again(make_detector, photo, tmp_path):
    export(make_detector(), tmp_path / "one", onednn=False, static_shape=(96, 128))
    one = load_exported(tmp_path / "one")
    export(one, tmp_path / "two")
    two = Detector(StaticNetwork(load_exported(tmp_path / "two").net, (96, 128)), one.classes, one.preparation)
    np.testing.assert_allclose(two(photo).scores, one(photo).scores, atol=1e-5)


@pytest.mark.parametrize("shape, message", [((100, 128), "is 100x128: .* multiples of 32.*such as 128x128"),
                                            ((96, 0), "is 96x0: .*such as 96x32")])
def test_shapes_that_the_network_cannot_have(make_detector, tmp_path, shape, message):
    with pytest.raises(UsageError, match=message):
        export(make_detector(), tmp_path / "one", static_shape=shape)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"static_shape": "x"}, {"static_shape": [96]}, {"fused": 3}, {"fused": "yes"}])
def test_a_damaged_description(make_detector, tmp_path, change):
    export(make_detector(), tmp_path / "one")
    file = tmp_path / "one-meta.json"
    file.write_text(json.dumps(dict(json.loads(file.read_text()), **change)))
    with pytest.raises(CheckpointError, match="does not describe an exported detector"):
        load_exported(tmp_path / "one")
