"""Time and memory of a million images: as files with COCO's JSON, and packed.

Each number is taken in a process of its own, which holds nothing of what ran before.
"""
import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...data import Dataset, TrainLoader, TrainSampler, load_dataset
from ...data.batching.read_ahead import ReadAhead
from ...data.cache.cache_folder import VARIABLE
from ...data.files.image_bytes import open_image_file
from ...data.packing.set_packer import PackOptions
from ...data.packing.writing import pack_datasets
from ...data.record_columns import storage_order
from ...process_memory import PEAK, descendants, resident_bytes, status_bytes
from .large_sets import write_coco_set, written_once

HEADER = f"{'':<62} {'number':>9} {'seconds':>8} {'a second':>10} {'peak MB':>8}"
IMAGE_SET = "train2017"
_SCALES = ((64, 96),)
_BATCH = 2
_WINDOW = 20_000
_CACHE = "cache"  # the folder of the cache of data sets
_READING = "import sys; from light_head_rcnn.data import load_dataset; load_dataset('auto', *sys.argv[1:])"


class Sizes(NamedTuple):
    """How large the set is.

    Attributes:
        images, boxes: of the set.
        read: number of images that are read in each way.
        loaded: number of images that a training loader decodes.
    """

    images: int
    boxes: int
    read: int
    loaded: int


# What is measured: it returns the number of things that it did.
Work = Callable[[], int]


class Case(NamedTuple):
    """What a row measures.

    Attributes:
        what: for people.
        prepare: what is not measured; it returns what is.
        cold: whether the system's cache of files is emptied between the two.
    """

    what: str
    prepare: Callable[[str, Sizes], Work]
    cold: bool = False


def run_cases(folder: str, sizes: Sizes, names: Optional[Sequence[str]] = None) -> Iterator[Dict[str, Any]]:
    """Measures the cases, and yields a row for each.

    Args:
        folder: takes the sets, some 2.5 kB an image; those that are there already are used.
        sizes: of the set.
        names: of the cases, of `CASES`; None for all.

    Yields:
        {"case", "what", "number", "seconds", "peak", "cold", "more"}: how many images, or records; the time without
        imports; the most memory of the process in bytes, None where the system does not tell; whether the system's
        cache of files was empty, None where that does not matter; and what else the case found.
    """
    for name in names or CASES:
        run = subprocess.run([sys.executable, "-m", __name__, name, folder, *map(str, sizes)], check=True,
                             stdout=subprocess.PIPE, universal_newlines=True,
                             env=dict(os.environ, **{VARIABLE: os.path.join(folder, _CACHE)}))
        yield {"case": name, "what": CASES[name].what, **json.loads(run.stdout.splitlines()[-1])}


def format_row(row: Dict[str, Any]) -> str:
    """Returns a row of the table under `HEADER`."""
    peak = "-" if row["peak"] is None else f"{row['peak'] / 1e6:.0f}"
    cold = {True: "", False: " (the cache could not be emptied)", None: ""}[row["cold"]]
    more = "".join(f"\n    {key}: {value}" for key, value in row["more"].items())
    return (f"{row['what'] + cold:<62} {row['number']:>9} {row['seconds']:>8.2f} "
            f"{row['number'] / row['seconds']:>10.0f} {peak:>8}{more}")


def _coco(folder: str, sizes: Sizes) -> str:
    """Returns the folder of the set as files; it is written if it is not there."""
    return written_once(os.path.join(folder, "coco"),
                        lambda path: write_coco_set(path, sizes.images, sizes.boxes, False, files=4000))


def _load(folder: str, sizes: Sizes) -> Work:
    root = _coco(folder, sizes)
    shutil.rmtree(os.path.join(folder, _CACHE), ignore_errors=True)
    return lambda: len(load_dataset("auto", root, IMAGE_SET).records)


