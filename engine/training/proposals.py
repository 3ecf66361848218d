"""RoIs that a trained proposal network gives to the next stage of alternate training."""
from pathlib import Path

import mxnet as mx
import numpy as np
from tqdm import tqdm

from ...errors import DataError
from ...operators import boxes as box_ops
from ..building.build import build_test_loader
from ..files import atomic_write
from ..symbolic.detector import graph_block
from ..symbolic.graphs import proposal_graph
from ..symbolic.weights import read_weights


def propose(cfg, contexts, parameters, dataset):
    """Proposals in every image of a data set, as `TEST.PROPOSAL_*` describe them.

    Args:
        contexts: devices; the first is used.
        parameters: file of the proposal network's parameters.

    Returns:
        list of float32 (k, 5), one an image in the order of the records, best first: boxes in the image's own frame,
        and scores.
    """
    symbol = proposal_graph(cfg, len(dataset.classes) + 1)
    net = graph_block(symbol, contexts[:1], lambda shapes: read_weights(parameters, shapes)[0])
    net.hybridize()
    found = [None] * len(dataset.records)
    with tqdm(total=len(found), disable=None, unit="image", desc="proposing") as bar:
        for indices, images, im_info in build_test_loader(cfg, dataset):
            rois, scores = (array.asnumpy() for array in net(mx.nd.array(images, ctx=contexts[0]),
                                                             mx.nd.array(im_info, ctx=contexts[0])))
            rows = np.concatenate([rois[:, 1:], scores], axis=1).astype(np.float32)
            for index, info, of_image in zip(indices, im_info, np.split(rows, len(indices))):
                # Where fewer boxes survive suppression, they are repeated.
                _, first = np.unique(of_image, axis=0, return_index=True)
                found[index] = of_image[np.sort(first)] / np.array([info[2]] * 4 + [1], np.float32)
            bar.update(len(indices))
    return found


def recall(dataset, proposals, overlap=0.5):
    """Share of the ground truths of a data set that a proposal of the image overlaps by at least `overlap`."""
    hits = [box_ops.iou(boxes[None, :, :4], record.boxes[None])[0].max(axis=0, initial=0) >= overlap
            for record, boxes in zip(dataset.records, proposals) if len(record.boxes)]
    return float(np.concatenate(hits).mean()) if hits else float("nan")


def save_proposals(path, dataset, proposals):
    """Writes what `propose` returned to a file of arrays, atomically."""
    with atomic_write(path) as temporary:
        np.savez(temporary, images=_names(dataset), counts=[len(rows) for rows in proposals],
                 rows=np.concatenate(proposals))


def load_proposals(path, dataset):
    """Boxes of a file that `save_proposals` wrote: {path of the image: float32 (k, 4), in its own frame}.

    Raises:
        DataError: no such file, or it is of other images.
    """
    if not Path(path).is_file():
        raise DataError(f"there is no file of proposals {path}")
    with np.load(str(path), allow_pickle=False) as file:
        if file["images"].tolist() != _names(dataset):
            raise DataError(f"{path} has the proposals of other images than those of {dataset.name}")
        boxes = np.split(file["rows"][:, :4], np.cumsum(file["counts"])[:-1])
    return {record.path: of_image for record, of_image in zip(dataset.records, boxes)}


def _names(dataset):
    return [str(record.image_id) for record in dataset.records]
