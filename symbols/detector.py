"""The graphs of a detector: whole, its proposal network alone, and the rest of it on given RoIs."""
import mxnet as mx

from . import rcnn, rpn

Variable = mx.sym.Variable


class Detector:
    """The graphs of one detector; every argument of their own stands in its docstring.

    Args:
        backbone: function of data to (map of the RPN, map of the head).
        head: function (head map, rois, num_classes, num_reg_classes) to (class logits, box deltas) of the RoIs.
        num_classes, num_reg_classes: see `light_head.light_head`.
        rpn_channels, num_anchors: see `rpn.rpn`.
        images: N, images a device.
        rpn_batch_size: see `rpn.losses`.
        proposals: remaining arguments of `rpn.proposals`, as a dict.
        targets: remaining arguments of `rcnn.targets`, as a dict.
        losses: remaining arguments of `rcnn.losses`, as a dict.
    """

    def __init__(self, backbone, head, num_classes, num_reg_classes, rpn_channels, num_anchors, images,
                 rpn_batch_size, proposals, targets, losses):
        self._backbone, self._head = backbone, head
        self._classes = dict(num_classes=num_classes, num_reg_classes=num_reg_classes)
        self._rpn = dict(channels=rpn_channels, num_anchors=num_anchors)
        self._images, self._rpn_batch_size = images, rpn_batch_size
        self._proposals, self._targets, self._losses = proposals, targets, losses

    def train(self):
        """Inputs `data` (N, 3, H, W), `im_info` (N, 3), `gt_boxes` (N, M, 5), `label` (N, A * h * w), `bbox_target`
        and `bbox_weight` (N, 4 * A, h, w); outputs `rpn_cls_prob`, `rpn_bbox_loss`, `cls_prob_reshape`,
        `bbox_loss_reshape` and, without a gradient, the RoIs' labels (N, K / N)."""
        rpn_map, head_map = self._backbone(Variable("data"))
        logits, deltas = rpn.rpn(rpn_map, **self._rpn)
        rpn_outputs = self._rpn_losses(logits, deltas)
        rois = rpn.proposals(logits, deltas, Variable("im_info"), is_train=True, images=self._images,
                             **self._proposals)
        rois, label, target, weight = rcnn.targets(rois, Variable("gt_boxes"), self._classes["num_reg_classes"],
                                                   self._images, **self._targets)
        prob, loss, label = self._head_losses(head_map, rois, label, target, weight)
        label = mx.sym.Reshape(label, shape=(self._images, -1), name="label_reshape")
        return mx.sym.Group([*rpn_outputs, prob, loss, mx.sym.BlockGrad(label)])

    def test(self):
        """Inputs `data` and `im_info`; outputs `rois` (N * R, 5), `cls_prob_reshape` (N, R, num_classes) and
        `bbox_pred_reshape` (N, R, 4 * num_reg_classes)."""
        rpn_map, head_map = self._backbone(Variable("data"))
        rois = self._test_proposals(rpn_map)
        return mx.sym.Group([rois, *self._head_outputs(head_map, rois)])

    def train_rpn(self):
        """Inputs `data`, `label`, `bbox_target`, `bbox_weight`; outputs `rpn_cls_prob` and `rpn_bbox_loss`."""
        logits, deltas = rpn.rpn(self._backbone(Variable("data"))[0], **self._rpn)
        return mx.sym.Group(list(self._rpn_losses(logits, deltas, grad_scale=1.0)))

    def test_rpn(self):
        """Inputs `data` and `im_info`; outputs `rois` (N * R, 5) and their scores (N * R, 1)."""
        return mx.sym.Group(list(self._test_proposals(self._backbone(Variable("data"))[0], output_score=True)))

    def train_rcnn(self):
        """Inputs `data`, `rois` (N, K / N, 5), `label` (N, K / N), `bbox_target` and `bbox_weight`
        (N, K / N, 4 * num_reg_classes); outputs `cls_prob_reshape`, `bbox_loss_reshape` and, with hard example
        mining, the labels (K,)."""
        columns = 4 * self._classes["num_reg_classes"]
        rois, label, target, weight = (
            mx.sym.Reshape(Variable(name), shape=shape, name=name + "_reshape")
            for name, shape in (("rois", (-1, 5)), ("label", (-1,)), ("bbox_target", (-1, columns)),
                                ("bbox_weight", (-1, columns))))
        head_map = self._backbone(Variable("data"))[1]
        prob, loss, label = self._head_losses(head_map, rois, label, target, weight, grad_scale=1.0)
        return mx.sym.Group([prob, loss] + ([mx.sym.BlockGrad(label)] if self._losses["ohem"] else []))

    def test_rcnn(self):
        """Inputs `data` and `rois` (N, R, 5); outputs `cls_prob_reshape` and `bbox_pred_reshape`."""
        rois = mx.sym.Reshape(Variable("rois"), shape=(-1, 5), name="rois_reshape")
        return mx.sym.Group(list(self._head_outputs(self._backbone(Variable("data"))[1], rois)))

    def _rpn_losses(self, logits, deltas, **softmax):
        return rpn.losses(logits, deltas, *map(Variable, ("label", "bbox_target", "bbox_weight")),
                          batch_size=self._rpn_batch_size, images=self._images, **softmax)

    def _test_proposals(self, rpn_map, **options):
        logits, deltas = rpn.rpn(rpn_map, **self._rpn)
        return rpn.proposals(logits, deltas, Variable("im_info"), is_train=False, images=self._images,
                             **self._proposals, **options)

    def _head_losses(self, head_map, rois, label, target, weight, **softmax):
        logits, deltas = self._head(head_map, rois, **self._classes)
        return rcnn.losses(logits, deltas, label, target, weight, images=self._images, **self._classes,
                           **self._losses, **softmax)

    def _head_outputs(self, head_map, rois):
        return rcnn.outputs(*self._head(head_map, rois, **self._classes), images=self._images, **self._classes)