def _load_again(folder: str, sizes: Sizes) -> Work:
    root = _coco(folder, sizes)
    # The cache may not have the set yet. Another process fills it, whose memory does not count.
    subprocess.run([sys.executable, "-c", _READING, root, IMAGE_SET], check=True)
    return lambda: len(load_dataset("auto", root, IMAGE_SET).records)


def _pack(folder: str, sizes: Sizes) -> Work:
    dataset, target = load_dataset("auto", _coco(folder, sizes), IMAGE_SET), os.path.join(folder, "packed")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)

    def work() -> int:
        pack_datasets(target, {"train": dataset}, dataset.path, PackOptions(shuffled=("train",)))
        return len(dataset.records)
    return work


def _packed(folder: str) -> Dataset:
    return load_dataset("auto", os.path.join(folder, "packed"), IMAGE_SET)


def _load_packed(folder: str, sizes: Sizes) -> Work:
    return lambda: len(_packed(folder).records)


def _start(folder: str, sizes: Sizes, window: int = 0) -> Work:
    """All that a training does with the records before its first batch, and the first batch of an epoch."""
    from ...engine.building.anchor_coverage import sample_boxes
    from ...engine.building.datasets import empty_images_line, training_records
    from ...engine.config import load_config
    cfg = load_config("shapes_s")

    def work() -> int:
        dataset = _packed(folder)
        dataset.summary(), dataset.report(), empty_images_line(cfg, dataset)
        sample_boxes(dataset.records, _SCALES, 16)
        records = training_records(cfg, dataset)
        sampler = TrainSampler(records, _BATCH, _SCALES, shuffle_window=window)
        return len(sampler.batches(0)[0]) and len(records)
    return work


def _start_in_windows(folder: str, sizes: Sizes) -> Work:
    return _start(folder, sizes, _WINDOW)


def _batches(folder: str, sizes: Sizes) -> Work:
    records = _packed(folder).records
    return lambda: sum(map(len, TrainSampler(records, _BATCH, _SCALES).batches(0)))


def _read(paths: Sequence[str]) -> int:
    for path in paths:
        with open_image_file(path) as file:
            file.read()
    return len(paths)


def _files(folder: str, sizes: Sizes) -> List[str]:
    """Returns the paths of `sizes.read` files, none of which is a link, in the order in which they were written."""
    def write(path: str) -> None:
        os.makedirs(path)
        for number, record in enumerate(_packed(folder).records[:sizes.read]):
            with open_image_file(record.path) as source, open(os.path.join(path, f"{number:07d}.jpg"), "wb") as file:
                file.write(source.read())

    root = written_once(os.path.join(folder, "files"), write)
    return [os.path.join(root, name) for name in sorted(os.listdir(root))]


def _shuffled(paths: Sequence[str]) -> List[str]:
    return [paths[position] for position in np.random.RandomState(1).permutation(len(paths))]


def _read_files(folder: str, sizes: Sizes) -> Work:
    paths = _files(folder, sizes)
    return lambda: _read(paths)


def _read_files_shuffled(folder: str, sizes: Sizes) -> Work:
    paths = _shuffled(_files(folder, sizes))
    return lambda: _read(paths)


def _read_packed(folder: str, sizes: Sizes) -> Work:
    records = _packed(folder).records
    paths = list(records.take(storage_order(records)[:sizes.read]).paths())
    return lambda: _read(paths)


def _read_packed_shuffled(folder: str, sizes: Sizes) -> Work:
    """A full shuffle of as many images as the files are, which lie together: neither spreads over more of the disk."""
    records = _packed(folder).records
    paths = _shuffled(list(records.take(storage_order(records)[:sizes.read]).paths()))
    return lambda: _read(paths)


