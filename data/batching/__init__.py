"""Batches: from records to the arrays that a network reads."""
from .batch_makers import TargetFunction, TestBatch, UnreadImage
from .ground_truth import IGNORED_REGION, batch_boxes
from .epoch_batches import SampledImage
from .loader import TestLoader, TrainLoader
from .padding import pad_boxes, pad_images, padded_box_count
from .sampler import TrainSampler, jittered_sizes
from .shard import ONE_PROCESS, Shard
from .transforms import flip_boxes, preprocess, resize_image, resize_scale
from .workers import WorkerPool

__all__ = [
    "IGNORED_REGION",
    "ONE_PROCESS",
    "SampledImage",
    "Shard",
    "TargetFunction",
    "TestBatch",
    "TestLoader",
    "TrainLoader",
    "TrainSampler",
    "UnreadImage",
    "WorkerPool",
    "batch_boxes",
    "flip_boxes",
    "jittered_sizes",
    "pad_boxes",
    "pad_images",
    "padded_box_count",
    "preprocess",
    "resize_image",
    "resize_scale",
]
