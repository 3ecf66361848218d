"""Times the GPU kernels beside torchvision's, on the same arrays: python tests/gpu/benchmark.py [--out FILE]

Needs PyTorch with a GPU and nvcc; without torchvision only the kernels' own times are told. A row of the table is the
median of the times of one call and, in brackets, the quarter and three-quarter points. `floor` is the time that the
GPU takes to move the bytes of the inputs and outputs once, at the speed of a large copy measured in the same run, and
`of floor` how often the kernel's time holds it. Calls are replayed from a CUDA graph where they can be, so that the
time of launching is not counted.
"""
import argparse
import functools
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from conftest import ROOT, module  # noqa: E402

try:
    import torchvision
except ImportError:
    torchvision = None

SIZES, COUNTS, DTYPES = ((44, 69), (50, 75)), (300, 1000, 2000), (np.float32, np.float16)
CALLS, ROUNDS = 10, 30
GPU = "cuda"


def bound_kernels(interface, library):
    """The kernels; their methods answer a function without arguments that runs again and again on the same arrays."""
    class Bound(interface.Kernels):
        def _call(self, *arguments, **choices):
            return self.bind(*arguments, **choices)
    return Bound(library, interface.TorchDevice())


def ready(call):
    """Prepares what needs no preparation."""
    return call


