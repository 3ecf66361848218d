"""Configuration keys of the section `TEST`. All are free on resume: training does not read them."""
from typing import Any

from ....data.proposals import MAX_PER_IMAGE
from ..bounds import FRACTION, NOT_NEGATIVE, ONE_OR_MORE, POSITIVE
from ..key import Key
from ..kinds import BOOL, FLOAT, INT, PAIRS, Kind, bool_or_word


def _key(name: str, default: Any, kind: Kind, meaning: str, *bounds: Any, **flags: Any) -> Key:
    return Key(f"TEST.{name}", default, kind, meaning, *bounds, free_on_resume=True, **flags)


KEYS = (
    _key("HAS_RPN", True, BOOL,
         "Whether proposals come from the model's own RPN.",
         implemented=(True,)),
    _key("BATCH_IMAGES", 1, INT,
         "Test images in a batch, for each device.",
         ONE_OR_MORE),
    _key("NUM_WORKERS", 2, INT,
         "Processes that read and resize images while the network tests or detects; few images are read without them. "
         "0 reads all in the process of the network.",
         NOT_NEGATIVE),
    _key("SCALES", (), PAIRS,
         "Sizes of test images in pixels: every image is tested at all of them, and detections are chosen among the "
         "boxes of all. Empty for `TEST_SCALES`, or else the first of `SCALES`."),
    _key("PYRAMID", False, BOOL,
         "Models on given proposals, tested at several sizes: whether each RoI is classified at one of them only, that "
         "at which its area is nearest to the square of `TEST.PYRAMID_SIDE` (the Fast R-CNN paper, section 2.4), and "
         "not at all of them."),
    _key("PYRAMID_SIDE", 224, INT,
         "Side, in pixels of the network's input, of the square that `TEST.PYRAMID` compares RoIs with.",
         ONE_OR_MORE),
    _key("FLIP", False, BOOL,
         "Whether every image is tested mirrored, too; detections are chosen among the boxes of all views."),
    _key("BOX_REGRESSION", True, BOOL,
         "Whether detections have the boxes that the head predicts; with false those of their RoIs, to see what the "
         "prediction brings (the Fast R-CNN paper, section 5.1)."),
    _key("CXX_PROPOSAL", True, bool_or_word("native"),
         "Operator that makes the proposals of a symbolic graph in tests; values as for `TRAIN.CXX_PROPOSAL`."),
    _key("RPN_NMS_THRESH", 0.7, FLOAT,
         "IoU above which a proposal suppresses those of lower scores in tests.",
         FRACTION),
    _key("RPN_PRE_NMS_TOP_N", 6000, INT,
         "Proposals with the highest scores that enter suppression in tests, for each image, and for each level of a "
         "pyramid.",
         ONE_OR_MORE),
    _key("RPN_POST_NMS_TOP_N", 300, INT,
         "Proposals that are kept after suppression in tests, for each image.",
         ONE_OR_MORE),
    _key("RPN_MIN_SIZE", 0, INT,
         "Smallest side of a proposal in tests, in pixels of the original image.",
         NOT_NEGATIVE),
    _key("PROPOSAL_NMS_THRESH", 0.7, FLOAT,
         "Alternate training: IoU above which a proposal for the next stage suppresses those of lower scores.",
         FRACTION),
    _key("PROPOSAL_PRE_NMS_TOP_N", 20000, INT,
         "Alternate training: proposals for the next stage that enter suppression, for each image.",
         ONE_OR_MORE),
    _key("PROPOSAL_POST_NMS_TOP_N", 2000, INT,
         "Alternate training: proposals for the next stage that are kept after suppression, for each image.",
         ONE_OR_MORE),
    _key("PROPOSAL_MIN_SIZE", 0, INT,
         "Alternate training: smallest side of a proposal for the next stage, in pixels of the original image.",
         NOT_NEGATIVE),
    _key("PROPOSALS", MAX_PER_IMAGE, INT,
         "With `dataset.proposal` file: the largest number of proposals of a test image. Of more, those with the best "
         "scores are used, or else the first.",
         ONE_OR_MORE),
    _key("NMS", 0.3, FLOAT,
         "IoU above which a detection suppresses those of its class with lower scores.",
         FRACTION),
    _key("THRESH", 0.001, FLOAT,
         "Score (a probability) that a detection must exceed.",
         FRACTION),
    _key("USE_SOFTNMS", False, BOOL,
         "Whether overlapping detections have their scores lowered (Gaussian soft-NMS) instead of being removed."),
    _key("SOFTNMS_THRESH", 0.6, FLOAT,
         "Soft-NMS: a score is multiplied by exp(-IoU * IoU / SOFTNMS_THRESH) for each detection of its class with a "
         "higher score.",
         POSITIVE),
    _key("max_per_image", 100, INT,
         "Largest number of detections for each image; those with the highest scores are kept.",
         ONE_OR_MORE),
    _key("test_epoch", 0, INT,
         "Which checkpoint to test: the one written after this many epochs. 0 takes the best checkpoint, or else the "
         "last one.",
         NOT_NEGATIVE),
)
