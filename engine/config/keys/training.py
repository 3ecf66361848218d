"""Configuration keys of the section `TRAIN`, without those of alternate training."""
from ....data.proposals import MAX_PER_IMAGE
from ..bounds import FRACTION, NOT_NEGATIVE, ONE_OR_MORE, POSITIVE, Bounds
from ..key import Key
from ..kinds import BOOL, EPOCHS, FACTORS, FLOAT, INT, PAIRS, TEXT, bool_or_word, floats, word

KEYS = (
    # The optimizer and its learning rates.
    Key("TRAIN.lr", 0.0005, FLOAT,
        "Learning rate for one image: a step multiplies it by the number of images in the batch, all devices together.",
        POSITIVE),
    Key("TRAIN.lr_schedule", "step", word("step", "cosine"),
        "How the learning rate falls after the warm-up: step multiplies it by `TRAIN.lr_factor` after each epoch of "
        "`TRAIN.lr_step` (both originals); cosine lowers it along half a cosine from `TRAIN.lr` to 0 at the end of "
        "epoch `TRAIN.end_epoch`, and then `TRAIN.lr_step` and `TRAIN.lr_factor` are not read. With cosine another "
        "`TRAIN.end_epoch` is another schedule: a training goes on with it by --extend."),
    Key("TRAIN.lr_step", "5.333", EPOCHS,
        "Epochs after which the learning rate is multiplied by `TRAIN.lr_factor`, such as '4,5.333'; fractions are "
        "allowed. Empty for a constant learning rate."),
    Key("TRAIN.lr_factor", 0.1, FLOAT,
        "Factor of the learning rate at each epoch of `TRAIN.lr_step`.",
        Bounds(0, 1, low_allowed=False)),
    Key("TRAIN.warmup", True, BOOL,
        "Whether the first `TRAIN.warmup_step` steps use the learning rate `TRAIN.warmup_lr` or rise from it."),
    Key("TRAIN.warmup_lr", 0.00005, FLOAT,
        "Learning rate for one image at the start of training.",
        NOT_NEGATIVE),
    Key("TRAIN.warmup_step", 1000, INT,
        "Number of warm-up steps; afterwards the learning rate is `TRAIN.lr`.",
        NOT_NEGATIVE),
    Key("TRAIN.warmup_method", "constant", word("constant", "linear"),
        "Learning rate during the warm-up: constant stays at `TRAIN.warmup_lr` (the MXNet original); linear rises from "
        "it to `TRAIN.lr` (the TensorFlow original)."),
    Key("TRAIN.optimizer", "sgd", word("sgd", "adam"),
        "Optimizer: sgd with momentum, which the MXNet original and the TensorFlow original use, or adam, which gets "
        "further in the few thousand steps of a small training from random weights."),
    Key("TRAIN.momentum", 0.9, FLOAT,
        "Momentum of the optimizer sgd.",
        NOT_NEGATIVE),
    Key("TRAIN.wd", 0.0005, FLOAT,
        "Weight decay of weights and of the scales of batch normalization; biases have none.",
        NOT_NEGATIVE),
    Key("TRAIN.LIGHT_HEAD_LR_MULT", 3.0, FLOAT,
        "Factor of the learning rate of the convolutions between the backbone and the pooling of RoIs (the light "
        "head's neck, R-FCN's score maps).",
        NOT_NEGATIVE),
    Key("TRAIN.BACKBONE_LR_MULT", 1.0, FLOAT,
        "Factor of the learning rate of the backbone: below 1, pretrained weights change less than the new layers; 0 "
        "keeps all of them as they are, and `network.FIXED_PARAMS` does so too, and saves their gradients. Statistics "
        "change all the same where `network.NORM` is batch.",
        NOT_NEGATIVE),
    Key("TRAIN.BIAS_LR_MULT", 1.0, FLOAT,
        "Factor of the learning rate of all biases: 2 in the Fast R-CNN paper, 1 in both originals.",
        NOT_NEGATIVE),
    Key("TRAIN.BIAS_WD_MULT", 0.0, FLOAT,
        "Factor of the weight decay of all biases: 1 in the Fast R-CNN paper, 0 in both originals.",
        NOT_NEGATIVE),
    Key("TRAIN.EMA_DECAY", 0.0, FLOAT,
        "Decay of the exponential moving average of the weights, such as 0.999; 0 takes no average. Each step moves "
        "the average towards the weights by 1 - min(EMA_DECAY, (1 + t) / (10 + t)), where t counts the steps before. "
        "The averaged weights are those that are tested, saved (.params), detected with and exported; training itself "
        "goes on from the weights without the average, which are in the checkpoint's .states.",
        FRACTION),
    Key("TRAIN.CLIP_GRADIENT", 0.0, FLOAT,
        "Largest absolute value of each element of a gradient; larger ones are clipped to it. 0 does not clip.",
        NOT_NEGATIVE),

    # How long, from where, and what is written.
    Key("TRAIN.begin_epoch", 0, INT,
        "Number of epochs that count as completed at the start. With `TRAIN.RESUME`: training goes on from the "
        "checkpoint of this epoch, or with 0 from the last one.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.end_epoch", 8, INT,
        "Number of epochs (passes over the training images) after which training ends.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.model_prefix", "light_head_rcnn", TEXT,
        "Start of the names of the checkpoints in `output_path`.",
        free_on_resume=True),
    Key("TRAIN.RESUME", False, BOOL,
        "Whether to go on from a checkpoint of an earlier call, as --resume does.",
        free_on_resume=True),
    Key("TRAIN.CHECKPOINT_STEPS", 1000, INT,
        "Training steps between two checkpoints inside an epoch. 0 writes them only at the end of epochs.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.SAVE_EVERY_MINUTES", 0.0, FLOAT,
        "Minutes between two checkpoints inside an epoch, beside those of `TRAIN.CHECKPOINT_STEPS`, for machines that "
        "may fail and schedulers that kill without a signal. 0 writes none. SIGTERM and Ctrl-C save in any case.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.KEEP_CHECKPOINTS", 2, INT,
        "The checkpoints of this many last epochs are kept, and also the one with the best test (see "
        "`TRAIN.TEST_EVERY`). 0 keeps all.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.TEST_EVERY", 0, INT,
        "Epochs between two tests during training. 0 tests once, at the end.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.BEST_METRIC", "AP", word("AP", "AP50"),
        "Metric of the tests by which the best checkpoint is chosen: AP is the mean over IoU thresholds from 0.5 to "
        "0.95, AP50 that at 0.5.",
        free_on_resume=True),
    Key("TRAIN.EARLY_STOP_TESTS", 0, INT,
        "Training stops after this many tests in a row without a better `TRAIN.BEST_METRIC`; this needs "
        "`TRAIN.TEST_EVERY`. 0 never stops early.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.ON_NAN", "stop", word("stop", "skip"),
        "What is done where the loss or a gradient of a step is not a finite number: stop ends the training with an "
        "error that names the images and the layer where it began; skip leaves the batch out, without an update, and "
        "goes on.",
        free_on_resume=True),
    Key("TRAIN.MAX_SKIPPED_BATCHES", 20, INT,
        "With `TRAIN.ON_NAN` skip: how many batches of a training may be left out in all; one more ends it.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.END2END", True, BOOL,
        "Whether the whole detector is trained at once (lhrcnn train) or in four stages "
        "(experiments/train_alternate.py)."),

    # Images.
    Key("TRAIN.SCALES", (), PAIRS,
        "Sizes of training images in pixels, written as `SCALES`. Where this is empty, `SCALES` is used."),
    Key("TRAIN.PYRAMID", False, BOOL,
        "Whether one of several sizes is drawn for each training image, as the Fast R-CNN paper does (section 2.4), "
        "and not one for each batch. `TEST.PYRAMID` is its counterpart."),
    Key("TRAIN.FLIP", True, BOOL,
        "Whether each training image is mirrored with probability one half, drawn anew in every epoch."),
    Key("TRAIN.PHOTOMETRIC", 0.0, FLOAT,
        "Probability that the colours of a training image are changed, as SSD does: brightness, contrast, saturation "
        "and hue, each of them with probability one half.",
        FRACTION),
    Key("TRAIN.RANDOM_CROP", 0.0, FLOAT,
        "Probability that a training image is cropped, as SSD does: to a part with sides of 0.3 to 1 of its own, which "
        "has at least a drawn IoU with some object. The "
        "part is enlarged to the size that the whole image would have. Objects "
        "whose centre lies outside are not learned, and are no background either.",
        FRACTION),
    Key("TRAIN.SCALE_JITTER", (1.0, 1.0), FACTORS,
        "Lowest and highest factor of the size of a training batch, both of the shorter edge and of the bound on the "
        "longer one, such as [0.75, 1.25]. One of 8 factors, evenly spaced on a logarithmic scale, is drawn for each "
        "batch: MXNet allocates memory anew for each size, so that there are few. [1, 1] changes nothing."),
    Key("TRAIN.SHUFFLE", True, BOOL,
        "Whether training images come in a random order, another one in each epoch."),
    Key("TRAIN.SHUFFLE_WINDOW", 0, INT,
        "Number of training images among which batches are drawn: 16 runs of images that lie together on the disk, "
        "other runs in each epoch. It is for sets that `lhrcnn data pack` has written and that do not fit the memory "
        "of the machine, which are read in the order of the disk then. 0 draws from all images.",
        NOT_NEGATIVE),
    Key("TRAIN.ASPECT_GROUPING", True, BOOL,
        "Whether a training batch holds only images of one group, so that less is padded: those at least as wide as "
        "high, or those higher than wide."),
    Key("TRAIN.BATCH_IMAGES", 1, INT,
        "Training images in a batch, for each device.",
        ONE_OR_MORE),
    Key("TRAIN.NUM_WORKERS", 2, INT,
        "Processes that read and resize training images. 0 does so in the training process.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("TRAIN.WORKER_TIMEOUT", 300, INT,
        "Seconds after which one of these processes that has not finished a batch is ended and replaced; the new one "
        "makes the batch. Three in a row at the same batch end the training. One that a signal has stopped is replaced "
        "after 10 seconds.",
        ONE_OR_MORE, free_on_resume=True),

    Key("TRAIN.USE_EMPTY_IMAGES", False, BOOL,
        "Whether images without boxes are trained on, as background. Otherwise they are left out."),
    Key("TRAIN.SHARE", 1.0, FLOAT,
        "Share of the training images to train on, to see what more of them bring; which ones, `seed` decides, and a "
        "larger share holds the images of a smaller one.",
        Bounds(0, 1, low_allowed=False)),
    Key("TRAIN.IGNORE_CROWD_AND_DIFFICULT", True, BOOL,
        "Whether training draws no background from the boxes of crowds (COCO) and of difficult objects (VOC). With "
        "false these are background, as in the MXNet original. What was left out of the annotations because of a fault "
        "is never background."),

    # Targets and loss of the RPN.
    Key("TRAIN.RPN_BATCH_SIZE", 256, INT,
        "Anchors that are drawn for the RPN's loss, for each image.",
        ONE_OR_MORE),
    Key("TRAIN.RPN_FG_FRACTION", 0.5, FLOAT,
        "Largest share of positive anchors among those drawn.",
        FRACTION),
    Key("TRAIN.RPN_POSITIVE_OVERLAP", 0.7, FLOAT,
        "An anchor whose IoU with a ground truth is at least this is positive. The anchor with the highest IoU with a "
        "ground truth is positive too.",
        FRACTION),
    Key("TRAIN.RPN_NEGATIVE_OVERLAP", 0.3, FLOAT,
        "An anchor whose IoU with every ground truth is below this is negative.",
        FRACTION),
    Key("TRAIN.RPN_CLOBBER_POSITIVES", False, BOOL,
        "Whether an anchor below `TRAIN.RPN_NEGATIVE_OVERLAP` is negative even if its IoU with some ground truth is "
        "the highest of all anchors."),
    Key("TRAIN.RPN_BBOX_WEIGHTS", (1.0, 1.0, 1.0, 1.0), floats(4),
        "Weights of dx, dy, dw, dh in the RPN's box loss.",
        implemented=((1.0, 1.0, 1.0, 1.0),)),
    Key("TRAIN.RPN_POSITIVE_WEIGHT", -1.0, FLOAT,
        "Weight of positive anchors in the RPN's loss; -1 gives all anchors drawn the same weight.",
        implemented=(-1.0,)),

    # Proposals in training.
    Key("TRAIN.CXX_PROPOSAL", True, bool_or_word("native"),
        "Operator that makes the proposals of a symbolic graph in training: true is MXNet's own; native is this "
        "package's, in C++ and CUDA; false is the MXNet original's in NumPy, which is slow and easy to read. Gluon "
        "models always use native."),
    Key("TRAIN.RPN_NMS_THRESH", 0.7, FLOAT,
        "IoU above which a proposal suppresses those of lower scores in training.",
        FRACTION),
    Key("TRAIN.RPN_PRE_NMS_TOP_N", 6000, INT,
        "Proposals with the highest scores that enter suppression in training, for each image, and for each level of a "
        "pyramid.",
        ONE_OR_MORE),
    Key("TRAIN.RPN_POST_NMS_TOP_N", 300, INT,
        "Proposals that are kept after suppression in training, for each image.",
        ONE_OR_MORE),
    Key("TRAIN.RPN_MIN_SIZE", 0, INT,
        "Smallest side of a proposal in training, in pixels of the original image.",
        NOT_NEGATIVE),

    # Targets and loss of the head.
    Key("TRAIN.ENABLE_OHEM", True, BOOL,
        "Whether only the RoIs of largest loss train the head (online hard example mining)."),
    Key("TRAIN.BATCH_ROIS_OHEM", 128, INT,
        "With `TRAIN.ENABLE_OHEM`: RoIs of largest loss that train the head, for each image.",
        ONE_OR_MORE),
    Key("TRAIN.BATCH_ROIS", -1, INT,
        "RoIs that are drawn among proposals and ground truths, for each image: from 1 to "
        "`TRAIN.RPN_POST_NMS_TOP_N` (with `dataset.proposal` file any number from 1), or -1 for all of them, which "
        "needs `TRAIN.ENABLE_OHEM`."),
    Key("TRAIN.PROPOSALS", MAX_PER_IMAGE, INT,
        "With `dataset.proposal` file: the largest number of proposals of a training image. Of more, those with the "
        "best scores are used, or else the first.",
        ONE_OR_MORE),
    Key("TRAIN.FG_FRACTION", 0.25, FLOAT,
        "Largest share of foreground among the RoIs drawn. Not used where `TRAIN.BATCH_ROIS` is -1.",
        FRACTION),
    Key("TRAIN.FG_THRESH", 0.5, FLOAT,
        "A RoI whose largest IoU with a ground truth is at least this is foreground and takes the class of that ground "
        "truth.",
        FRACTION),
    Key("TRAIN.BG_THRESH_HI", 0.5, FLOAT,
        "A RoI whose largest IoU is below this, and at least `TRAIN.BG_THRESH_LO`, is background.",
        FRACTION),
    Key("TRAIN.BG_THRESH_LO", 0.0, FLOAT,
        "A RoI whose largest IoU is below this is ignored.",
        FRACTION),
    Key("TRAIN.BBOX_LOSS_WEIGHT", 1.0, FLOAT,
        "Factor of the head's box loss in the sum of the losses: 1 in the MXNet original, 2 in the paper's row B2.",
        NOT_NEGATIVE),
    Key("TRAIN.BBOX_NORMALIZATION_PRECOMPUTED", True, BOOL,
        "Whether box targets are normalized by `TRAIN.BBOX_MEANS` and `TRAIN.BBOX_STDS` as they are here. With false, "
        "which needs `dataset.proposal` file, both are computed over the training set at the start, over all classes; "
        "checkpoints hold the numbers."),
    Key("TRAIN.BBOX_MEANS", (0.0, 0.0, 0.0, 0.0), floats(4),
        "Means of dx, dy, dw, dh that are subtracted from the head's box targets.",
        bound_to_weights=True),
    Key("TRAIN.BBOX_STDS", (0.1, 0.1, 0.2, 0.2), floats(4),
        "Standard deviations of dx, dy, dw, dh by which the head's box targets are divided.",
        POSITIVE, bound_to_weights=True),
    Key("TRAIN.BBOX_WEIGHTS", (1.0, 1.0, 1.0, 1.0), floats(4),
        "Weights of dx, dy, dw, dh in the head's box loss.",
        implemented=((1.0, 1.0, 1.0, 1.0),)),
    Key("TRAIN.BBOX_REGRESSION_THRESH", 0.5, FLOAT,
        "Least IoU with a ground truth of the proposals from which means and standard deviations of box targets are "
        "computed, where `TRAIN.BBOX_NORMALIZATION_PRECOMPUTED` is false.",
        FRACTION),
)