def times_of(prepare, capture=True):
    """Microseconds of one call of the function that `prepare` answers, quarter points of ROUNDS measurements."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        call = prepare()
        call = call[0] if isinstance(call, tuple) else call
        for _ in range(3):
            call()
        torch.cuda.synchronize()
        if capture:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream):
                for _ in range(CALLS):
                    call()
            repeat = graph.replay
        else:
            def repeat():
                for _ in range(CALLS):
                    call()
        repeat()
        found = []
        for _ in range(ROUNDS):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            repeat()
            end.record()
            end.synchronize()
            found.append(begin.elapsed_time(end) * 1e3 / CALLS)
    return [float(point) for point in np.percentile(found, [25, 50, 75])]


def bytes_a_microsecond():
    """What a large copy reads and writes."""
    source = torch.empty(1 << 28, dtype=torch.uint8, device=GPU)
    target = torch.empty_like(source)
    return 2 * source.numel() / times_of(functools.partial(ready, functools.partial(target.copy_, source)))[1]


def proposals(rng, count, height, width):
    """RoIs (count, 5) of one image: of all sizes, in heaps around objects."""
    objects = np.stack([rng.uniform(0, width, 12), rng.uniform(0, height, 12)], axis=1)
    centres = objects[rng.randint(0, 12, count)] + rng.normal(0, 30, (count, 2))
    sizes = np.exp(rng.uniform(np.log(16), np.log(600), (count, 2)))
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    corners = np.clip(corners, 0, [width - 1, height - 1] * 2)
    return np.concatenate([np.zeros((count, 1)), corners], axis=1).astype(np.float32)


def pooling_rows(ours, size, count, dtype):
    rng = np.random.RandomState(0)
    data = rng.normal(0, 1, (1, 490) + size).astype(dtype)
    rois = proposals(rng, count, size[0] * 16, size[1] * 16)
    grad = rng.normal(0, 1, (count, 10, 7, 7)).astype(dtype)
    there, boxes, grad_there = (torch.from_numpy(array).cuda() for array in (data, rois.astype(dtype), grad))
    moved = data.nbytes + rois.nbytes + grad.nbytes
    base = {"size": "490x{}x{}".format(*size), "rois": count, "dtype": np.dtype(dtype).name, "bytes": moved}
    options = {"output_dim": 10, "pooled_size": 7, "spatial_scale": 1 / 16}
    average = dict(options, sampling_ratio=2, aligned=1)
    flavours = [("ps_roi_align", average, "ps_roi_align", (2,)), ("ps_roi_pool", options, "ps_roi_pool", ()),
                ("ps_roi_align", dict(average, mode="max", aligned=0, border="zero"), None, ())]
    for name, choices, peer, last in flavours:
        peers = [None, None]
        if peer and torchvision:
            forward, backward = (getattr(torch.ops.torchvision, form.format(peer)) for form in ("{}", "_{}_backward"))
            arguments = (there, boxes, 1 / 16, 7, 7) + last
            mapping = forward(*arguments)[1]
            gradient = (grad_there, boxes, mapping, 1 / 16, 7, 7) + last + (1, 490) + size
            peers = [functools.partial(forward, *arguments), functools.partial(backward, *gradient)]
        kernel = functools.partial(getattr(ours, name), data, rois, **choices)
        label = name + (" max" if choices.get("mode") == "max" else "")
        yield dict(base, name=label + " forward"), kernel, peers[0]
        yield dict(base, name=label + " backward"), functools.partial(kernel, output_grad=grad), peers[1]


def proposal_rows(ours, pre_nms, post_nms):
    """Beside torchvision's NMS alone, of the same number of boxes: it has nothing that decodes and sorts anchors."""
    rng = np.random.RandomState(0)
    scales = 16.0 * np.array([2, 4, 8, 16, 32])
    sides = np.array([(scale * ratio ** -0.5, scale * ratio ** 0.5) for ratio in (0.5, 1, 2) for scale in scales])
    anchors = np.concatenate([7.5 - sides / 2, 7.5 + sides / 2], axis=1)
    scores = rng.uniform(0, 1, (1, 30, 44, 69)).astype(np.float32)
    deltas = rng.normal(0, 0.2, (1, 60, 44, 69)).astype(np.float32)
    im_info = np.float32([[704, 1104, 1]])
    choices = {"feature_stride": 16, "pre_nms": pre_nms, "post_nms": post_nms, "nms_threshold": 0.7}
    boxes = torch.from_numpy(proposals(rng, pre_nms, 704, 1104)[:, 1:]).cuda()
    best = torch.linspace(1, 0, pre_nms, device=GPU)
    peer = functools.partial(torchvision.ops.nms, boxes, best, 0.7) if torchvision else None
    row = {"name": "rpn_proposal {} -> {}".format(pre_nms, post_nms), "bytes": scores.nbytes // 2 + deltas.nbytes}
    yield row, functools.partial(ours.rpn_proposal, scores, deltas, im_info, anchors, **choices), peer


def detection_rows(ours, classes, count):
    rng = np.random.RandomState(0)
    boxes = proposals(rng, count, 704, 1104)[None, :, 1:]
    scores = rng.uniform(0.05, 1, (1, count, classes)).astype(np.float32)
    choices = {"background": -1, "pre_nms": 0, "max_per_image": 100 if classes > 1 else count, "nms_threshold": 0.5}
    there = torch.from_numpy(boxes[0]).cuda().repeat_interleave(classes, dim=0)
    flat = torch.from_numpy(scores[0]).cuda().flatten()
    ids = torch.arange(classes, device=GPU).repeat(count)
    peer = None
    if torchvision:
        peer = (functools.partial(torchvision.ops.nms, there, flat, 0.5) if classes == 1
                else functools.partial(torchvision.ops.batched_nms, there, flat, ids, 0.5))
    row = {"name": "multiclass_nms {} x {}".format(classes, count), "bytes": scores.nbytes + boxes.nbytes}
    yield row, functools.partial(ours.multiclass_nms, scores, boxes, **choices), peer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="JSON file of all numbers")
    out = parser.parse_args().out
    library = module("operators/native/build.py").build(str(ROOT / "tests" / "gpu" / "liblhrcnn_kernels.so"),
                                                        mxnet=False, cuda=True)
    ours = bound_kernels(module("tests/operators/cuda/interface.py"), library)
    speed = bytes_a_microsecond()
    results = {"device": torch.cuda.get_device_name(), "torch": torch.__version__,
               "torchvision": torchvision and torchvision.__version__, "copy_gb_a_second": speed / 1e3, "rows": []}
    print("{device}; PyTorch {torch}, torchvision {torchvision}; a copy moves {copy_gb_a_second:.0f} GB/s"
          .format(**results))
    print("{:28} {:10} {:>5} {:8} {:>22} {:>22} {:>6} {:>8} {:>8}".format(
        "kernel", "map", "rois", "type", "us", "torchvision's us", "ratio", "floor us", "of floor"))
    rows = [row for size in SIZES for count in COUNTS for dtype in DTYPES
            for row in pooling_rows(ours, size, count, dtype)]
    rows += [row for sizes in ((6000, 1000), (12000, 2000)) for row in proposal_rows(ours, *sizes)]
    rows += [row for sizes in ((1, 1000), (1, 6000), (80, 1000)) for row in detection_rows(ours, *sizes)]
    for row, kernel, peer in rows:
        waits = row["name"].startswith(("rpn", "multiclass"))  # torchvision's NMS waits for the GPU, and has no graph
        row["us"] = times_of(kernel)
        row["peer_us"] = times_of(functools.partial(ready, peer), capture=not waits) if peer else None
        row["ratio"] = row["peer_us"][1] / row["us"][1] if peer else None
        row["floor_us"] = row["bytes"] / speed
        row["of_floor"] = row["us"][1] / row["floor_us"]
        results["rows"].append(row)
        spread = [text_of(row[key]) for key in ("us", "peer_us")]
        print("{:28} {:10} {:>5} {:8} {:>22} {:>22} {:>6} {:8.1f} {:8.1f}".format(
            row["name"], row.get("size", ""), row.get("rois", ""), row.get("dtype", "float32"), *spread,
            "{:.2f}".format(row["ratio"]) if peer else "", row["floor_us"], row["of_floor"]))
    if out:
        Path(out).write_text(json.dumps(results, indent=1) + "\n")


def text_of(points):
    return "{1:.1f} ({0:.1f} to {2:.1f})".format(*points) if points else ""


if __name__ == "__main__":
    main()
