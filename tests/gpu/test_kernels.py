"""The kernels on a real GPU, called through ctypes on arrays of PyTorch: equal to the CPU's and to torchvision's."""
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
RUN_CASES = HERE.parent / "operators" / "cuda" / "run_cases.py"


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("check", ["ps_roi_align", "ps_roi_pool", "roi_max_pool", "rpn_proposal", "multiclass_nms"])
def test_same_as_on_the_cpu(pair, cases, check, seed):
    getattr(cases, "check_" + check)(pair, 1000 + seed)


def test_empty_inputs(pair, cases):
    cases.check_empty_inputs(pair)


@pytest.fixture
def proposals():
    """Function that draws RoIs like those of a trained network: of all sizes, clustered around twelve objects."""
    def draw(rng, count, images, height, width):
        objects = np.stack([rng.uniform(0, width, 12), rng.uniform(0, height, 12)], axis=1)
        centres = objects[rng.randint(0, 12, count)] + rng.normal(0, 30, (count, 2))
        sizes = np.exp(rng.uniform(np.log(16), np.log(600), (count, 2)))
        corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        corners = np.clip(corners, 0, [width - 1, height - 1] * 2)
        return np.concatenate([rng.randint(0, images, (count, 1)), corners], axis=1).astype(np.float32)
    return draw


@pytest.mark.parametrize("name, choices", [
    ("ps_roi_align", {"sampling_ratio": 2}), ("ps_roi_align", {"sampling_ratio": 2, "mode": "max", "border": "zero"}),
    ("ps_roi_align", {"sampling_ratio": 0, "aligned": 1}), ("ps_roi_pool", {})])
@pytest.mark.parametrize("size", [(44, 69), (50, 84), (200, 304)])
def test_full_size(pair, cases, proposals, name, choices, size):
    """On maps that fit into the shared memory of most GPUs, of some and of none."""
    rng = np.random.RandomState(0)
    options = dict(choices, output_dim=10, pooled_size=7, spatial_scale=1 / 16)
    data = rng.normal(0, 1, (2, 490) + size).astype(np.float32)
    rois = proposals(rng, 1000, 2, size[0] * 16, size[1] * 16)
    output = getattr(pair.device, name)(data, rois, **options)
    cases.assert_close(output, getattr(pair.cpu, name)(data, rois, **options), data.dtype, 1)
    grad = rng.normal(0, 1, output.shape).astype(np.float32)
    expected = getattr(pair.cpu, name)(data, rois, grad, **options)
    found = getattr(pair.device, name)(data, rois, grad, **options)
    cases.assert_close(found, expected, data.dtype, np.abs(expected).max())
    np.testing.assert_array_equal(found, getattr(pair.device, name)(data, rois, grad, **options))


@pytest.mark.parametrize("size", [(38, 57), (75, 100)])
def test_max_pooling_at_full_size(pair, proposals, size):
    rng = np.random.RandomState(0)
    options = {"pooled_height": 7, "pooled_width": 7, "spatial_scale": 1 / 16}
    data = rng.normal(0, 1, (2, 512) + size).astype(np.float32)
    rois = proposals(rng, 300, 2, size[0] * 16, size[1] * 16)
    output = pair.device.roi_max_pool(data, rois, **options)
    np.testing.assert_array_equal(output, pair.cpu.roi_max_pool(data, rois, **options))
    grad = rng.normal(0, 1, output.shape).astype(np.float32)
    found = pair.device.roi_max_pool(data, rois, grad, **options)
    np.testing.assert_array_equal(found, pair.cpu.roi_max_pool(data, rois, grad, **options))


@pytest.fixture(scope="session")
def torchvision(torch):
    return pytest.importorskip("torchvision", reason="torchvision is not installed")


def distances(torch, function, gpu_map, rois, grad, output, data_grad):
    """How far results in float32 lie from torchvision's in float64.

    Returns:
        The largest differences (of the output, of the gradient) of `output` and `data_grad`, and those of
        torchvision's own results in float32.
    """
    results = []
    for dtype in (torch.float64, torch.float32):
        leaf = gpu_map.to(dtype).requires_grad_()
        pooled = function(leaf, torch.from_numpy(rois).to(gpu_map.device, dtype))
        pooled.backward(torch.from_numpy(grad).to(gpu_map.device, dtype))
        results.append([array.detach().cpu().numpy() for array in (pooled, leaf.grad)])
    exact, theirs = results
    return [[np.abs(array - reference).max() for array, reference in zip(arrays, exact)]
            for arrays in ((output, data_grad), theirs)]


@pytest.mark.parametrize("ratio", [1, 2, 0])
def test_align_equals_torchvision(pair, torch, torchvision, proposals, ratio):
    """The position of a sample is a float32 that is as large as the map, so both round; ours must not be worse."""
    rng = np.random.RandomState(ratio)
    data = rng.normal(0, 1, (2, 490, 44, 69)).astype(np.float32)
    rois = proposals(rng, 300, 2, 704, 1104)
    grad = rng.normal(0, 1, (300, 10, 7, 7)).astype(np.float32)
    options = {"output_dim": 10, "pooled_size": 7, "spatial_scale": 1 / 16, "sampling_ratio": ratio, "aligned": 1}
    ours, theirs = distances(
        torch, lambda maps, boxes: torchvision.ops.ps_roi_align(maps, boxes, 7, 1 / 16, ratio or -1),
        torch.from_numpy(data).cuda(), rois, grad, pair.device.ps_roi_align(data, rois, **options),
        pair.device.ps_roi_align(data, rois, grad, **options))
    assert ours[0] <= 2 * theirs[0] < 1e-3 and ours[1] <= 2 * theirs[1] < 1e-2, (ours, theirs)


