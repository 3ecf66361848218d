"""Every configuration key with its default: the MXNet port's light-head run on COCO, and what this project adds.

A value's type here is the type that a file or the command line must give. `KINDS` says more where a default cannot:
what an empty sequence holds, how long a sequence is, which words are allowed.
"""

DEFAULTS = {
    # Written by the port's files; the MXNet in use is the installed one.
    "MXNET_VERSION": "mxnet",
    # Folder of checkpoints, logs and results.
    "output_path": "./output/light_head",
    # A symbolic graph to train; "" trains the Gluon model `network.model`.
    "symbol": "",
    # Devices, "0" or "0,1,2,3"; scripts take --cpu and --gpus in its place.
    "gpus": "0",
    # One box a RoI for all classes (2 x 4 outputs, background included) in place of one a class.
    "CLASS_AGNOSTIC": True,
    # Shorter edge and bound on the longer edge, pixels; or several such pairs, one drawn a training batch.
    "SCALES": (600, 1000),
    # Pairs for multi-scale testing, as the port's pyramid files write them; see TEST.SCALES.
    "TEST_SCALES": (),
    # Seed of everything random.
    "seed": 0,
    "default": {
        # Steps between two log lines.
        "frequent": 100,
        "kvstore": "device",
    },
    "network": {
        # Name in the model zoo.
        "model": "light_head_rcnn_resnet101_v1_coco",
        # Prefix and epoch of the weights to start from; "" starts from scratch.
        "pretrained": "",
        "pretrained_epoch": 0,
        # In the order blue, green, red, as the port's files write them, although the network reads red, green, blue:
        # use `pixel_means` and `pixel_stds`, which turn them round.
        "PIXEL_MEANS": (103.06, 115.90, 123.15),
        "PIXEL_STDS": (1.0, 1.0, 1.0),
        # Batches are padded to multiples of this; 0 does not pad.
        "IMAGE_STRIDE": 32,
        "RCNN_FEAT_STRIDE": 16,
        "RPN_FEAT_STRIDE": 16,
        # Parameters whose names contain one of these words stay as they are; SHARED: in the later alternate stages.
        "FIXED_PARAMS": ("conv1", "bn_conv1", "res2", "bn2", "gamma", "beta"),
        "FIXED_PARAMS_SHARED": (
            "conv1", "bn_conv1", "res2", "bn2", "res3", "bn3", "res4", "bn4", "gamma", "beta",
        ),
        "ANCHOR_RATIOS": (0.5, 1, 2),
        "ANCHOR_SCALES": (4, 8, 16, 32),
        # Ratios times scales; 0 counts them.
        "NUM_ANCHORS": 0,
        # ResNet: stride in the first 1x1 of a stage (Caffe, the port) or in its 3x3.
        "STRIDE_IN_1X1": True,
        # ReLU after each of the four convolutions, as in the port, or once after their sum.
        "LIGHT_HEAD_RELU": "inside",
        # The thin map: by a large separable convolution, or by one 1x1 ("pointwise").
        "NECK": "large_separable",
        # Position-sensitive: "psroi_pool", "psroi_align" (average) or "psroi_align_max"; plain: "roi_pool".
        "ROI_POOL": "psroi_pool",
        # Of the light head; 0: none, classes and boxes are read off the pooled values.
        "HIDDEN_UNITS": 2048,
        # Pyramids: pixels, side of the square RoI that is pooled at stride 16.
        "FPN_CANONICAL_SIDE": 224,
        # Batch norm by stored statistics, or by those of the batch (training from scratch).
        "NORM": "frozen",
    },
    "dataset": {
        # Classes with background; 0 counts those of the data set.
        "NUM_CLASSES": 0,
        # "coco", "voc" (the port's "PascalVOC" too), "shapes" or "shapes_hard".
        "dataset": "coco",
        "dataset_path": "./data/coco",
        # Sets joined by "+" are concatenated.
        "image_set": "train2014+val2014",
        "root_path": "./data",
        "test_image_set": "test-dev2015",
        "proposal": "rpn",
        # Class names without background; empty: those of the annotations, or VOC's twenty.
        "classes": (),
        # Broken images and annotations stop the run ("raise") or are left out and counted ("skip").
        "ON_ERROR": "raise",
    },
    "TRAIN": {
        # Learning rate for one image; `lr_steps` are epochs, not whole ones necessarily.
        "lr": 0.0005,
        "lr_step": "5.333",
        "lr_factor": 0.1,
        "warmup": True,
        "warmup_lr": 0.00005,
        "warmup_step": 1000,
        # "constant" stays at warmup_lr, as the port does; "linear" rises from it.
        "warmup_method": "constant",
        # "sgd", or "adam": from scratch and in a few thousand steps it gets much further.
        "optimizer": "sgd",
        "momentum": 0.9,
        "wd": 0.0005,
        # Of the large separable convolution, times lr.
        "LIGHT_HEAD_LR_MULT": 3.0,
        # Gradients are clipped to [-x, x]; 0 does not clip.
        "CLIP_GRADIENT": 0.0,
        # Epochs to leave out; with RESUME that of the checkpoint to go on from, 0 for the last.
        "begin_epoch": 0,
        "end_epoch": 8,
        "model_prefix": "light_head_rcnn",
        "RESUME": False,
        "FLIP": True,
        "SHUFFLE": True,
        # Pairs (shorter edge, bound on the longer edge), one drawn a batch; empty: SCALES.
        "SCALES": (),
        "ENABLE_OHEM": True,
        # Images a device.
        "BATCH_IMAGES": 1,
        "END2END": True,
        "ASPECT_GROUPING": True,
        "NUM_WORKERS": 2,
        # Epochs between two tests; 0: one test, at the end.
        "TEST_EVERY": 0,
        # Steps between two checkpoints inside an epoch; 0: at the end of epochs only.
        "CHECKPOINT_STEPS": 1000,
        # RoIs an image; -1 takes all. OHEM: how many of them learn.
        "BATCH_ROIS": -1,
        "BATCH_ROIS_OHEM": 128,
        "FG_FRACTION": 0.25,
        "FG_THRESH": 0.5,
        "BG_THRESH_HI": 0.5,
        "BG_THRESH_LO": 0.0,
        "BBOX_REGRESSION_THRESH": 0.5,
        "BBOX_WEIGHTS": (1.0, 1.0, 1.0, 1.0),
        # Weight of the R-CNN box loss beside the other losses.
        "BBOX_LOSS_WEIGHT": 1.0,
        "RPN_BATCH_SIZE": 256,
        "RPN_FG_FRACTION": 0.5,
        "RPN_POSITIVE_OVERLAP": 0.7,
        "RPN_NEGATIVE_OVERLAP": 0.3,
        "RPN_CLOBBER_POSITIVES": False,
        "RPN_BBOX_WEIGHTS": (1.0, 1.0, 1.0, 1.0),
        "RPN_POSITIVE_WEIGHT": -1.0,
        # Of a symbolic graph: true takes MXNet's operator, "native" this project's, false the one in NumPy, which is
        # slow and easy to read.
        "CXX_PROPOSAL": True,
        "RPN_NMS_THRESH": 0.7,
        "RPN_PRE_NMS_TOP_N": 6000,
        "RPN_POST_NMS_TOP_N": 300,
        "RPN_MIN_SIZE": 0,
        "BBOX_NORMALIZATION_PRECOMPUTED": True,
        "BBOX_MEANS": (0.0, 0.0, 0.0, 0.0),
        "BBOX_STDS": (0.1, 0.1, 0.2, 0.2),
        # The stages of alternate training.
        "ALTERNATE": {
            "RPN_BATCH_IMAGES": 0,
            "RCNN_BATCH_IMAGES": 0,
            "rpn1_lr": 0.0,
            "rpn1_lr_step": "",
            "rpn1_epoch": 0,
            "rfcn1_lr": 0.0,
            "rfcn1_lr_step": "",
            "rfcn1_epoch": 0,
            "rpn2_lr": 0.0,
            "rpn2_lr_step": "",
            "rpn2_epoch": 0,
            "rfcn2_lr": 0.0,
            "rfcn2_lr_step": "",
            "rfcn2_epoch": 0,
            "rpn3_lr": 0.0,
            "rpn3_lr_step": "",
            "rpn3_epoch": 0,
        },
    },
    "TEST": {
        "HAS_RPN": True,
        "BATCH_IMAGES": 1,
        "CXX_PROPOSAL": True,
        "RPN_NMS_THRESH": 0.7,
        "RPN_PRE_NMS_TOP_N": 6000,
        "RPN_POST_NMS_TOP_N": 300,
        "RPN_MIN_SIZE": 0,
        # Proposals written for the next stage of alternate training.
        "PROPOSAL_NMS_THRESH": 0.7,
        "PROPOSAL_PRE_NMS_TOP_N": 20000,
        "PROPOSAL_POST_NMS_TOP_N": 2000,
        "PROPOSAL_MIN_SIZE": 0,
        # Boxes of one class that overlap more are one detection; scores up to THRESH are dropped.
        "NMS": 0.3,
        "THRESH": 0.001,
        "max_per_image": 100,
        "test_epoch": 0,
        # Soft-NMS in place of NMS, Gaussian as in the port: a score is multiplied by exp(-overlap**2 / SOFTNMS_THRESH).
        "USE_SOFTNMS": False,
        "SOFTNMS_THRESH": 0.6,
        # As TRAIN.SCALES, but each image is tested at all of them; empty: TEST_SCALES, then the first of SCALES.
        "SCALES": (),
        # Every image is tested mirrored too; detections are chosen among the boxes of all views together.
        "FLIP": False,
    },
}

