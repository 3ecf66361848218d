"""Parameter files: a list of every mismatch, and files that cannot be read."""
import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints.parameters import load_parameters, save_parameters
from light_head_rcnn.errors import CheckpointError


def test_every_misfit_is_listed(tmp_path, small):
    net, _ = small.build()
    save_parameters(tmp_path / "a.params", net)
    arrays = mx.nd.load(str(tmp_path / "a.params"))
    del arrays["arg:fc_bias"]
    arrays["arg:extra"] = mx.nd.zeros((2, 2))
    arrays["arg:fc_weight"] = mx.nd.ones((7, 3))
    arrays["arg:fixed_bias"] = mx.nd.array([42.0])
    mx.nd.save(str(tmp_path / "b.params"), arrays)
    with pytest.raises(CheckpointError) as caught:
        load_parameters(tmp_path / "b.params", net)
    message = str(caught.value)
    for part in ("b.params", "fc_bias (4,)", "extra (2, 2)", "fc_weight is (7, 3) in the file, (4, 3) in the network"):
        assert part in message
    assert net.fixed.bias.data().asscalar() != 42.0
    assert len(load_parameters(tmp_path / "b.params", net, allow_partial=True)) == 3
    assert net.fixed.bias.data().asscalar() == 42.0


@pytest.mark.parametrize("content, part", [(None, "no file"), (b"", "cannot be read"), (b"junk", "cannot be read")])
def test_unreadable_parameters(tmp_path, content, part, small):
    path = tmp_path / "bad.params"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=part) as caught:
        load_parameters(path, small.build()[0])
    assert "bad.params" in str(caught.value)
