"""From trained parameters to detections in the original images' frames."""
from pathlib import Path

import mxnet as mx
import numpy as np
from tqdm import tqdm

from ...errors import CheckpointError
from ... import data
from ..building.build import build_net, log_misfits
from ..checkpoints.checkpoint import latest_checkpoint, load_parameters, read_state
from ..config import checkpoint_prefix, pixel_means, pixel_stds, test_scales
from ..symbolic.detector import load_detector
from .test_time_augmentation import MultiView


def load_network(cfg, contexts, checkpoint=None, epoch=None, classes=None, allow_partial=False, logger=None):
    """The configuration's detector with trained parameters, hybridized.

    Parameters
    ----------
    cfg : CfgNode
    contexts : list of mx.Context
    checkpoint : str, optional
        PREFIX-TAG, or a file of parameters. Default: the configuration's checkpoint of `epoch`, of `TEST.test_epoch`
        where that is set, or else the last one.
    epoch : int, optional
    classes : sequence of str, optional
        Names that the checkpoint must have been trained for. Default: the checkpoint's own, or `dataset.classes`.
    allow_partial : bool
        Take over what fits of a file with other parameters, and say to `logger` what does not.
    logger : logging.Logger, optional

    Returns
    -------
    net : HybridBlock
        The Gluon model `network.model`, or the symbolic graph `symbol` where the configuration names one.
    path : str
        The parameters' file.

    Raises
    ------
    CheckpointError
        None there, not of this network, or of other classes.
    """
    base = _choose(cfg, checkpoint, epoch)
    if Path(base + ".json").is_file() or not Path(base + ".params").is_file():
        saved = tuple(read_state(base)["classes"])
        if classes is not None and tuple(classes) != saved:
            raise CheckpointError(f"{base} was trained for the classes {', '.join(saved)}, "
                                  f"not for {', '.join(classes)}")
        classes = saved
    classes = classes or cfg.dataset.classes
    if not classes:
        raise CheckpointError(f"{base}.params does not say its classes; name them: dataset.classes NAME,NAME,...")
    path = base + ".params"
    if cfg.symbol:
        net, misfits = load_detector(cfg, classes, contexts, path, allow_partial)
    else:
        net = build_net(cfg, classes)
        net.initialize(ctx=contexts)
        misfits = load_parameters(path, net, allow_partial)
        net.hybridize()
    if logger is not None:
        log_misfits(logger, misfits)
    return net, path


def detect_dataset(net, loaders, records, contexts=None, flip=False):
    """Detections in every image of a data set, with a progress bar on a terminal.

    Parameters
    ----------
    net : callable
        `ids, scores, bboxes = net(x, im_info)`, as the project's detectors; see `views.MultiView`.
    loaders : sequence of data.TestLoader
        The same batches at each scale.
    records : list of Record
        Those that the loaders were made of.
    contexts : list of mx.Context, optional
        A batch is shared between them; the CPU by default.
    flip : bool
        Look at every image mirrored too.

    Returns
    -------
    list of (ids int (k,), scores float32 (k,), boxes float32 (k, 4))
        One an image, in the order of `records`, best score first; boxes (x1, y1, x2, y2) in the original image's frame,
        inclusive ends, clipped to the image.
    """
    contexts = contexts or [mx.cpu()]
    views, detections = MultiView(net, flip), [None] * len(records)
    with tqdm(total=len(records), disable=None, unit="image", desc="testing") as bar:
        for batches in zip(*loaders):
            indices, _, im_info = batches[0]
            shares = [share for share in np.array_split(np.arange(len(indices)), len(contexts)) if len(share)]
            # All devices work before the first answer is waited for.
            answers = [views([(x[share], info[share]) for _, x, info in batches], ctx)
                       for share, ctx in zip(shares, contexts)]
            for share, answer in zip(shares, answers):
                ids, scores, boxes = (array.asnumpy() for array in answer)
                for row, position in enumerate(share):
                    record = records[indices[position]]
                    detections[indices[position]] = to_original(
                        ids[row], scores[row], boxes[row], im_info[position][2], record.width, record.height)
            bar.update(len(indices))
    return detections


