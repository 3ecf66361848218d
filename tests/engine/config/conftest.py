"""A file with every key of the MXNet original's files, and a function that writes files."""
import pytest

# The keys that the end-to-end files of the MXNet original set, with values of their kinds.
ORIGINAL = """
---
MXNET_VERSION: "mxnet"
output_path: "./output/rfcn/coco"
symbol: resnet_v1_101_rfcn_light
gpus: '0,1,2,3'
CLASS_AGNOSTIC: true
SCALES:
- 600
- 1000
default: {frequent: 100, kvstore: device}
network:
  pretrained: "./model/pretrained_model/resnet_v1_101"
  pretrained_epoch: 0
  PIXEL_MEANS: [103.06, 115.90, 123.15]
  IMAGE_STRIDE: 0
  RCNN_FEAT_STRIDE: 16
  RPN_FEAT_STRIDE: 16
  FIXED_PARAMS: [conv1, bn_conv1, res2, bn2, gamma, beta]
  FIXED_PARAMS_SHARED: [conv1, bn_conv1, res2, bn2, res3, bn3, res4, bn4, gamma, beta]
  ANCHOR_RATIOS: [0.5, 1, 2]
  ANCHOR_SCALES: [4, 8, 16, 32]
  NUM_ANCHORS: 12
dataset: {NUM_CLASSES: 81, dataset: coco, dataset_path: "./data/coco", image_set: train2014+val2014,
          root_path: "./data", test_image_set: test-dev2015, proposal: rpn}
TRAIN:
  lr: 0.0005
  lr_step: '5.333'
  warmup: true
  warmup_lr: 0.00005
  warmup_step: 1000
  begin_epoch: 0
  end_epoch: 8
  model_prefix: 'rfcn_coco'
  RESUME: false
  FLIP: true
  SHUFFLE: true
  ENABLE_OHEM: true
  BATCH_IMAGES: 1
  END2END: true
  ASPECT_GROUPING: true
  BATCH_ROIS: -1
  BATCH_ROIS_OHEM: 128
  FG_FRACTION: 0.25
  FG_THRESH: 0.5
  BG_THRESH_HI: 0.5
  BG_THRESH_LO: 0.0
  BBOX_REGRESSION_THRESH: 0.5
  BBOX_WEIGHTS: [1.0, 1.0, 1.0, 1.0]
  RPN_BATCH_SIZE: 256
  RPN_FG_FRACTION: 0.5
  RPN_POSITIVE_OVERLAP: 0.7
  RPN_NEGATIVE_OVERLAP: 0.3
  RPN_CLOBBER_POSITIVES: false
  RPN_BBOX_WEIGHTS: [1.0, 1.0, 1.0, 1.0]
  RPN_POSITIVE_WEIGHT: -1.0
  CXX_PROPOSAL: false
  RPN_NMS_THRESH: 0.7
  RPN_PRE_NMS_TOP_N: 6000
  RPN_POST_NMS_TOP_N: 300
  RPN_MIN_SIZE: 0
  BBOX_NORMALIZATION_PRECOMPUTED: true
  BBOX_MEANS: [0.0, 0.0, 0.0, 0.0]
  BBOX_STDS: [0.1, 0.1, 0.2, 0.2]
  ALTERNATE: {RPN_BATCH_IMAGES: 1, RCNN_BATCH_IMAGES: 2, rpn1_lr: 0.001, rpn1_lr_step: '2', rpn1_epoch: 3,
              rfcn1_lr: 0.001, rfcn1_lr_step: '5', rfcn1_epoch: 8, rpn2_lr: 0.001, rpn2_lr_step: '2', rpn2_epoch: 3,
              rfcn2_lr: 0.001, rfcn2_lr_step: '5', rfcn2_epoch: 8, rpn3_lr: 0, rpn3_lr_step: '', rpn3_epoch: 0}
TEST: {HAS_RPN: true, BATCH_IMAGES: 1, CXX_PROPOSAL: false, RPN_NMS_THRESH: 0.7, RPN_PRE_NMS_TOP_N: 6000,
       RPN_POST_NMS_TOP_N: 300, RPN_MIN_SIZE: 0, PROPOSAL_NMS_THRESH: 0.7, PROPOSAL_PRE_NMS_TOP_N: 20000,
       PROPOSAL_POST_NMS_TOP_N: 2000, PROPOSAL_MIN_SIZE: 0, NMS: 0.3, test_epoch: 8, max_per_image: 100}
"""


@pytest.fixture
def original_text():
    """The text of a file as the MXNet original has them."""
    return ORIGINAL


@pytest.fixture
def write(tmp_path):
    """Function from a name and a text (or bytes) to the path of a file that holds it."""
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