def test_pool_equals_torchvision(pair, torch, torchvision):
    """In the cases in which both round in the same way: at scale 1, with RoIs whose bins are whole pixels.

    torchvision does not count the last pixel of a RoI, so our corners are one pixel less. Its output never counts the
    last row and the last column of a map, so the map of its output has one more of each; its gradient counts them.
    """
    rng = np.random.RandomState(0)
    data = rng.normal(0, 1, (2, 90, 40, 50)).astype(np.float32)
    start, size = rng.randint(-5, 40, (300, 2)), 3 * rng.randint(1, 10, (300, 2))
    theirs = np.concatenate([rng.randint(0, 2, (300, 1)), start, start + size], axis=1).astype(np.float32)
    ours = theirs - np.float32([0, 0, 0, 1, 1])
    options = {"output_dim": 10, "pooled_size": 3, "spatial_scale": 1.0}
    padded = torch.from_numpy(np.pad(data, [(0, 0), (0, 0), (0, 1), (0, 1)])).cuda()
    gpu_rois = torch.from_numpy(theirs).cuda()
    expected, channels = torch.ops.torchvision.ps_roi_pool(padded, gpu_rois, 1.0, 3, 3)
    assert (expected != 0).float().mean() > 0.5
    np.testing.assert_allclose(pair.device.ps_roi_pool(data, ours, **options), expected.cpu(), atol=1e-5)
    grad = rng.normal(0, 1, expected.shape).astype(np.float32)
    expected = torch.ops.torchvision._ps_roi_pool_backward(torch.from_numpy(grad).cuda(), gpu_rois, channels, 1.0, 3, 3,
                                                           *data.shape)
    np.testing.assert_allclose(pair.device.ps_roi_pool(data, ours, grad, **options), expected.cpu(), atol=1e-4)


def test_max_pooling_equals_torchvision(pair, torch, torchvision, proposals):
    rng = np.random.RandomState(0)
    data, rois = rng.normal(0, 1, (2, 64, 38, 57)).astype(np.float32), proposals(rng, 300, 2, 608, 912)
    gpu_map = torch.from_numpy(data).cuda().requires_grad_()
    expected = torchvision.ops.roi_pool(gpu_map, torch.from_numpy(rois).cuda(), (7, 7), 1 / 16)
    options = {"pooled_height": 7, "pooled_width": 7, "spatial_scale": 1 / 16}
    np.testing.assert_array_equal(pair.device.roi_max_pool(data, rois, **options), expected.detach().cpu())
    grad = rng.normal(0, 1, expected.shape).astype(np.float32)
    expected.backward(torch.from_numpy(grad).cuda())
    np.testing.assert_allclose(pair.device.roi_max_pool(data, rois, grad, **options), gpu_map.grad.cpu(), atol=1e-4)


@pytest.mark.parametrize("count", [100, 1000, 6000])
def test_nms_equals_torchvision(pair, torch, torchvision, proposals, count):
    rng = np.random.RandomState(count)
    boxes = proposals(rng, count, 1, 704, 1104)[None, :, 1:]
    scores = rng.permutation(count).astype(np.float32)[None, :, None] + 1
    output, (found,) = pair.device.multiclass_nms(scores, boxes, background=-1, pre_nms=0, max_per_image=count,
                                                  nms_threshold=0.5)
    kept = torchvision.ops.nms(torch.from_numpy(boxes[0]).cuda(), torch.from_numpy(scores[0, :, 0]).cuda(), 0.5).cpu()
    assert found == len(kept)
    np.testing.assert_array_equal(output[0, :len(kept), 1:], np.concatenate([scores[0], boxes[0]], axis=1)[kept])


def test_batched_nms_equals_torchvision(pair, torch, torchvision, proposals):
    """Every class has the same boxes, with its own scores."""
    rng, classes, count = np.random.RandomState(0), 5, 300
    boxes = proposals(rng, count, 1, 704, 1104)[None, :, 1:]
    scores = rng.permutation(count * classes).astype(np.float32).reshape(1, count, classes) + 1
    output, (found,) = pair.device.multiclass_nms(scores, boxes, background=-1, pre_nms=0, max_per_image=2000,
                                                  nms_threshold=0.5)
    all_boxes = torch.from_numpy(boxes[0]).cuda().repeat_interleave(classes, dim=0)
    all_scores = torch.from_numpy(scores[0]).cuda().flatten()
    ids = torch.arange(classes, device="cuda").repeat(count)
    kept = torchvision.ops.batched_nms(all_boxes, all_scores, ids, 0.5).cpu()
    assert found == len(kept)
    np.testing.assert_array_equal(output[0, :len(kept), 0], ids.cpu()[kept])
    np.testing.assert_array_equal(output[0, :len(kept), 1], all_scores.cpu()[kept])


def test_works_on_any_stream(pair, torch, cases):
    with torch.cuda.stream(torch.cuda.Stream()):
        cases.check_rpn_proposal(pair, 5)
        cases.check_ps_roi_align(pair, 5)


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["memcheck", "racecheck", "synccheck"])
def test_compute_sanitizer(library, tool):
    if not shutil.which("compute-sanitizer"):
        pytest.skip("compute-sanitizer is not there")
    run = subprocess.run(["compute-sanitizer", "--tool", tool, "--error-exitcode", "9", sys.executable, str(RUN_CASES),
                          library, library, "torch", "2000", "5"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         universal_newlines=True)
    assert run.returncode == 0, run.stdout[-3000:]
