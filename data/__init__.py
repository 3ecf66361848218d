"""Data sets and batches: readers that yield the same records, the embedded data set Shapes, and batches of records.

Nothing here imports MXNet before an image is resized, so that data sets can be read and checked without it. Colours are
in the order RGB everywhere, in pixels as in means and deviations.
"""
from ..errors import DataError
from .assembling.faults import ACTIONS, KINDS, FaultLog, FaultPolicy
from .assembling.raw import BOX_FORMATS, RawImage, RawObject, RawSet
from .batching import (
    IGNORED_REGION,
    ONE_PROCESS,
    SampledImage,
    Shard,
    TargetFunction,
    TestBatch,
    TestLoader,
    TrainLoader,
    TrainSampler,
    UnreadImage,
    jittered_sizes,
    pad_boxes,
    pad_images,
    padded_box_count,
    preprocess,
    resize_scale,
)
from .class_names import COCO_CLASSES, VOC_CLASSES
from .dataset import Dataset
from .files.image_extensions import IMAGE_EXTENSIONS
from .finding import AutoDataset, FoundDataset, FoundSet, find_annotations, find_sets
from .pictures.headers import Header, read_header, read_headers
from .pictures.images import image_size, read_image
from .pictures.pillow import MAX_MEGAPIXELS
from .pictures.pixels import as_pixels
from .readers import CocoDataset, VocDataset
from .record import Annotation, Record, make_record, training_boxes, training_regions
from .record_columns import drop_images_without_boxes
from .registry import dataset_names, load_dataset, register_dataset
from .shapes import SHAPES_CLASSES, ensure_shapes, write_shapes

__all__ = [
    "ACTIONS",
    "BOX_FORMATS",
    "COCO_CLASSES",
    "IGNORED_REGION",
    "ONE_PROCESS",
    "IMAGE_EXTENSIONS",
    "KINDS",
    "MAX_MEGAPIXELS",
    "SHAPES_CLASSES",
    "VOC_CLASSES",
    "Annotation",
    "AutoDataset",
    "CocoDataset",
    "DataError",
    "Dataset",
    "FaultLog",
    "FaultPolicy",
    "FoundDataset",
    "FoundSet",
    "Header",
    "RawImage",
    "RawObject",
    "RawSet",
    "Record",
    "SampledImage",
    "Shard",
    "TargetFunction",
    "TestBatch",
    "TestLoader",
    "TrainLoader",
    "TrainSampler",
    "UnreadImage",
    "VocDataset",
    "as_pixels",
    "dataset_names",
    "drop_images_without_boxes",
    "ensure_shapes",
    "find_annotations",
    "find_sets",
    "image_size",
    "jittered_sizes",
    "load_dataset",
    "make_record",
    "pad_boxes",
    "pad_images",
    "padded_box_count",
    "preprocess",
    "read_header",
    "read_headers",
    "read_image",
    "register_dataset",
    "resize_scale",
    "training_boxes",
    "training_regions",
    "write_shapes",
]
