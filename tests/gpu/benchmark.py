"""Times the GPU kernels and torchvision's on the same arrays: python tests/gpu/benchmark.py [--out FILE]

It needs NumPy, PyTorch with a GPU, and nvcc; without torchvision only the kernels' own times are printed. A row of the
table is the median time of one call with the first and third quartiles in brackets. "floor" is the time that the GPU
takes to move the bytes of the inputs and outputs once, at the bandwidth of a large copy measured in the same run, and
"x floor" how many times as long the kernel takes. Our calls are replayed from a CUDA graph, so that the time of
launching kernels is not counted. torchvision's functions wait for the GPU, which no CUDA graph can hold: their column
is the time of their kernels alone, as PyTorch's profiler measures it, and the next one the time of a whole call.
"""
import argparse
import functools
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from conftest import LIBRARY, load_module  # noqa: E402

try:
    import torchvision
except ImportError:
    torchvision = None

SIZES, COUNTS, DTYPES = ((44, 69), (50, 75)), (300, 1000, 2000), (np.float32, np.float16)
CALLS, ROUNDS = 10, 30  # calls of one measurement, and measurements
GPU = "cuda"
PROFILES = 5  # profiler runs of CALLS calls each
HEADER = ("kernel", "map", "rois", "type", "us", "torchvision's kernels us", "its call us", "ratio", "floor us",
          "x floor")


def bind_kernels(interface, library):
    """The kernels of a library whose methods do not call the kernel but return a function without arguments that does.

    That function uses the same arrays at every call, as a measurement needs it.
    """
    class BoundKernels(interface.Kernels):
        def _call(self, *arguments, **choices):
            return self.bind(*arguments, **choices)
    return BoundKernels(library, interface.TorchDevice())


def measure(prepare, capture=True):
    """Times a function on the GPU.

    Args:
        prepare: returns the function, or a tuple that begins with it; called on the stream of the measurement.
        capture: replay calls from a CUDA graph.

    Returns:
        Microseconds of one call: first quartile, median and third quartile of ROUNDS measurements.
    """
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


def measure_kernels(call):
    """Times the kernels and copies that a function starts on the GPU, without the gaps between them.

    Returns:
        Microseconds of one call: first quartile, median and third quartile of PROFILES measurements.
    """
    found = []
    for _ in range(PROFILES):
        torch.cuda.synchronize()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            for _ in range(CALLS):
                call()
            torch.cuda.synchronize()
        on_gpu = [event for event in profile.events() if event.device_type == torch.autograd.DeviceType.CUDA]
        found.append(sum(event.time_range.elapsed_us() for event in on_gpu) / CALLS)
    if not min(found) > 0:
        raise RuntimeError("PyTorch's profiler saw no kernel on the GPU.")
    return [float(point) for point in np.percentile(found, [25, 50, 75])]


def copy_bandwidth():
    """Bytes that a large copy reads and writes in a microsecond."""
    source = torch.empty(1 << 28, dtype=torch.uint8, device=GPU)
    target = torch.empty_like(source)
    return 2 * source.numel() / measure(lambda: functools.partial(target.copy_, source))[1]


def draw_proposals(rng, count, height, width):
    """RoIs (count, 5) of one image like those of a trained network: of all sizes, clustered around twelve objects."""
    objects = np.stack([rng.uniform(0, width, 12), rng.uniform(0, height, 12)], axis=1)
    centres = objects[rng.randint(0, 12, count)] + rng.normal(0, 30, (count, 2))
    sizes = np.exp(rng.uniform(np.log(16), np.log(600), (count, 2)))
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    corners = np.clip(corners, 0, [width - 1, height - 1] * 2)
    return np.concatenate([np.zeros((count, 1)), corners], axis=1).astype(np.float32)


