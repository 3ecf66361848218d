"""Finds, saves and loads the proposals that one stage of alternate training makes for the next."""
from typing import Dict, List, Sequence

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from .... import data
from ....data.proposals import names_of, read_proposals, write_proposals
from ....errors import DataError
from ....progress import ProgressBar
from ...building.loaders import build_test_loader
from ...evaluation import proposal_recall
from ...files import PathLike, atomic_write
from ...symbolic.blocks import graph_block
from ...symbolic.detector import TEST_INPUTS
from ...symbolic.graphs import proposal_graph
from ...symbolic.weights import parameter_shapes, read_weights


def propose(cfg: CfgNode, contexts: Sequence[mx.Context], parameters: str, dataset: data.Dataset) -> List[np.ndarray]:
    """Finds proposals in every image of a data set, with the thresholds and numbers of `TEST.PROPOSAL_*`.

    Args:
        cfg: `symbol` and the sections `network` and `TEST` are read.
        contexts: devices, of which the first is used.
        parameters: parameter file of the proposal network.
        dataset: the images; its boxes are not read.

    Returns:
        float32 (k, 5) for each record, best first: a box in the frame of the original image, and its score. An image
        that cannot be read has none.

    Raises:
        DataError: an image cannot be read, and the policy of the data set makes that an error.
    """
    symbol = proposal_graph(cfg, len(dataset.classes) + 1)
    shapes = parameter_shapes(symbol, {"data": (1, 3, 224, 224), "im_info": (1, 3)})
    net = graph_block(symbol, TEST_INPUTS, contexts[:1], read_weights(parameters, shapes)[0])
    found = [None] * len(dataset.records)
    with ProgressBar(total=len(found), disable=None, unit="image", desc="proposing") as bar:
        for batch in build_test_loader(cfg, dataset):
            for index, error in batch.unread:
                dataset.log.report_once(error.kind, str(error))
                found[index] = np.zeros((0, 5), np.float32)
            bar.update(len(batch.indices) + len(batch.unread))
            if not batch.views:
                continue
            images, im_info = batch.views[0]
            rois, scores = (array.asnumpy() for array in net(mx.nd.array(images, ctx=contexts[0]),
                                                             mx.nd.array(im_info, ctx=contexts[0])))
            rows = np.concatenate([rois[:, 1:], scores], axis=1).astype(np.float32)
            for index, info, of_image in zip(batch.indices, im_info, np.split(rows, len(im_info))):
                # The operator repeats boxes where fewer than asked for are left after suppression.
                _, first = np.unique(of_image, axis=0, return_index=True)
                found[index] = of_image[np.sort(first)] / np.array([info[2]] * 4 + [1], np.float32)
    return found


def recall(dataset: data.Dataset, proposals: Sequence[np.ndarray], overlap: float = 0.5) -> float:
    """The share of a data set's ground truths that some proposal of their image overlaps by at least `overlap` (IoU).

    Args:
        dataset: the images and their ground truths, all of which are counted.
        proposals: for each record (k, 4 or more), whose first columns are boxes in the frame of the original image.
    """
    most = max(map(len, proposals), default=0)
    best = proposal_recall.best_overlaps((record.boxes for record in dataset.records), proposals, [most])[0]
    return proposal_recall.recall(best, overlap)


def save_proposals(path: PathLike, dataset: data.Dataset, proposals: Sequence[np.ndarray]) -> None:
    """Writes what `propose` returned to a file of proposals, atomically."""
    with atomic_write(path) as temporary:
        write_proposals(temporary, names_of(dataset.records, dataset.path),
                        [(record.width, record.height) for record in dataset.records], list(map(len, proposals)),
                        (rows[:, :4] for rows in proposals), (rows[:, 4] for rows in proposals), "rpn")


def load_proposals(path: PathLike, dataset: data.Dataset) -> Dict[str, np.ndarray]:
    """Reads the boxes of a file that `save_proposals` wrote, as they are.

    Returns:
        float32 (k, 4) by the path of the image, in the frame of the original image.

    Raises:
        DataError: there is no such file, or it belongs to other images.
    """
    entries = list(read_proposals(path))
    if [entry.name for entry in entries] != names_of(dataset.records, dataset.path):
        raise DataError(f"{path} has the proposals of other images than those of {dataset.name}")
    return {record.path: entry.boxes for record, entry in zip(dataset.records, entries)}
