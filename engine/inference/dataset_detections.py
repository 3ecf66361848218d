"""Runs a detector on every image of a data set."""
import io
import json
import time
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

from ... import data
from ...data.proposals import ProposalSet
from ...data.record_columns import image_field
from ...errors import DataError, UsageError
from ...progress import ProgressBar
from ...runtime import available_threads
from ..building.loaders import useful_workers
from ..parallel.group import ALONE, Group
from .detections import Detections, to_original_frame
from .detector import Detector

# Mean size of images in megapixels from which reading takes long beside a small network on a processor.
_LARGE_IMAGES = 2
_MORE_SECONDS = 10  # that the usual share of another process may take beyond this one's


class DatasetDetections(NamedTuple):
    """What was found in a data set.

    Attributes:
        detections: those of each record, boxes in the frame of the original image; none for an image that cannot be
            read.
        failures: what is wrong with each image that cannot be read, by its position in the list of records.
    """

    detections: List[Detections]
    failures: Dict[int, str]


def detect_dataset(detector: Detector, dataset: data.Dataset, batch_images: int = 1,
                   num_workers: int = 0, proposals: Optional[ProposalSet] = None,
                   group: Group = ALONE) -> DatasetDetections:
    """Finds objects in every image of a data set, with a progress bar on a terminal.

    An image that cannot be read is treated as the policy of the data set says of its kind of fault: it ends the call,
    or is reported and the others are still done.

    Args:
        detector: runs on all of its devices.
        dataset: its boxes are not read.
        batch_images: images in a batch, for each device of the detector.
        num_workers: processes that read and resize images while the detector runs. Few images are read without them,
            and so are small ones where the detector itself keeps all cores of a small machine busy. The detections are
            the same.
        proposals: for a detector that needs them, those of each image.
        group: the processes that share the images; each gets the detections of all, which are those of one process.

    Raises:
        UsageError: the detector needs proposals and none are given, or it takes none.
        DataError: an image has no proposals; an image cannot be read, and that is an error by the policy of the data
            set; or none can be read.
    """
    if (detector.rois is None) != (proposals is None):
        raise UsageError("this detector finds its proposals itself: leave those of the data set out"
                         if detector.rois is None else
                         "this detector classifies given proposals: name the files with those of this data set, "
                         "dataset.proposal_files=FILE; in Python, evaluate(detector, dataset, proposals="
                         "load_proposals(FILE, dataset.records)); lhrcnn proposals writes them")
    how, contexts = detector.preparation, detector.contexts
    workers = 0 if _network_needs_all_cores(contexts, dataset.records) else num_workers
    loader = data.TestLoader(dataset.records, batch_images * len(contexts), how.scales, how.means, how.stds,
                             stride=how.stride, num_workers=useful_workers(workers, len(dataset.records)),
                             shard=group.shard)
    found = [_nothing() for _ in dataset.records]
    failures: Dict[int, str] = {}
    began = time.monotonic()
    own = _own_images(group, len(found), batch_images * len(contexts))
    with ProgressBar(total=len(own), disable=None, unit="image", desc="testing") as bar:
        for batch in loader:
            for index, error in batch.unread:
                dataset.log.report_once(error.kind, str(error))
                failures[index] = str(error)
            views = batch.views
            if proposals is not None and views:
                boxes = [proposals.of(dataset.records[index]) for index in batch.indices]
                rois = detector.rois.network_inputs(boxes, [im_info for _, im_info in views])
                views = [(*view, of_view) for view, of_view in zip(views, rois)]
            shares = [share for share in np.array_split(np.arange(len(batch.indices)), len(contexts)) if len(share)]
            # All devices are given work before the answer of the first is waited for.
            answers = [detector.views([tuple(array[share] for array in view) for view in views], context)
                       for share, context in zip(shares, contexts)]
            for share, answer in zip(shares, answers):
                ids, scores, boxes = (array.asnumpy() for array in answer)
                for row, position in enumerate(share):
                    index, im_info = batch.indices[position], batch.views[0][1][position]
                    record = dataset.records[index]
                    found[index] = to_original_frame(ids[row], scores[row], boxes[row], im_info[2], record.width,
                                                     record.height)
            bar.update(len(batch.indices) + len(batch.unread))
    if group.size > 1:
        seconds = time.monotonic() - began
        with group.watchdog.watch("the test, of which this process has done its part,", usual=seconds + _MORE_SECONDS):
            found, failures = _of_all_processes(group, own, found, failures)
    if failures and len(failures) == len(found):
        raise DataError(f"none of the {len(found)} images can be read; the first: {failures[0]}")
    return DatasetDetections(found, failures)


def _own_images(group: Group, images: int, batch_size: int) -> range:
    """Returns the positions of the images that this process tests: those of its batches."""
    starts = group.shard.of(range(0, images, batch_size))
    return range(starts[0], min(starts[-1] + batch_size, images)) if starts else range(0)


def _of_all_processes(group: Group, own: Sequence[int], found: List[Detections],
                      failures: Dict[int, str]) -> Tuple[List[Detections], Dict[int, str]]:
    """Returns the detections and failures of all processes, in the order of the records.

    Args:
        group: the processes.
        own: positions of the records that this process has done.
        found, failures: with those of this process filled in.
    """
    content = io.BytesIO()
    columns = [np.concatenate([getattr(found[index], name) for index in own] or [getattr(_nothing(), name)])
               for name in Detections._fields]
    np.savez(content, own=np.array(own, np.int64), counts=np.array([len(found[index].ids) for index in own], np.int64),
             failures=np.frombuffer(json.dumps(failures).encode(), np.uint8), **dict(zip(Detections._fields, columns)))
    found, failures = list(found), {}
    for part in group.gather(content.getvalue()):
        with np.load(io.BytesIO(part)) as arrays:
            ends = np.cumsum(arrays["counts"])[:-1]
            for index, *row in zip(arrays["own"], *(np.split(arrays[name], ends) for name in Detections._fields)):
                found[index] = Detections(*row)
            failures.update((int(index), text) for index, text in json.loads(arrays["failures"].tobytes()).items())
    return found, dict(sorted(failures.items()))


def _network_needs_all_cores(contexts: Sequence[mx.Context], records: Sequence[data.Record]) -> bool:
    """True where reading takes a small part of the time, and a network on two cores or fewer takes the rest of it.

    Measured on two cores, with a small network: two workers made tests on photographs of 0.3 megapixels 3 to 19 percent
    slower, and on photographs of 12 megapixels 13 percent faster.
    """
    pixels = image_field(records, "width") * image_field(records, "height")
    megapixels = pixels.sum() / max(len(records), 1) / 1e6
    return all(context.device_type == "cpu" for context in contexts) and megapixels < _LARGE_IMAGES and (
        available_threads().count <= 2)


def _nothing() -> Detections:
    return Detections(np.zeros(0, int), np.zeros(0, np.float32), np.zeros((0, 4), np.float32))