def _read_packed_in_windows(folder: str, sizes: Sizes) -> Work:
    """An epoch in windows, as a training reads it, of as many images."""
    records = _packed(folder).records
    records = records.take(storage_order(records)[:sizes.read])
    window = min(_WINDOW, sizes.read // 5)
    sampler = TrainSampler(records, _BATCH, _SCALES, shuffle_window=window)
    images = sampler.global_batches(0).images()
    paths = list(records.paths())

    def work() -> int:
        ahead = ReadAhead(sampler.places, images, window)
        return sum(_read([paths[image] for image in images[number]]) for number in ahead.follow(range(len(images))))
    return work


def _train(folder: str, sizes: Sizes, window: int = 0) -> Work:
    """Decodes and resizes images in two workers; the worker's memory is in "more"."""
    records = _packed(folder).records
    sampler = TrainSampler(records, _BATCH, _SCALES, shuffle_window=window)
    loader = TrainLoader(records, sampler, None, (0, 0, 0), num_workers=2)
    steps = min(sizes.loaded // _BATCH, len(loader))

    def work() -> int:
        for number, _ in enumerate(loader.epoch(0)):
            if number in (steps // 10, steps - 1):
                _MORE[f"memory of the processes that read, after {(number + 1) * _BATCH} images"] = ", ".join(
                    f"{resident_bytes(process) / 1e6:.0f} MB" for process in sorted(descendants(os.getpid())))
            if number == steps - 1:
                break
        return steps * _BATCH
    return work


def _train_in_windows(folder: str, sizes: Sizes) -> Work:
    return _train(folder, sizes, min(_WINDOW, sizes.images // 5))


CASES: Dict[str, Case] = {
    "load": Case("COCO's JSON, first time", _load),
    "load_again": Case("COCO's JSON, from the cache of data sets", _load_again),
    "pack": Case("packing, after the set was read", _pack),
    "load_packed": Case("the packed set", _load_packed),
    "start": Case("the packed set, up to the first batch", _start),
    "start_in_windows": Case("  with windows", _start_in_windows),
    "batches": Case("all batches of an epoch", _batches),
    "files": Case("files, in the order in which they were written, cold", _read_files, True),
    "files_shuffled": Case("files, shuffled, cold", _read_files_shuffled, True),
    "packed": Case("packed, in the order of the shards, cold", _read_packed, True),
    "packed_windows": Case("packed, drawn from windows, cold", _read_packed_in_windows, True),
    "packed_shuffled": Case("packed, shuffled, cold", _read_packed_shuffled, True),
    "train": Case("training batches of two workers, shuffled, cold", _train, True),
    "train_windows": Case("training batches of two workers, from windows, cold", _train_in_windows, True),
}
_MORE: Dict[str, str] = {}


def _empty_cache() -> bool:
    """Empties the system's cache of files; False where this user may not."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="utf-8") as file:
            file.write("3\n")
    except OSError:
        return False
    return True


def _disk_reads(folder: str) -> Optional[Tuple[int, int]]:
    """Returns how many requests the disk of a folder has answered, and how many bytes; None where that is not known."""
    device = os.stat(folder).st_dev
    try:
        with open("/proc/diskstats", encoding="utf-8") as file:
            for line in file:
                major, minor, _, requests, _, sectors = line.split()[:6]
                if (int(major), int(minor)) == (os.major(device), os.minor(device)):
                    return int(requests), 512 * int(sectors)
    except OSError:
        pass
    return None


def _main(name: str, folder: str, *sizes: str) -> None:
    """Measures one case in this process, and prints its numbers as JSON."""
    case = CASES[name]
    work = case.prepare(folder, Sizes(*map(int, sizes)))
    cold = _empty_cache() if case.cold else None
    before = _disk_reads(folder)
    start = time.perf_counter()
    number = work()
    seconds = time.perf_counter() - start
    if case.cold and before is not None:
        requests, size = (now - then for now, then in zip(_disk_reads(folder), before))
        _MORE["read from the disk"] = f"{size / 1e6:.0f} MB in {requests} requests"
    print("\n" + json.dumps({"number": number, "seconds": seconds, "peak": status_bytes(PEAK), "cold": cold,
                             "more": _MORE}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
