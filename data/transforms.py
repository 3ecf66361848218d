"""From an image and its boxes to what the network reads."""
import mxnet as mx
import numpy as np

BILINEAR = 1  # code of mx.image.imresize


def resize_scale(height, width, short_edge, long_edge):
    """Factor that makes the shorter edge `short_edge` pixels long, or less where the longer would pass `long_edge`."""
    return min(short_edge / min(height, width), long_edge / max(height, width))


def resize_image(image, scale):
    """`image` uint8 (H, W, 3), resized bilinearly by `scale`; each edge is rounded, and at least one pixel."""
    height, width = (max(round(edge * scale), 1) for edge in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return mx.image.imresize(mx.nd.array(image, dtype=np.uint8), width, height, BILINEAR).asnumpy()


def flip_boxes(boxes, width):
    """Mirror inclusive boxes (n, 4), in the frame of an image of `width` pixels, left to right."""
    flipped = boxes.copy()
    flipped[:, 0] = width - 1 - boxes[:, 2]
    flipped[:, 2] = width - 1 - boxes[:, 0]
    return flipped


def to_network(image, short_edge, long_edge, mean, std=(1.0, 1.0, 1.0), boxes=None, classes=None, flip=False):
    """Make the network's input of one image.

    Parameters
    ----------
    image : uint8 (H, W, 3), RGB.
    short_edge, long_edge : pixels, see :func:`resize_scale`.
    mean, std : three numbers each, RGB, in units of pixel values: (pixel - mean) / std.
    boxes, classes : float32 (m, 4), inclusive, in the original frame, and int (m,), 0..C-1; None for no boxes.
    flip : mirror left to right.

    Returns
    -------
    data : float32 (3, h, w), RGB.
    im_info : float32 (3,): h, w, scale.
    gt_boxes : float32 (m, 5): box in the frame of `data`, class 1..C. A box in the original frame times the scale
        is the box in this frame, as in the port; dividing by the scale leads back.
    """
    scale = resize_scale(*image.shape[:2], short_edge, long_edge)
    gt_boxes = np.zeros((0 if boxes is None else len(boxes), 5), np.float32)
    if len(gt_boxes):
        gt_boxes[:, :4] = (flip_boxes(boxes, image.shape[1]) if flip else boxes) * np.float32(scale)
        gt_boxes[:, 4] = np.asarray(classes) + 1
    resized = resize_image(np.ascontiguousarray(image[:, ::-1]) if flip else image, scale)
    data = resized.transpose(2, 0, 1).astype(np.float32, order="C")
    data -= np.float32(mean)[:, None, None]
    data /= np.float32(std)[:, None, None]
    im_info = np.array((*resized.shape[:2], scale), np.float32)
    return data, im_info, gt_boxes


def pad_batch(images, stride=32):
    """Stack images float32 (3, h, w) of unlike sizes into (N, 3, H, W), zeros below and to the right.

    H and W are the largest of the batch, rounded up to multiples of `stride`.
    """
    height, width = (-(-max(i.shape[axis] for i in images) // stride) * stride for axis in (1, 2))
    batch = np.zeros((len(images), 3, height, width), np.float32)
    for slot, image in zip(batch, images):
        slot[:, :image.shape[1], :image.shape[2]] = image
    return batch


def pad_boxes(boxes):
    """Stack boxes float32 (m, 5) of unlike counts into (N, M, 5), rows of -1 below; M is at least 1."""
    batch = np.full((len(boxes), max([1] + [len(b) for b in boxes]), 5), -1, np.float32)
    for slot, rows in zip(batch, boxes):
        slot[:len(rows)] = rows
    return batch
