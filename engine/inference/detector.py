"""A network together with the preparation that its images need: images in, detections out."""
import os
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock
from PIL import Image
from yacs.config import CfgNode

from ... import data
from ...errors import DataError, UsageError
from ..files import PathLike
from .detections import Detections, to_original_frame
from .file_reading import ReadFile
from .given_rois import NEEDED, RoIPreparation, checked_proposals
from .input_preparation import InputPreparation
from .requests import NetworkRequests, Requests
from .streaming import detect_stream
from .test_time_augmentation import MultiView, NetworkInput

ImageLike = Union[PathLike, np.ndarray, mx.nd.NDArray, Image.Image]


class Detector:
    """Finds objects in images.

    Args:
        net: network with parameters on `contexts`, called as `ids, scores, bboxes = net(x, im_info)`, see
            `gluon_models.TwoStageDetector`, or with `rois`, as `net(x, im_info, rois)`, see `gluon_models.FastRCNN`.
            Several views of an image need a HybridBlock that also has the methods `candidates` and `suppress` of these
            classes.
        classes: names of the ids, background not among them.
        preparation: how an image becomes the network's input.
        contexts: devices that hold the parameters; by default the CPU. Single images run on the first.
        flip: run the network on each image mirrored too, at every scale.
        source: the path that the parameters come from, for messages.
        max_megapixels: limit for the number of pixels of an image file, in millions.
        rois: how the network gets its RoIs, where proposals are given with each image; None where it finds its own.

    Attributes:
        net, classes, preparation, contexts, flip, source, max_megapixels, rois: as given.

    Example::

        detector = lh.load_detector("output/shapes_s")
        ids, scores, boxes = detector("photo.jpg")
        print([detector.classes[i] for i in ids])
    """

    def __init__(self, net: HybridBlock, classes: Sequence[str], preparation: InputPreparation,
                 contexts: Optional[Sequence[mx.Context]] = None, flip: bool = False, source: str = "",
                 max_megapixels: float = data.MAX_MEGAPIXELS, rois: Optional[RoIPreparation] = None):
        self.net, self.classes, self.preparation = net, tuple(classes), preparation
        self.contexts, self.flip, self.source = list(contexts or [mx.cpu()]), flip, source
        self.max_megapixels, self.rois = max_megapixels, rois
        self.views = MultiView(net, flip)

    @classmethod
    def of(cls, cfg: CfgNode, net: HybridBlock, contexts: Optional[Sequence[mx.Context]] = None,
           source: str = "") -> "Detector":
        """Makes a detector with the sizes, `TEST.FLIP` and the limit of pixels of a configuration."""
        rois = RoIPreparation.of(cfg, net.stride) if getattr(net, "needs_proposals", False) else None
        return cls(net, net.classes, InputPreparation.of(cfg), contexts, cfg.TEST.FLIP, source,
                   cfg.dataset.MAX_MEGAPIXELS, rois)

    def __call__(self, images: Union[ImageLike, Sequence[ImageLike]],
                 proposals: Union[None, np.ndarray, Sequence[np.ndarray]] = None,
                 ) -> Union[Detections, List[Detections]]:
        """Finds objects in an image, or in each of a list of images.

        Args:
            images: path, PIL image, or array (H, W, 3) in RGB, also gray or with alpha, see `data.as_pixels`; or a list
                of these. What OpenCV reads is in BGR and must be reversed: `image[:, :, ::-1]`.
            proposals: for a detector of given proposals: boxes (k, 4) of the image, rows (x1, y1, x2, y2) in its own
                pixels, far ends inclusive, the best first; for a list of images a list of such arrays.

        Returns:
            `ids, scores, boxes`, see `Detections`; a list gives a list.

        Raises:
            DataError: an image file cannot be read, an image is not of one of these types, or the proposals are no
                boxes.
            UsageError: the detector needs proposals and none are given, or it takes none.
        """
        if isinstance(images, (list, tuple)):
            if proposals is not None and len(proposals) != len(images):
                raise UsageError(f"there are images ({len(images)}), and proposals of images ({len(proposals)}): give "
                                 "an array of boxes for each image")
            given = [None] * len(images) if proposals is None else proposals
            return [self(image, boxes) for image, boxes in zip(images, given)]
        return self.detect_prepared(*self.inputs(images, proposals=proposals))

    def stream(self, images: Iterable[ImageLike],
               yield_errors: bool = False) -> Iterator[Union[Detections, DataError]]:
        """Finds objects in each image of a stream; more images a second than one by one.

        The next images are read and prepared in threads while the network works on earlier ones, of which several are
        in flight; small images of one size go through MXNet in batches. A bounded number of images is in memory.

        Args:
            images: what a call takes, of any number: a list, a generator, a folder's files. They are taken in the
                thread that asks for the answers, a few ahead.
            yield_errors: give the DataError of an image that cannot be read as its answer, and go on. By default it is
                raised, after the answers for the images before, and ends the stream.

        Returns:
            Iterator of the `Detections` of each image, in order. Closing it early, or deleting it, ends its threads.
            An error of `images` itself is raised after the answers for those before.

        Raises:
            UsageError: `images` is a single image, or the detector needs proposals.

        Example::

            for ids, scores, boxes in detector.stream(sorted(Path("holidays").glob("*.jpg"))):
                print([detector.classes[i] for i in ids])
        """
        if isinstance(images, (str, os.PathLike, Image.Image)) or getattr(images, "ndim", 4) < 4:
            raise UsageError("a stream consists of several images, this is a single one: call the detector, or put the "
                             "image in a list")
        if self.rois is not None:
            raise UsageError(f"a stream brings no proposals along: {NEEDED}")
        count = len(images) if hasattr(images, "__len__") else None
        return detect_stream(self._prepared, images, self.preparation.scales, self.requests(count), yield_errors)

    def requests(self, count: Optional[int] = None) -> Requests:
        """How the network is started for several images at a time; each stream has its own.

        Args:
            count: images of the stream; None where it is not known.
        """
        return NetworkRequests(self.views, self.contexts)

    def detect_prepared(self, inputs: Sequence[NetworkInput], size: Tuple[int, int]) -> Detections:
        """Finds objects in one image, of which the network's inputs were made already.

        Args:
            inputs: x, im_info and, where the detector needs proposals, RoIs for each view, see `inputs`.
            size: (height, width) of the image in pixels.
        """
        ids, scores, boxes = (array.asnumpy()[0] for array in self.views(inputs, self.contexts[0]))
        return to_original_frame(ids, scores, boxes, inputs[0][1][0, 2], size[1], size[0])

    def prepare(self, image: ImageLike, proposals: Optional[np.ndarray] = None) -> List[mx.nd.NDArray]:
        """The network's input of one image at the first scale, on the first device: x (1, 3, h, w), im_info (1, 3).

        Where the detector needs proposals, which are given as in a call, the RoIs (1, R, 4) come third.
        """
        (network_input,), _ = self.inputs(image, [0], proposals)
        return [mx.nd.array(array, ctx=self.contexts[0]) for array in network_input]

    def read(self, image: ImageLike) -> np.ndarray:
        """The pixels of an image, uint8 (H, W, 3) in RGB; DataError where it cannot be read or is of another type.

        Files are read as `data.read_image` does, arrays and PIL images as `data.as_pixels` does.
        """
        if isinstance(image, (str, os.PathLike)):
            return data.read_image(image, max_megapixels=self.max_megapixels)
        return data.as_pixels(image)

    def inputs(self, image: ImageLike, views: Optional[Sequence[int]] = None,
               proposals: Optional[np.ndarray] = None) -> Tuple[List[NetworkInput], Tuple[int, int]]:
        """Makes the network's inputs of an image.

        Args:
            image, proposals: see `__call__`.
            views: places in `preparation.scales`; None for all.

        Returns:
            For each view x (1, 3, h, w) and im_info (1, 3), see `InputPreparation.network_input`, and RoIs (1, R, 4)
            where the detector needs proposals; and the (height, width) of the image in pixels.

        Raises:
            DataError, UsageError: see `__call__`.
        """
        self._check_given(proposals)
        views = range(len(self.preparation.scales)) if views is None else views
        if isinstance(image, (str, os.PathLike)):
            width, height = data.image_size(image, self.max_megapixels)
            # A file much larger than what the network reads need not be decoded whole.
            pixels = data.read_image(image, [self.preparation.scales[view] for view in views], self.max_megapixels)
        else:
            pixels = data.as_pixels(image)
            height, width = pixels.shape[:2]
        inputs = [self.preparation.network_input(pixels, view, (height, width)) for view in views]
        if self.rois is not None:
            boxes = checked_proposals(proposals, height, width)
            rois = self.rois.network_inputs([boxes], [im_info for _, im_info in inputs])
            inputs = [(x, im_info, of_view) for (x, im_info), of_view in zip(inputs, rois)]
        return inputs, (height, width)

    def _prepared(self, image: ImageLike) -> ReadFile:
        """Reads an image of a stream, of which the pixels are not kept."""
        return ReadFile(None, *self.inputs(image))

    def _check_given(self, proposals: Optional[np.ndarray]) -> None:
        """Raises UsageError where proposals are missing, or given to a detector that finds its own."""
        if self.rois is not None and proposals is None:
            raise UsageError(NEEDED)
        if self.rois is None and proposals is not None:
            raise UsageError("this detector finds its proposals itself: leave them out")