def pooling_rows(kernels, size, count, dtype):
    """Rows of PS-RoIAlign and PS-RoI pooling, forward and backward.

    Yields:
        The first columns of a row, a function that prepares the kernel, and torchvision's function or None.
    """
    rng = np.random.RandomState(0)
    data = rng.normal(0, 1, (1, 490) + size).astype(dtype)
    rois = draw_proposals(rng, count, size[0] * 16, size[1] * 16)
    grad = rng.normal(0, 1, (count, 10, 7, 7)).astype(dtype)
    gpu_data, gpu_rois, gpu_grad = (torch.from_numpy(array).cuda() for array in (data, rois.astype(dtype), grad))
    moved = data.nbytes + rois.nbytes + grad.nbytes
    base = {"size": f"490x{size[0]}x{size[1]}", "rois": count, "dtype": np.dtype(dtype).name, "bytes": moved}
    options = {"output_dim": 10, "pooled_size": 7, "spatial_scale": 1 / 16}
    average = dict(options, sampling_ratio=2, aligned=1)
    cases = [("ps_roi_align", average, True, (2,)), ("ps_roi_pool", options, True, ()),
             ("ps_roi_align", dict(average, mode="max", aligned=0, border="zero"), False, ())]
    for name, choices, has_peer, last in cases:
        peers = [None, None]
        if has_peer and torchvision:
            forward = getattr(torch.ops.torchvision, name)
            backward = getattr(torch.ops.torchvision, f"_{name}_backward")
            arguments = (gpu_data, gpu_rois, 1 / 16, 7, 7) + last
            mapping = forward(*arguments)[1]
            gradient = (gpu_grad, gpu_rois, mapping, 1 / 16, 7, 7) + last + (1, 490) + size
            peers = [functools.partial(forward, *arguments), functools.partial(backward, *gradient)]
        kernel = functools.partial(getattr(kernels, name), data, rois, **choices)
        label = name + (" max" if choices.get("mode") == "max" else "")
        yield dict(base, name=f"{label} forward"), kernel, peers[0]
        yield dict(base, name=f"{label} backward"), functools.partial(kernel, output_grad=grad), peers[1]


def max_pooling_rows(kernels, size, count, dtype):
    """Rows of RoI max pooling, forward and backward, as in `pooling_rows`."""
    rng = np.random.RandomState(0)
    data = rng.normal(0, 1, (1, 512) + size).astype(dtype)
    rois = draw_proposals(rng, count, size[0] * 16, size[1] * 16)
    grad = rng.normal(0, 1, (count, 512, 7, 7)).astype(dtype)
    base = {"size": f"512x{size[0]}x{size[1]}", "rois": count, "dtype": np.dtype(dtype).name,
            "bytes": data.nbytes + rois.nbytes + grad.nbytes}
    peers = [None, None]
    if torchvision:
        gpu_data, gpu_rois, gpu_grad = (torch.from_numpy(array).cuda() for array in (data, rois.astype(dtype), grad))
        arguments = (gpu_data, gpu_rois, 1 / 16, 7, 7)
        places = torch.ops.torchvision.roi_pool(*arguments)[1]
        gradient = (gpu_grad, gpu_rois, places, 1 / 16, 7, 7, 1, 512) + size
        peers = [functools.partial(torch.ops.torchvision.roi_pool, *arguments),
                 functools.partial(torch.ops.torchvision._roi_pool_backward, *gradient)]
    kernel = functools.partial(kernels.roi_max_pool, data, rois, pooled_height=7, pooled_width=7, spatial_scale=1 / 16)
    yield dict(base, name="roi_max_pool forward"), kernel, peers[0]
    yield dict(base, name="roi_max_pool backward"), functools.partial(kernel, output_grad=grad), peers[1]


