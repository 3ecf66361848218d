"""Runs a detector on every image of a data set."""
from typing import List

import numpy as np
from tqdm import tqdm

from ... import data
from .detector import Detections, Detector, to_original_frame


def detect_dataset(detector: Detector, dataset: data.Dataset, batch_images: int = 1) -> List[Detections]:
    """Finds objects in every image of a data set, with a progress bar on a terminal.

    Args:
        detector: runs on all of its devices.
        dataset: its boxes are not read.
        batch_images: images in a batch, for each device of the detector.

    Returns:
        The detections of each record, boxes in the frame of the original image.
    """
    how, contexts = detector.preparation, detector.contexts
    loaders = [data.TestLoader(dataset.records, batch_images * len(contexts), *scale, how.means, how.stds,
                               stride=how.stride) for scale in how.scales]
    found: List[Detections] = [None] * len(dataset.records)
    with tqdm(total=len(found), disable=None, unit="image", desc="testing") as bar:
        for batches in zip(*loaders):
            indices, _, im_info = batches[0]
            shares = [share for share in np.array_split(np.arange(len(indices)), len(contexts)) if len(share)]
            # All devices are given work before the answer of the first is waited for.
            answers = [detector.views([(x[share], info[share]) for _, x, info in batches], context)
                       for share, context in zip(shares, contexts)]
            for share, answer in zip(shares, answers):
                ids, scores, boxes = (array.asnumpy() for array in answer)
                for row, position in enumerate(share):
                    record = dataset.records[indices[position]]
                    found[indices[position]] = to_original_frame(
                        ids[row], scores[row], boxes[row], im_info[position][2], record.width, record.height)
            bar.update(len(indices))
    return found
