"""Runs detectors of torchvision for the benchmark of detectors, in a Python that needs neither MXNet nor this package.

    PYTHON torch_worker.py --photo photo.jpg --threads 2 --folder exports

It reads one request a line, a list in JSON, and answers each with a line:

    ["load", NAME]              {"rois": ..., "candidates": ..., "detections": ...}; the detector is in memory then
    ["time", NAME, PART, N]     N times in milliseconds of the part "whole" (JPEG file to boxes) or "network"
    ["export", NAME]            the path of its ONNX file in the folder; one that is there is not written again
    ["versions"]                {"torch": ..., "torchvision": ...}

What fails is answered by {"error": WORDS}.
"""
import argparse
import json
import os
import sys
import time
import warnings
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
import torchvision
from torchvision.models import detection

# What is exported, and what "network" is timed on: an image of the size that the network reads.
Size = Tuple[int, int]
NETS: Dict[str, Tuple[Callable[..., Any], Size, Dict[str, Any]]] = {
    "fasterrcnn_mobilenet_v3_large_fpn": (detection.fasterrcnn_mobilenet_v3_large_fpn, (800, 1200), {}),
    "the same with 300 proposals": (detection.fasterrcnn_mobilenet_v3_large_fpn, (800, 1200),
                                    {"rpn_post_nms_top_n_test": 300}),
    "ssdlite320_mobilenet_v3_large": (detection.ssdlite320_mobilenet_v3_large, (320, 320), {}),
}
# How far the random layers spread: see `calibration.py`, which does the same for the networks of MXNet.
OBJECTNESS_SPREAD, PROPOSAL_SPREAD, CLASS_SPREAD, BOX_SPREAD, CANDIDATES = 3.0, 0.3, 2.0, 0.5, 1000


class Detector:
    """A detector of torchvision with random weights.

    Args:
        name: of `NETS`.
        photo: path of the JPEG file.

    Attributes:
        work: how many rois (0 where there are none), candidates over the score threshold, and detections there are.
    """

    def __init__(self, name: str, photo: str):
        build, size, options = NETS[name]
        torch.manual_seed(0)
        self._net = build(weights=None, weights_backbone=None, num_classes=91, **options).eval()
        self._photo = photo
        self.name, self.work = name, {"rois": 0, "candidates": 0, "detections": 0}
        pixels = torchvision.io.decode_image(photo)
        image = torch.nn.functional.interpolate(pixels[None].float() / 255, size, mode="bilinear")[0]
        self._image = image.contiguous()
        with torch.inference_mode():
            self._calibrate()
            self.work["detections"] = len(self.run_network()["boxes"])

    def run_whole(self) -> Dict[str, Any]:
        """From the JPEG file to boxes, as torchvision's own examples do."""
        pixels = torchvision.io.decode_image(self._photo)
        with torch.inference_mode():
            return self._net([pixels.float() / 255])[0]

    def run_network(self) -> Dict[str, Any]:
        """From an image of the network's size, float32 (3, H, W), to boxes."""
        with torch.inference_mode():
            return self._net([self._image])[0]

    def time(self, part: str, repeats: int) -> List[float]:
        """Milliseconds of some runs of "whole" or "network"."""
        run, found = self.run_whole if part == "whole" else self.run_network, []
        for _ in range(repeats):
            start = time.perf_counter()
            run()
            found.append(1000 * (time.perf_counter() - start))
        return found

    def export(self, path: str) -> None:
        """Writes the network as ONNX, for images of this one size, which need not be resized."""
        transform = self._net.transform
        resize, transform.resize = transform.resize, lambda image, target=None: (image, target)
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")
                torch.onnx.export(self._net, ([self._image],), path + ".part", opset_version=16, dynamo=False,
                                  input_names=["image"], output_names=["boxes", "scores", "labels"])
        finally:
            transform.resize = resize
        os.replace(path + ".part", path)

    def _calibrate(self) -> None:
        """Makes the numbers of proposals and candidates those of a trained detector."""
        net = self._net
        if hasattr(net, "rpn"):
            self._spread([net.rpn.head.cls_logits], OBJECTNESS_SPREAD)
            self._spread([net.rpn.head.bbox_pred], PROPOSAL_SPREAD)
            class_layers, box_layers = [net.roi_heads.box_predictor.cls_score], [net.roi_heads.box_predictor.bbox_pred]
            threshold = net.roi_heads.score_thresh
        else:
            class_layers, box_layers = ([block[-1] for block in head.module_list] for head in (
                net.head.classification_head, net.head.regression_head))
            threshold = net.score_thresh
        self._spread(class_layers, CLASS_SPREAD)
        self._spread(box_layers, BOX_SPREAD)
        logits = [output.movedim(1, -1).reshape(-1, 91) for output in self._outputs_of(class_layers)]
        bias, self.work["candidates"] = background_bias(torch.cat(logits), threshold)
        for layer in class_layers:
            layer.bias.view(-1, 91)[:, 0] += bias
        if hasattr(net, "rpn"):
            self.work["rois"] = len(logits[0])

    def _spread(self, layers: List[Any], spread: float) -> None:
        """Scales and shifts layers so that each output channel has mean 0, and all have this standard deviation."""
        for layer, output in zip(layers, self._outputs_of(layers)):
            rows = output.movedim(1, -1).reshape(-1, output.shape[1])
            means = rows.mean(0)
            scale = spread / (rows - means).std()
            layer.weight *= scale
            layer.bias.copy_((layer.bias - means) * scale)

    def _outputs_of(self, layers: List[Any]) -> List[Any]:
        """What layers answer for the image; the channels of all calls of a layer with equal channels are joined."""
        found: List[List[Any]] = [[] for _ in layers]
        hooks = [layer.register_forward_hook(
            lambda _, __, output, place=place: found[place].append(output.flatten(2) if output.dim() > 2 else output))
            for place, layer in enumerate(layers)]
        self._net([self._image])
        for hook in hooks:
            hook.remove()
        return [torch.cat(outputs, -1 if outputs[0].dim() > 2 else 0) for outputs in found]