def proposal_rows(kernels, pre_nms, post_nms):
    """The row of `rpn_proposal`, as in `pooling_rows`.

    torchvision has nothing that decodes and sorts anchors: its time is that of suppressing as many boxes.
    """
    rng = np.random.RandomState(0)
    scales = 16.0 * np.array([2, 4, 8, 16, 32])
    sides = np.array([(scale * ratio ** -0.5, scale * ratio ** 0.5) for ratio in (0.5, 1, 2) for scale in scales])
    anchors = np.concatenate([7.5 - sides / 2, 7.5 + sides / 2], axis=1)
    scores = rng.uniform(0, 1, (1, 30, 44, 69)).astype(np.float32)
    deltas = rng.normal(0, 0.2, (1, 60, 44, 69)).astype(np.float32)
    im_info = np.float32([[704, 1104, 1]])
    choices = {"feature_stride": 16, "pre_nms": pre_nms, "post_nms": post_nms, "nms_threshold": 0.7}
    boxes = torch.from_numpy(draw_proposals(rng, pre_nms, 704, 1104)[:, 1:]).cuda()
    falling_scores = torch.linspace(1, 0, pre_nms, device=GPU)
    peer = functools.partial(torchvision.ops.nms, boxes, falling_scores, 0.7) if torchvision else None
    row = {"name": f"rpn_proposal {pre_nms} -> {post_nms}", "bytes": scores.nbytes // 2 + deltas.nbytes}
    yield row, functools.partial(kernels.rpn_proposal, scores, deltas, im_info, anchors, **choices), peer


def detection_rows(kernels, classes, count):
    """The row of `multiclass_nms` and of torchvision's `nms` or `batched_nms`, as in `pooling_rows`."""
    rng = np.random.RandomState(0)
    boxes = draw_proposals(rng, count, 704, 1104)[None, :, 1:]
    scores = rng.uniform(0.05, 1, (1, count, classes)).astype(np.float32)
    choices = {"background": -1, "pre_nms": 0, "max_per_image": 100 if classes > 1 else count, "nms_threshold": 0.5}
    gpu_boxes = torch.from_numpy(boxes[0]).cuda().repeat_interleave(classes, dim=0)
    gpu_scores = torch.from_numpy(scores[0]).cuda().flatten()
    ids = torch.arange(classes, device=GPU).repeat(count)
    peer = None
    if torchvision:
        peer = (functools.partial(torchvision.ops.nms, gpu_boxes, gpu_scores, 0.5) if classes == 1
                else functools.partial(torchvision.ops.batched_nms, gpu_boxes, gpu_scores, ids, 0.5))
    row = {"name": f"multiclass_nms {classes} x {count}", "bytes": scores.nbytes + boxes.nbytes}
    yield row, functools.partial(kernels.multiclass_nms, scores, boxes, **choices), peer


def time_row(row, kernel, peer, bandwidth):
    """Adds the times to a row."""
    row["us"] = measure(kernel)
    row["peer_call_us"] = measure(lambda: peer, capture=False) if peer else None
    row["peer_us"] = measure_kernels(peer) if peer else None
    row["ratio"] = row["peer_us"][1] / row["us"][1] if peer else None
    row["floor_us"] = row["bytes"] / bandwidth
    row["of_floor"] = row["us"][1] / row["floor_us"]


def format_line(name, size, rois, dtype, *columns):
    """One line of the table."""
    us, peer_us, peer_call_us, ratio, floor_us, of_floor = columns
    return (f"{name:28} {size:10} {rois:>5} {dtype:8} {us:>22} {peer_us:>26} {peer_call_us:>11} {ratio:>6} "
            f"{floor_us:>8} {of_floor:>8}")


def format_row(row):
    """The line of a row that has its times."""
    us, peer_us = (f"{points[1]:.1f} ({points[0]:.1f} to {points[2]:.1f})" if points else ""
                   for points in (row["us"], row["peer_us"]))
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    call_us = "" if row["peer_call_us"] is None else f"{row['peer_call_us'][1]:.1f}"
    return format_line(row["name"], row.get("size", ""), row.get("rois", ""), row.get("dtype", "float32"), us, peer_us,
                       call_us, ratio, f"{row['floor_us']:.1f}", f"{row['of_floor']:.1f}")


def main():
    """Measures all rows, prints the table and writes the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="JSON file of all numbers")
    out = parser.parse_args().out
    library = load_module("operators/native/build.py").build(str(LIBRARY), mxnet=False, cuda=True)
    kernels = bind_kernels(load_module("tests/operators/cuda/interface.py"), library)
    bandwidth = copy_bandwidth()
    results = {"device": torch.cuda.get_device_name(), "torch": torch.__version__,
               "torchvision": torchvision and torchvision.__version__, "copy_gb_a_second": bandwidth / 1e3, "rows": []}
    print(f"{results['device']}; PyTorch {results['torch']}, torchvision {results['torchvision']}; a copy moves "
          f"{results['copy_gb_a_second']:.0f} GB/s")
    print(format_line(*HEADER))
    rows = [row for size in SIZES for count in COUNTS for dtype in DTYPES
            for pooled_rows in (pooling_rows, max_pooling_rows) for row in pooled_rows(kernels, size, count, dtype)]
    rows += [row for sizes in ((6000, 1000), (12000, 2000)) for row in proposal_rows(kernels, *sizes)]
    rows += [row for sizes in ((1, 1000), (1, 6000), (80, 1000)) for row in detection_rows(kernels, *sizes)]
    for row, kernel, peer in rows:
        time_row(row, kernel, peer, bandwidth)
        results["rows"].append(row)
        print(format_row(row), flush=True)
    if out:
        Path(out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
