"""Makes the loaders of training and test batches that a configuration describes."""
from typing import Callable, Optional, Sequence, Union

from yacs.config import CfgNode

from ... import data
from ...operators.anchor_targets import AnchorTargets
from ..config import pixel_means, pixel_stds, test_scales, train_scales
from .datasets import training_records

# From so many images on, worker processes are worth the second that their start takes.
_WORTH_WORKERS = 32


def build_train_loader(cfg: CfgNode, feature_size: Callable, dataset: data.Dataset, batch_size: int,
                       stride: Union[int, Sequence[int]] = 16,
                       shard: data.Shard = data.ONE_PROCESS) -> data.TrainLoader:
    """Makes the loader of training batches with the targets of the RPN; its worker processes start at once.

    Args:
        cfg: the sections `network` and `TRAIN` are read.
        feature_size: function from a side of the network input in pixels to the side of the RPN's map in cells, or to
            those of its levels; see `AnchorTargets`.
        dataset: see `training_records`.
        batch_size: images in a batch, all devices of all processes together.
        stride: stride of the RPN's map, or of each of its levels, in pixels of the network input.
        shard: this process among those that share each batch.
    """
    train = cfg.TRAIN
    targets = AnchorTargets(
        feature_size, stride, cfg.network.ANCHOR_RATIOS, cfg.network.ANCHOR_SCALES,
        batch_size=train.RPN_BATCH_SIZE, positive_fraction=train.RPN_FG_FRACTION,
        positive_iou=train.RPN_POSITIVE_OVERLAP, negative_iou=train.RPN_NEGATIVE_OVERLAP,
        clobber_positives=train.RPN_CLOBBER_POSITIVES, mxnet_original_rules=bool(cfg.symbol))
    return train_loader_of(cfg, training_records(cfg, dataset), targets, batch_size, dataset.log, shard)


def train_loader_of(cfg: CfgNode, records: Sequence[data.Record], targets: Callable, batch_size: int,
                    faults: Optional[data.FaultLog] = None, shard: data.Shard = data.ONE_PROCESS) -> data.TrainLoader:
    """Makes a loader of training batches as `TRAIN` describes them; its worker processes start at once.

    Args:
        cfg: the sections `network` and `TRAIN` are read.
        records: the images to train on, with their boxes.
        targets: function that makes the targets of one image, see `data.TrainLoader`.
        batch_size: images in a batch, all devices of all processes together.
        faults: takes note of images that cannot be read, see `data.TrainLoader`.
        shard: this process among those that share each batch.
    """
    train = cfg.TRAIN
    plain = getattr(records, "plain", records)  # the sampler needs sizes and places alone, not proposals
    sampler = data.TrainSampler(plain, batch_size, train_scales(cfg), flip=train.FLIP, shuffle=train.SHUFFLE,
                                group_by_aspect=train.ASPECT_GROUPING, seed=cfg.seed, scale_jitter=train.SCALE_JITTER,
                                scale_per_image=train.PYRAMID, shard=shard, shuffle_window=train.SHUFFLE_WINDOW)
    return data.TrainLoader(records, sampler, targets, pixel_means(cfg), pixel_stds(cfg), stride=image_stride(cfg),
                            num_workers=train.NUM_WORKERS, timeout=train.WORKER_TIMEOUT,
                            ignore_crowd_and_difficult=train.IGNORE_CROWD_AND_DIFFICULT, faults=faults,
                            photometric=train.PHOTOMETRIC, random_crop=train.RANDOM_CROP)


def build_test_loader(cfg: CfgNode, dataset: data.Dataset, devices: int = 1) -> data.TestLoader:
    """Makes the loader of test batches of `TEST.BATCH_IMAGES` images for each device, at the first of the test scales.

    Args:
        cfg: the sections `network` and `TEST` are read.
        dataset: the images.
        devices: number of devices.
    """
    return data.TestLoader(dataset.records, cfg.TEST.BATCH_IMAGES * devices, test_scales(cfg)[:1], pixel_means(cfg),
                           pixel_stds(cfg), stride=image_stride(cfg),
                           num_workers=useful_workers(cfg.TEST.NUM_WORKERS, len(dataset.records)))


def image_stride(cfg: CfgNode) -> int:
    """Returns the number of which heights and widths of batches are multiples: `network.IMAGE_STRIDE`, or 1 for 0."""
    return max(cfg.network.IMAGE_STRIDE, 1)


def useful_workers(num_workers: int, images: int) -> int:
    """Returns the number of worker processes for a number of images: none where starting them would take longer."""
    return num_workers if images >= _WORTH_WORKERS else 0
