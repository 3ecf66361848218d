"""Configuration keys of the section `network`: the model, its inputs and its first weights."""
from ..bounds import FRACTION, NOT_NEGATIVE, ONE_OR_MORE, POSITIVE
from ..key import Key
from ..kinds import BOOL, FLOAT, INT, INT_OR_INTS, INTS, NAMES, NUMBERS, RANKS, TEXT, floats, word

KEYS = (
    Key("network.model", "light_head_rcnn_resnet101_v1_coco", TEXT,
        "Name of the Gluon model, as `light_head_rcnn.model_names()` lists them. Not used where `symbol` is set.",
        bound_to_weights=True),
    Key("network.pretrained", "", TEXT,
        "Weights of a pretrained backbone, or of a whole detector, to start the training from: a file of MXNet, "
        "GluonCV, PyTorch, TensorFlow or ChainerCV (docs/weights.md), FILE for FILE.params, the PREFIX of "
        "PREFIX-0000.params, or efficientnet_lite0, whose weights a package brings along. A whole detector can be "
        "tested without a training. Empty for random weights.",
        free_on_resume=True),
    Key("network.pretrained_epoch", 0, INT,
        "Number in the name of the file where `network.pretrained` is a prefix: 0 reads PREFIX-0000.params.",
        NOT_NEGATIVE, free_on_resume=True),
    Key("network.PIXEL_MEANS", (103.06, 115.90, 123.15), floats(3),
        "Means that are subtracted from the pixel values (0 to 255) of an image, in the order blue, green, red.",
        bound_to_weights=True),
    Key("network.PIXEL_STDS", (1.0, 1.0, 1.0), floats(3),
        "Standard deviations by which pixel values are divided after the means are subtracted, in the order blue, "
        "green, red.",
        POSITIVE, bound_to_weights=True),
    Key("network.IMAGE_STRIDE", 32, INT,
        "Batches are padded by zeros until their height and width are multiples of this number of pixels. 0 pads only "
        "to the largest image of the batch.",
        NOT_NEGATIVE),
    Key("network.OUTPUTS", (), NAMES,
        "Two stages of the backbone, both of stride 16: the one whose map the RPN reads, and the one whose map the "
        "head reads, such as [stage5, stage5]; stages behind them are not built. Empty for the model's own two: the "
        "last stage of stride 16, and the last stage of all, which is dilated. Not for models with a feature pyramid.",
        bound_to_weights=True),
    Key("network.RCNN_FEAT_STRIDE", 16, INT,
        "Stride of the head's feature map: pixels of the network's input for each cell.",
        ONE_OR_MORE, implemented=(16,)),
    Key("network.RPN_FEAT_STRIDE", 16, INT_OR_INTS,
        "Stride of the RPN's feature map: pixels of the network's input for each cell. For the models with a feature "
        "pyramid, light_head_rcnn_fpn_..., [4, 8, 16, 32, 64] is allowed too, as the files of the MXNet original have "
        "it.",
        ONE_OR_MORE),
    Key("network.FIXED_PARAMS", ("conv1", "bn_conv1", "res2", "bn2", "gamma", "beta"), NAMES,
        "Parameters whose names contain one of these words are not trained. Empty trains all parameters, which a start "
        "from random weights needs. On backbones that lack the names of Caffe's ResNet, its words stand for the same "
        "places: conv1 and bn_conv1 for what comes before stride 4, res2 and bn2 for the stages of stride 4, res3 and "
        "bn3 for those of stride 8, and so on."),
    Key("network.FIXED_PARAMS_SHARED",
        ("conv1", "bn_conv1", "res2", "bn2", "res3", "bn3", "res4", "bn4", "gamma", "beta"), NAMES,
        "The words of `network.FIXED_PARAMS` for rpn2 and rfcn2, the stages of alternate training that share their "
        "convolutions."),
    Key("network.ANCHOR_RATIOS", (0.5, 1, 2), NUMBERS,
        "Height over width of the RPN's anchors.",
        POSITIVE, bound_to_weights=True),
    Key("network.ANCHOR_SCALES", (4, 8, 16, 32), NUMBERS,
        "Sides of the square anchors in multiples of the stride: 4 is 64 pixels at stride 16. A feature pyramid uses "
        "all of them on every level.",
        POSITIVE, bound_to_weights=True),
    Key("network.RPN_ALL_CELLS", False, BOOL,
        "Whether all cells of the RPN's map propose boxes, those beyond the image among them (the TensorFlow original, "
        "ChainerCV); otherwise only cells that lie in the image as a whole (MXNet's operator)."),
    Key("network.NUM_ANCHORS", 0, INT,
        "Anchors at each cell: the number of ratios times the number of scales. 0 computes it; any other number must "
        "equal it.",
        NOT_NEGATIVE),
    Key("network.STRIDE_IN_1X1", True, BOOL,
        "ResNet: true puts the stride of a stage's first unit into its first 1x1 convolution (Caffe, the MXNet "
        "original), false into its 3x3 convolution (the TensorFlow original).",
        bound_to_weights=True),
    Key("network.PADDED_POOL", False, BOOL,
        "ResNet with Caffe's names (resnet50_v1, resnet101_v1): true pads the pooling of the stem on all sides "
        "(ChainerCV, GluonCV's v1), false on none, so that its last windows reach over the edge (Caffe, the MXNet "
        "original; with even sides of the input's quarter also the TensorFlow original).",
        bound_to_weights=True),
    Key("network.LIGHT_HEAD_RELU", "inside", word("inside", "after_sum"),
        "Where the large separable convolution has a ReLU: inside, after each of its four convolutions (the MXNet "
        "original); after_sum, once, after the sum of its two branches (the TensorFlow original).",
        bound_to_weights=True),
    Key("network.NECK", "large_separable", word("large_separable", "pointwise"),
        "Layers that compute the thin feature map of a light head: large_separable is four convolutions of 15x1 and "
        "1x15; pointwise is one 1x1 convolution with ReLU.",
        bound_to_weights=True),
    Key("network.ROI_POOL", "psroi_pool", word("psroi_pool", "psroi_align", "psroi_align_max", "psroi_align_max_clamp",
                                              "roi_pool"),
        "Pooling of RoIs in a light head. Position-sensitive: psroi_pool, psroi_align (the average of bilinear "
        "samples), psroi_align_max (the largest sample, the TensorFlow original) and psroi_align_max_clamp (the "
        "largest sample of a RoI that reaches to the far edge of its last pixel, ChainerCV). Not position-sensitive: "
        "roi_pool.",
        bound_to_weights=True),
    Key("network.HIDDEN_UNITS", 2048, INT,
        "Units of the fully connected layer of a light head. With 0 there is no such layer, and classes and boxes are "
        "computed from the pooled values directly.",
        NOT_NEGATIVE, bound_to_weights=True),
    Key("network.POOL_LEVELS", (), INTS,
        "Models on given proposals: bins along each side of a pooled RoI, one number for each level of the pyramid of "
        "bins, such as [4, 2, 1]. Empty for what the classifier has from which the backbone comes: 6 for CaffeNet and "
        "VGG_CNN_M_1024, else 7.",
        ONE_OR_MORE, bound_to_weights=True),
    Key("network.HEAD_UNITS", (), INTS,
        "Models on given proposals: units of each hidden layer of the head, such as [4096, 4096]. Empty for what the "
        "backbone's classifier has.",
        ONE_OR_MORE, bound_to_weights=True),
    Key("network.DROPOUT", 0.5, FLOAT,
        "Models on given proposals: share of the values behind each hidden layer that are set to 0 in training.",
        FRACTION),
    Key("network.HEAD_RANKS", "", RANKS,
        "Hidden layers of the head that are computed as two layers of this rank, such as fc6=1024,fc7=256 (the Fast "
        "R-CNN paper, section 3.1). `lhrcnn compress` splits the layers of trained weights so. Empty for none.",
        bound_to_weights=True),
    Key("network.FPN_CANONICAL_SIDE", 224, INT,
        "Feature pyramids: side in pixels of the square RoI that is pooled at stride 16; larger RoIs are pooled at "
        "larger strides. For small images choose a smaller side.",
        ONE_OR_MORE, bound_to_weights=True),
    Key("network.NORM", "frozen", word("frozen", "batch"),
        "Batch normalization in training: frozen uses the stored statistics of a pretrained backbone; batch uses the "
        "statistics of the batch, which a start from random weights needs. Tests always use the stored statistics."),
    Key("network.CLASS_SCORES", "softmax", word("softmax", "one_vs_rest"),
        "What makes scores of a head's class outputs: softmax, or one_vs_rest, the logistic function of each, for the "
        "support vector machines that `lhrcnn svm` trains. Trainings use softmax.",
        bound_to_weights=True),
)
