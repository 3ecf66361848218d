"""What stays of the checkpoints of a run, and how a later run finds it."""
import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints import checkpoint_files
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.runs.kept_checkpoints import keep_last_checkpoint, last_checkpoint_of_run


@pytest.fixture
def prefix(tmp_path):
    """A run "net" of two epochs, of which the first was the best, and its configuration."""
    prefix = str(tmp_path / "net")
    content = checkpoint_files.Content({"arg:weight": mx.nd.zeros(3)}, {}, {}, ["a"])
    for epoch in (1, 2):
        base = checkpoint_files.write_checkpoint(prefix, f"000{epoch}", content, epoch, 10 * epoch,
                                                 {"steps_per_epoch": 10})
        if epoch == 1:
            checkpoint_files.copy_checkpoint(base, prefix, "best")
    (tmp_path / "run.yaml").write_text(f"output_path: {tmp_path}\nTRAIN:\n  model_prefix: net\n")
    return prefix


def files(folder):
    return sorted(path.name for path in folder.glob("net*"))


def test_the_last_checkpoint_alone_is_kept(tmp_path, prefix):
    (tmp_path / "net-notes.json").write_text("{}")
    keep_last_checkpoint(prefix)
    assert files(tmp_path) == ["net-0002.json", "net-0002.params", "net-0002.states", "net-notes.json"]


def test_nothing_is_removed_where_no_checkpoint_is_whole(tmp_path, prefix):
    for path in tmp_path.glob("net-*.params"):
        path.write_bytes(b"")
    before = files(tmp_path)
    keep_last_checkpoint(prefix)
    assert files(tmp_path) == before and before


def test_a_later_run_finds_the_last_checkpoint(tmp_path, prefix):
    assert last_checkpoint_of_run(tmp_path / "run.yaml", "row/0", "state.json") == prefix + "-0002"
    (tmp_path / "net-0002.params").unlink()
    assert last_checkpoint_of_run(tmp_path / "run.yaml", "row/0", "state.json") == prefix + "-0001"


@pytest.mark.parametrize("gone", ["run.yaml", "net-*.json"])
def test_a_run_without_its_checkpoint_is_named(tmp_path, prefix, gone):
    for path in tmp_path.glob(gone):
        path.unlink()
    with pytest.raises(UsageError, match="^it begins with the checkpoint of row/0, but .* has none any more: remove "
                                         "the entry row/0 from work/state.json to do that run again$") as error:
        last_checkpoint_of_run(tmp_path / "run.yaml", "row/0", "work/state.json")
    assert str(tmp_path) in str(error.value)
