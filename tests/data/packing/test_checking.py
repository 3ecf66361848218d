"""Damage is found and named, and what is not damaged is used."""
import os

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset, read_image
from light_head_rcnn.data.packing.checking import find_damage
from light_head_rcnn.data.packing.manifest import read_manifest
from light_head_rcnn.errors import DataError


@pytest.fixture
def packed(make_image, tmp_path, pack):
    """Twelve images in six shards."""
    lines = ["filename,class,xmin,ymin,xmax,ymax"]
    for number in range(12):
        make_image(tmp_path / "set" / f"{number:02}.jpg", 40, 30, number)
        lines.append(f"{number:02}.jpg,a,1,2,{10 + number},20")
    (tmp_path / "set" / "boxes.csv").write_text("\n".join(lines) + "\n")
    pack(tmp_path / "set", tmp_path / "packed", ("all",), shard_bytes=1200)
    return tmp_path / "packed"


def flip_bit(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_nothing_is_wrong(packed):
    assert find_damage(read_manifest(str(packed))) == []


def test_any_changed_bit_is_found(packed):
    rng = np.random.RandomState(0)
    for name in sorted(set(os.listdir(packed)) - {"packed_data_set.json"}):
        position = rng.randint(os.path.getsize(packed / name))
        flip_bit(packed / name, position)
        found, = find_damage(read_manifest(str(packed)))
        assert found.path == str(packed / name) and "its checksum is another" in str(found)
        flip_bit(packed / name, position)
    assert find_damage(read_manifest(str(packed))) == []


def test_what_is_lost_is_counted_and_the_rest_is_used(packed):
    dataset = load_dataset("auto", packed, "all")
    in_shard = [position for position, record in enumerate(dataset.records) if "all-00001.rec" in record.path]
    flip_bit(packed / "all-00001.rec", 300)
    found, = find_damage(read_manifest(str(packed)))
    assert str(found) == (f"{packed}/all-00001.rec: its checksum is another: it is damaged; 1 of its {len(in_shard)} "
                          "images cannot be read")
    dataset = load_dataset("auto", packed, "all")
    assert len(dataset) == 12
    dataset.check_images()
    assert len(dataset) == 11 and dataset.log.counts == {"image_unreadable": 1}
    assert "00001.rec" in dataset.log.examples["image_unreadable"][0]


def test_a_lost_shard_and_one_that_is_cut_off(packed):
    os.unlink(packed / "all-00000.rec")
    size = os.path.getsize(packed / "all-00002.rec")
    os.truncate(packed / "all-00002.rec", size - 8)
    faults = [str(one) for one in find_damage(read_manifest(str(packed)))]
    assert len(faults) == 2 and f"it has {size - 8} bytes in place of {size}" in faults[1]
    dataset = load_dataset("auto", packed, "all")
    lost = 12 - len(dataset)
    assert 2 <= lost < 6 and sum(dataset.log.counts.values()) == lost
    assert dataset.log.counts["image_missing"] and dataset.log.counts["image_unreadable"] == 1
    for record in dataset.records:
        read_image(record)
    with pytest.raises(DataError, match="all-00000.rec.*there is no such file of records"):
        load_dataset("auto", packed, "all", on_error="raise")
    for number in (3, 4, 5):
        os.unlink(packed / f"all-0000{number}.rec")
    with pytest.raises(DataError, match="of 12 images cannot be used, because shards are missing or cut off"):
        load_dataset("auto", packed, "all")
