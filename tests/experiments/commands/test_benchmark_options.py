"""The folder in which benchmarks keep their data sets."""
from pathlib import Path

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.commands.benchmark_options import folder_of_sets

SIZES = {"images": 30, "voc-images": 10}


def test_sets_are_kept_for_calls_with_the_same_sizes(tmp_path):
    for _ in range(2):
        with folder_of_sets(str(tmp_path / "new" / "sets"), SIZES) as folder:
            (Path(folder) / "coco").mkdir(exist_ok=True)
    assert sorted(path.name for path in (tmp_path / "new" / "sets").iterdir()) == ["coco", "sizes.json"]
    with pytest.raises(UsageError, match="sets has sets of other sizes: name another by --folder, or ask for --images "
                                         "30 --voc-images 10$"):
        with folder_of_sets(str(tmp_path / "new" / "sets"), dict(SIZES, images=31)):
            pass


def test_a_folder_of_other_files_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(UsageError, match="is not empty, and has no sizes.json of an earlier call: name another by"):
        with folder_of_sets(str(tmp_path), SIZES):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]
    with pytest.raises(UsageError, match="holiday.jpg is not a folder"):
        with folder_of_sets(str(tmp_path / "holiday.jpg"), SIZES):
            pass


def test_a_temporary_folder_goes_with_its_sets():
    with folder_of_sets(None, SIZES) as folder:
        assert Path(folder).is_dir()
    assert not Path(folder).exists()