def to_original(ids, scores, boxes, scale, width, height):
    """A network's answer for one image, brought to the image's own frame.

    Parameters
    ----------
    ids, scores, boxes : arrays (K, 1), (K, 1), (K, 4)
        Rows of -1 are padding; boxes in the network-input frame.
    scale : float
        Network-input pixels a pixel of the image.
    width, height : int
        Of the image.

    Returns
    -------
    ids int (k,), scores float32 (k,), boxes float32 (k, 4)
    """
    found = ids[:, 0] >= 0
    limits = np.array([width, height, width, height], np.float32) - 1
    boxes = np.clip(boxes[found] / np.float32(scale), 0, limits)
    return ids[found, 0].astype(int), scores[found, 0].astype(np.float32), boxes.astype(np.float32)


class Detector:
    """A network together with the preparation that its images need.

    Parameters
    ----------
    net : callable
        `ids, scores, bboxes = net(x, im_info)`.
    classes : sequence of str
        Names of the ids.
    short_edge, long_edge : int
        Size of the resized image, pixels, see `data.resize_scale`.
    means, stds : three floats each
        Red, green, blue.
    stride : int
        Height and width are padded to multiples of it.
    ctx : mx.Context
    more_scales : sequence of (short edge, long edge)
        Sizes at which to look at the image again.
    flip : bool
        Look at the image mirrored too, at every size; for both see `views.MultiView`.
    """

    def __init__(self, net, classes, short_edge, long_edge, means, stds, stride, ctx, more_scales=(), flip=False):
        self.net, self.classes, self.ctx = net, tuple(classes), ctx
        self.short_edge, self.long_edge = short_edge, long_edge
        self.means, self.stds, self.stride = tuple(means), tuple(stds), stride
        self._more_scales, self._views = tuple(more_scales), MultiView(net, flip)

    @classmethod
    def of(cls, cfg, net, ctx):
        """The detector that tests a network as `cfg` says."""
        first, *others = test_scales(cfg)
        return cls(net, net.classes, *first, pixel_means(cfg), pixel_stds(cfg), max(cfg.network.IMAGE_STRIDE, 1), ctx,
                   others, cfg.TEST.FLIP)

    def prepare(self, image):
        """The network's input of one image at the first size: x (1, 3, H, W) and im_info (1, 3), NDArrays.

        Parameters
        ----------
        image : path, or uint8 array (H, W, 3), RGB
        """
        return tuple(mx.nd.array(array, ctx=self.ctx)
                     for array in self._input(self.read(image), self.short_edge, self.long_edge))

    def __call__(self, image):
        """Detections in one image.

        Parameters
        ----------
        image : path, or uint8 array (H, W, 3), RGB

        Returns
        -------
        ids int (k,), scores float32 (k,), boxes float32 (k, 4)
            Best score first; boxes (x1, y1, x2, y2) in the image's frame, inclusive ends.

        Raises data.DataError for a file that is not a readable image.
        """
        pixels = self.read(image)
        inputs = [self._input(pixels, *scale) for scale in ((self.short_edge, self.long_edge), *self._more_scales)]
        ids, scores, boxes = (array.asnumpy()[0] for array in self._views(inputs, self.ctx))
        return to_original(ids, scores, boxes, inputs[0][1][0, 2], pixels.shape[1], pixels.shape[0])

    def _input(self, pixels, short_edge, long_edge):
        x, im_info, _ = data.preprocess(pixels, short_edge, long_edge, self.means, self.stds)
        return data.pad_images([x], self.stride), im_info[None]

    @staticmethod
    def read(image):
        """Pixels, uint8 (H, W, 3), RGB, of a path; an array passes through."""
        return image if isinstance(image, np.ndarray) else data.read_image(str(image))


def _choose(cfg, checkpoint, epoch):
    if checkpoint is not None:
        base = str(checkpoint)
        return base[:-len(".params")] if base.endswith(".params") else base
    prefix = checkpoint_prefix(cfg)
    epoch = epoch or cfg.TEST.test_epoch
    if epoch:
        return f"{prefix}-{epoch:04d}"
    base = latest_checkpoint(prefix)
    if base is None:
        raise CheckpointError(f"there is no checkpoint {prefix}-*: train first, or name one: --checkpoint PATH")
    return base