# key -> (kind, argument): "word": the allowed words; "bool or word": words beside true and false; "floats" and "words":
# the length of the sequence or 0 for any; "numbers": one or more, ints stay ints; "pairs": any number of pairs of ints;
# "pair or pairs": one by itself, or several; "ids" and "epochs": text of numbers with commas between; "int or ints":
# one stride, or one a level.
KINDS = {
    "gpus": ("ids", None),
    "SCALES": ("pair or pairs", None),
    "TEST_SCALES": ("pairs", None),
    "network.PIXEL_MEANS": ("floats", 3),
    "network.PIXEL_STDS": ("floats", 3),
    "network.RPN_FEAT_STRIDE": ("int or ints", None),
    "network.FIXED_PARAMS": ("words", 0),
    "network.FIXED_PARAMS_SHARED": ("words", 0),
    "network.ANCHOR_RATIOS": ("numbers", None),
    "network.ANCHOR_SCALES": ("numbers", None),
    "network.LIGHT_HEAD_RELU": ("word", ("inside", "after_sum")),
    "network.NECK": ("word", ("large_separable", "pointwise")),
    "network.ROI_POOL": ("word", ("psroi_pool", "psroi_align", "psroi_align_max", "roi_pool")),
    "network.NORM": ("word", ("frozen", "batch")),
    "dataset.classes": ("words", 0),
    "dataset.ON_ERROR": ("word", ("raise", "skip")),
    "TRAIN.lr_step": ("epochs", None),
    "TRAIN.CXX_PROPOSAL": ("bool or word", ("native",)),
    "TRAIN.optimizer": ("word", ("sgd", "adam")),
    "TRAIN.warmup_method": ("word", ("constant", "linear")),
    "TRAIN.SCALES": ("pairs", None),
    "TRAIN.BBOX_WEIGHTS": ("floats", 4),
    "TRAIN.RPN_BBOX_WEIGHTS": ("floats", 4),
    "TRAIN.BBOX_MEANS": ("floats", 4),
    "TRAIN.BBOX_STDS": ("floats", 4),
    "TRAIN.ALTERNATE.rpn1_lr_step": ("epochs", None),
    "TRAIN.ALTERNATE.rfcn1_lr_step": ("epochs", None),
    "TRAIN.ALTERNATE.rpn2_lr_step": ("epochs", None),
    "TRAIN.ALTERNATE.rfcn2_lr_step": ("epochs", None),
    "TRAIN.ALTERNATE.rpn3_lr_step": ("epochs", None),
    "TEST.CXX_PROPOSAL": ("bool or word", ("native",)),
    "TEST.SCALES": ("pairs", None),
}

# Keys that do not change what a training step computes: a run may resume with other values of these.
FREE_ON_RESUME = (
    "MXNET_VERSION", "output_path", "gpus", "TEST_SCALES", "default", "dataset.dataset_path", "dataset.root_path",
    "dataset.test_image_set", "TRAIN.RESUME", "TRAIN.begin_epoch", "TRAIN.NUM_WORKERS", "TRAIN.TEST_EVERY",
    "TRAIN.CHECKPOINT_STEPS", "TRAIN.end_epoch", "TRAIN.model_prefix", "TEST",
)
