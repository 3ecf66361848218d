"""Configuration keys outside all sections, and the section `default`."""
from ..bounds import NOT_NEGATIVE, ONE_OR_MORE, Bounds
from ..key import Key
from ..kinds import BOOL, FLOAT, GPU_IDS, INT, PAIR_OR_PAIRS, PAIRS, TEXT, word

KEYS = (
    Key("MXNET_VERSION", "mxnet", TEXT,
        "Folder of the MXNet that the MXNet original imports. This package imports the installed one.",
        free_on_resume=True, unread=True),
    Key("output_path", "./output/light_head", TEXT,
        "Folder that takes the checkpoints, logs and results of the run.",
        free_on_resume=True),
    Key("symbol", "", TEXT,
        "Symbolic graph to train and test: resnet_v1_101_rfcn_light, xception_rfcn_light or resnet_v1_101_rfcn. Empty "
        "for the Gluon model `network.model`.",
        bound_to_weights=True),
    Key("gpus", "0", GPU_IDS,
        "GPUs to use, such as 0 or 0,1,2,3, where MXNet sees a GPU; otherwise the CPU is used. --gpus and --cpu on the "
        "command line take precedence.",
        free_on_resume=True),
    Key("CLASS_AGNOSTIC", True, BOOL,
        "Whether the head predicts a single box for each RoI, shared by all classes (8 outputs, 4 of them for "
        "background), instead of a box for each class.",
        bound_to_weights=True),
    Key("SCALES", (600, 1000), PAIR_OR_PAIRS,
        "Sizes of the network's input in pixels: the shorter edge of an image is resized to the first number, or to "
        "less where its longer edge would exceed the second. Where there are several pairs, one is drawn at random for "
        "each training batch, and tests use the first. `TRAIN.SCALES` and `TEST.SCALES` take precedence."),
    Key("TEST_SCALES", (), PAIRS,
        "Sizes for multi-scale testing in pixels, written as `SCALES`; the files of the MXNet original for feature "
        "pyramids use this name. `TEST.SCALES` takes precedence.",
        free_on_resume=True),
    Key("seed", 0, INT,
        "Seed of everything that is drawn at random in training.",
        Bounds(0, 2 ** 32 - 1)),
    Key("default.frequent", 100, INT,
        "Training steps between two lines of the log.",
        ONE_OR_MORE, free_on_resume=True),
    Key("default.kvstore", "device", word("device", "local", "nccl", "dist_sync", "dist_sync_device", "dist_async"),
        "MXNet's KVStore, which adds up the gradients of several devices: device adds on the GPUs, local on the CPU. "
        "dist_sync joins several processes, which `lhrcnn launch` starts, and is taken where it has started them; "
        "dist_sync_device is the same with the devices of each process added up on its GPUs. With dist_async, servers "
        "apply the gradients of each process when they come: see docs/scaling.md for what that costs.",
        free_on_resume=True),
    Key("default.GROUP_TIMEOUT", 60.0, FLOAT,
        "Seconds that a process of a training by several may wait for the others, beyond ten times what a step usually "
        "takes. A process that has waited so long ends with status 75, because another one is dead, stopped or too "
        "slow. 0 waits for ever.",
        NOT_NEGATIVE, free_on_resume=True),
)
