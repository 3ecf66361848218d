"""What a training says about its tests and checkpoints."""
import mxnet as mx

from light_head_rcnn.engine.checkpoints.checkpoint_files import BEST, Content, copy_checkpoint, write_checkpoint
from light_head_rcnn.engine.config import load_config, with_values
from light_head_rcnn.engine.training import advice


def test_what_tests_decide():
    def lines(has_test_set, **train):
        return advice.on_tests(load_config(None, {f"TRAIN.{key}": value for key, value in train.items()}), has_test_set)

    assert lines(True, TEST_EVERY=2, EARLY_STOP_TESTS=3) == lines(False) == []
    assert len(lines(True)) == 1 and "TRAIN.TEST_EVERY=1 tests after each epoch and keeps the best" in lines(True)[0]
    assert "warning: TRAIN.TEST_EVERY is 2, but dataset.test_image_set is empty" in lines(False, TEST_EVERY=2)[0]
    assert "warning: TRAIN.EARLY_STOP_TESTS is 3, but there are no tests" in lines(True, EARLY_STOP_TESTS=3)[1]


def test_which_checkpoint_is_the_one_to_use(tmp_path):
    cfg = load_config(None, {"output_path": str(tmp_path)})
    assert advice.on_checkpoints(cfg) == []
    prefix = str(tmp_path / "light_head_rcnn")
    content = Content({"arg:a": mx.nd.ones(1)}, {}, {}, ("a",))
    for epoch in (1, 2):
        write_checkpoint(prefix, f"{epoch:04d}", content, epoch, epoch)
    use = f"to use it: lhrcnn detect --checkpoint {tmp_path} IMAGE"
    last = advice.on_checkpoints(cfg)
    assert last[0] == f"the last checkpoint is {prefix}-0002 (epoch 2)" and last[1].startswith(use)
    copy_checkpoint(prefix + "-0001", prefix, BEST, {"test": {"AP50": 0.5}})
    best = advice.on_checkpoints(cfg)
    assert best[0] == f"the best checkpoint is {prefix}-best (epoch 1, AP50 0.5000), the last one {prefix}-0002"
    assert best[1].startswith(use + ".")
    on_given = advice.on_checkpoints(with_values(cfg, {"dataset.proposal": "file"}))
    assert on_given[1].startswith(use + " --proposals selective_search.")