def background_bias(logits: Any, threshold: float, candidates: int = CANDIDATES) -> Tuple[float, int]:
    """What to add to the background's logits (column 0 of (n, classes + 1)), so that about so many probabilities of the
    others pass the threshold; and how many do then."""
    low, high = -100.0, 100.0
    for _ in range(40):
        bias = (low + high) / 2
        moved = logits.clone()
        moved[:, 0] += bias
        passing = int((moved.softmax(1)[:, 1:] > threshold).sum())
        low, high = (bias, high) if passing > candidates else (low, bias)
    return bias, passing


def answer(request: List[Any], loaded: Dict[str, Detector], photo: str, folder: str) -> Any:
    """Does what one request asks for, see above."""
    kind, *arguments = request
    if kind == "versions":
        return {"torch": torch.__version__, "torchvision": torchvision.__version__}
    name = arguments[0]
    if name not in loaded:
        loaded[name] = Detector(name, photo)
    detector = loaded[name]
    if kind == "load":
        return detector.work
    if kind == "time":
        return detector.time(*arguments[1:])
    path = os.path.join(folder, name.replace(" ", "_") + ".onnx")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        detector.export(path)
    return path


def main(argv: Optional[List[str]] = None) -> None:
    """Answers requests from stdin on stdout until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", required=True, metavar="FILE", help="the JPEG file")
    parser.add_argument("--threads", type=int, required=True, metavar="N", help="threads of PyTorch")
    parser.add_argument("--folder", required=True, metavar="DIR", help="for ONNX files")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    say = partial(print, file=os.fdopen(os.dup(1), "w"), flush=True)
    os.dup2(2, 1)  # what libraries print is no answer
    loaded: Dict[str, Detector] = {}
    for line in sys.stdin:
        try:
            say(json.dumps(answer(json.loads(line), loaded, args.photo, args.folder)))
        except Exception as error:  # PyTorch raises all kinds
            say(json.dumps({"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}))


if __name__ == "__main__":
    main()
