"""GluonCV's detectors with random weights in MXNet, and the network of its SSD300 in the other engines too."""
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from ....engine.deploy.onnx.builder import GraphBuilder
from ....engine.deploy.onnx.translation import translate
from ....engine.deploy.onnx.translators.table import Call, translates
from ....engine.files import atomic_write
from ....errors import LibraryError, LightHeadError
from .calibration import (
    BOX_SPREAD,
    CLASS_SPREAD,
    draw_weights,
    first_column_bias,
    outputs_of,
    sigmoid_scores,
    softmax_scores,
    spread,
)
from .candidate import MXNET, NETWORK, WHOLE, Candidate, Skipped, of_calls
from .engine_models import open_everywhere
from .ours import gflop

SSD300 = "GluonCV SSD300-VGG16"


class Peer(NamedTuple):
    """A detector of GluonCV: its name there, and the side of its square input."""

    name: str
    side: int


PEERS = {SSD300: Peer("ssd_300_vgg16_atrous_coco", 300),
         "GluonCV SSD512-MobileNet1.0": Peer("ssd_512_mobilenet1.0_coco", 512),
         "GluonCV YOLOv3-Darknet53": Peer("yolo3_darknet53_coco", 416)}
# Both have this threshold in their code.
THRESHOLD = 0.01
YOLO_SPREAD = 1.0
# OpenCV's number of what GluonCV's transforms choose to shrink images: averages over areas.
AREAS = 3


class WithoutNms(mx.gluon.HybridBlock):
    """The scores of all classes (N, boxes, classes + 1) and the boxes (N, boxes, 4) of an SSD, before suppression."""

    def __init__(self, ssd: mx.gluon.HybridBlock):
        from gluoncv.nn.coder import NormalizedBoxCenterDecoder
        super().__init__()
        self.ssd = ssd
        # Of plain operators. The SSD's own decoder, once it has run, cannot be set to these: it would shrink all boxes.
        self.decoder = NormalizedBoxCenterDecoder(ssd.bbox_decoder._stds, minimal_opset=True)

    def hybrid_forward(self, F: Any, x: Any) -> Tuple[Any, Any]:
        with mx.autograd.train_mode():  # GluonCV leaves its suppression out in training alone
            logits, deltas, anchors = self.ssd(x)
        return F.softmax(logits, axis=-1), self.decoder(deltas, anchors)


@translates("L2Normalization")
def _l2_normalization(g: GraphBuilder, call: Call) -> str:
    """Values over the root of the sum of squares of all channels of a cell."""
    call.expect(mode="channel")
    squares = g.add("Mul", [call.inputs[0], call.inputs[0]])
    total = g.add("ReduceSum", [squares, g.constant(np.array([1], np.int64))], keepdims=1)
    root = g.add("Sqrt", [g.add("Add", [total, g.constant(np.float32(call.get("eps", 1e-10)))])])
    return g.add("Div", [call.inputs[0], root])


def candidates(names: Sequence[str], photo: str, folder: Path, threads: int,
               say: Callable[[str], None]) -> Iterator[Union[Candidate, Skipped]]:
    """Builds the candidates of some of `PEERS`.

    Args:
        names: of `PEERS`.
        photo: path of the JPEG file.
        folder: for the ONNX file of SSD300; it is written anew.
        threads: of the engines.
        say: takes a line of progress.

    Yields:
        A candidate for each, SSD300 in every engine and precision, or the reason why there is none.
    """
    try:
        from gluoncv import model_zoo
    except Exception as error:  # beside PyTorch 2 its import fails in several ways
        yield Skipped("GluonCV", f"it cannot be imported ({type(error).__name__}: {error})")
        return
    for name in names:
        say(f"{name}: weights")
        peer = PEERS[name]
        net = model_zoo.get_model(peer.name, pretrained=False, pretrained_base=False)
        net.initialize()
        x = _prepare(photo, peer.side)
        work = _calibrate(net, x)
        shape = (1, 3, peer.side, peer.side)
        work["gflop"] = gflop(net, data=shape)
        net.hybridize(static_alloc=True, static_shape=True)
        size = f"{peer.side}x{peer.side}"

        def run(x: mx.nd.NDArray, net: mx.gluon.HybridBlock = net) -> List[np.ndarray]:
            return [answer.asnumpy() for answer in net(x)]

        yield of_calls(name, size, MXNET, "float32", {
            WHOLE: lambda run=run, peer=peer: run(_prepare(photo, peer.side)),
            NETWORK: lambda run=run, x=x: run(x)}, work)
        if name == SSD300:
            yield from _in_engines(name, net, photo, folder, threads, dict(work, detections=None), say)


