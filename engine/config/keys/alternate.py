"""Configuration keys of the section `TRAIN.ALTERNATE`: the stages of alternate training."""
from typing import Tuple

from ..bounds import NOT_NEGATIVE
from ..key import Key
from ..kinds import EPOCHS, FLOAT, INT


def _stage(stage: str, what: str) -> Tuple[Key, ...]:
    name = f"TRAIN.ALTERNATE.{stage}"
    return (
        Key(f"{name}_lr", 0.0, FLOAT,
            f"Learning rate for one image of the stage {stage}, {what}. Alternate training needs it above 0.",
            NOT_NEGATIVE),
        Key(f"{name}_lr_step", "", EPOCHS,
            f"Epochs of the stage {stage} after which its learning rate is multiplied by `TRAIN.lr_factor`."),
        Key(f"{name}_epoch", 0, INT,
            f"Number of epochs of the stage {stage}. Alternate training needs at least 1.",
            NOT_NEGATIVE),
    )


_UNREAD = dict(free_on_resume=True, unread=True)
KEYS = (
    Key("TRAIN.ALTERNATE.RPN_BATCH_IMAGES", 0, INT,
        "Training images in a batch of the stages of the RPN, for each device. 0 takes `TRAIN.BATCH_IMAGES`.",
        NOT_NEGATIVE),
    Key("TRAIN.ALTERNATE.RCNN_BATCH_IMAGES", 0, INT,
        "Training images in a batch of the stages of the head, for each device. 0 takes `TRAIN.BATCH_IMAGES`.",
        NOT_NEGATIVE),
    *_stage("rpn1", "the RPN from the pretrained backbone"),
    *_stage("rfcn1", "the head from the pretrained backbone, on the proposals of rpn1"),
    *_stage("rpn2", "the RPN on the convolutions of rfcn1, which stay as they are"),
    *_stage("rfcn2", "the head on the same convolutions and on the proposals of rpn2"),
    Key("TRAIN.ALTERNATE.rpn3_lr", 0.0, FLOAT,
        "Learning rate of a third training of the RPN, which only the MXNet original has.",
        NOT_NEGATIVE, **_UNREAD),
    Key("TRAIN.ALTERNATE.rpn3_lr_step", "", EPOCHS,
        "Epochs of that third training after which its learning rate drops.",
        **_UNREAD),
    Key("TRAIN.ALTERNATE.rpn3_epoch", 0, INT,
        "Number of epochs of that third training.",
        NOT_NEGATIVE, **_UNREAD),
)