def _in_engines(name: str, net: mx.gluon.HybridBlock, photo: str, folder: Path, threads: int, work: Dict[str, Any],
                say: Callable[[str], None]) -> Iterator[Union[Candidate, Skipped]]:
    peer = PEERS[name]
    path = folder / f"{peer.name}.onnx"
    say(f"{name}: ONNX")
    try:
        export_without_nms(net, peer.side, path)
    except LibraryError as error:
        yield Skipped(f"{name} in other engines", str(error))
        return
    x = _prepare(photo, peer.side).asnumpy()
    for engine, precision, run in open_everywhere(path, folder, {"data": x}, threads):
        if isinstance(run, LightHeadError):
            yield Skipped(f"{name} in {engine}, {precision}", str(run))
            continue
        yield of_calls(name, f"{peer.side}x{peer.side}", engine, precision, {
            WHOLE: lambda run=run: run(_prepare(photo, peer.side).asnumpy()),
            NETWORK: lambda run=run: run(x)}, work, inside="scores and boxes before NMS")


def export_without_nms(ssd: mx.gluon.HybridBlock, side: int, path: Path) -> None:
    """Writes an SSD as ONNX up to its suppression: convolutions, softmax and decoded boxes, for one fixed size.

    Args:
        ssd: of GluonCV, with parameters.
        side: of its square input in pixels.
        path: of the file.
    """
    g = GraphBuilder("ssd")
    shape = (1, 3, side, side)
    scores, boxes = translate(g, WithoutNms(ssd), {"data": (g.input("data", np.float32, shape), shape)})
    g.output(scores, "scores", np.float32, (1, None, len(ssd.classes) + 1))
    g.output(boxes, "boxes", np.float32, (1, None, 4))
    with atomic_write(path) as temporary:
        Path(temporary).write_bytes(g.model().SerializeToString())


def _prepare(photo: str, side: int) -> mx.nd.NDArray:
    """The input (1, 3, side, side) that GluonCV's own transform of tests makes of a larger photograph."""
    image = mx.image.imresize(mx.image.imread(photo), side, side, interp=AREAS)
    x = mx.nd.image.normalize(mx.nd.image.to_tensor(image), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return x.expand_dims(0)


def _calibrate(net: mx.gluon.HybridBlock, x: mx.nd.NDArray) -> Dict[str, Any]:
    """Gives the output layers the spread of a trained detector's; returns the numbers of the work that follows."""
    def run() -> None:
        net(x)

    run()  # parameters get their shapes
    draw_weights(net)
    width = len(net.classes)
    if hasattr(net, "yolo_outputs"):
        layers, first, columns = [block.prediction for block in net.yolo_outputs], 4, width + 5
        scores = sigmoid_scores
        spread(layers, run, YOLO_SPREAD)
    else:
        layers, first, columns = [block.predictor for block in net.class_predictors], 0, width + 1
        scores = softmax_scores
        spread(layers, run, CLASS_SPREAD)
        spread([block.predictor for block in net.box_predictors], run, BOX_SPREAD)
    logits = np.concatenate([output.reshape(-1, columns)[:, first:] for output in outputs_of(layers, run)])
    bias, passing = first_column_bias(logits, THRESHOLD, scores, scores is sigmoid_scores)
    for layer in layers:
        values = layer.bias.data().asnumpy().reshape(-1, columns)
        values[:, first] += bias
        layer.bias.set_data(mx.nd.array(values.reshape(-1)))
    return {"rois": 0, "candidates": passing, "detections": int((net(x)[0].asnumpy() >= 0).sum())}
