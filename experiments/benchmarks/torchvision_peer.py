"""Times training steps of torchvision's Faster R-CNN on stage 5 of EfficientNet-Lite0, the peer of our light head.

It runs by itself, under a Python that has PyTorch and torchvision, and needs neither MXNet nor weights:

    OMP_NUM_THREADS=2 PYTHON experiments/benchmarks/torchvision_peer.py --images 2 --size 432 576

Like ours it fixes the stem and the stages up to stride 4 and all normalisations, and reads one map of stride 16.
"""
import argparse
import os
import time
from typing import Any, Callable, List, Optional

# Stages 1 to 5 of EfficientNet-Lite0: blocks, kernel, stride, expansion, channels.
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112))
FIXED_PARTS = 3  # the stem and stages 1 and 2


def build_body() -> Any:
    """Returns the stem and the five stages as a module of torch with `out_channels`."""
    from torch import nn
    from torchvision.ops import FrozenBatchNorm2d

    def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, rectify: bool = True) -> Any:
        near, far = (kernel // 2 - (stride == 2), kernel // 2)
        return nn.Sequential(nn.ZeroPad2d((near, far, near, far)) if stride == 2 else nn.Identity(),
                             nn.Conv2d(inputs, outputs, kernel, stride, 0 if stride == 2 else far, groups=groups,
                                       bias=False),
                             FrozenBatchNorm2d(outputs, 1e-3), nn.ReLU6(inplace=True) if rectify else nn.Identity())

    class Residual(nn.Module):
        """Adds a block's input to its output."""

        def __init__(self, block: Any):
            super().__init__()
            self.block = block

        def forward(self, x: Any) -> Any:
            return x + self.block(x)

    def block(inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> Any:
        inner = inputs * expansion
        widen = [conv(inputs, inner, 1)] if expansion > 1 else []
        return nn.Sequential(*widen, conv(inner, inner, kernel, stride, inner), conv(inner, outputs, 1, rectify=False))

    parts, channels = [conv(3, 32, 3, 2)], 32
    for blocks, kernel, stride, expansion, outputs in STAGES:
        parts.append(nn.Sequential(block(channels, outputs, kernel, stride, expansion), *(
            Residual(block(outputs, outputs, kernel, 1, expansion)) for _ in range(blocks - 1))))
        channels = outputs
    for part in parts[:FIXED_PARTS]:
        part.requires_grad_(False)
    body = nn.Sequential(*parts)
    body.out_channels = channels
    return body


def make_step(images: int, height: int, width: int) -> Callable[[], None]:
    """Returns a function that makes one update on a batch of noise with two boxes an image."""
    import torch
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    net = FasterRCNN(build_body(), num_classes=2, min_size=min(height, width), max_size=max(height, width),
                     rpn_anchor_generator=AnchorGenerator(((32, 64, 128, 256, 512),), ((0.5, 1.0, 2.0),)),
                     box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2)).train()
    optimizer = torch.optim.SGD([parameter for parameter in net.parameters() if parameter.requires_grad], 1e-3, 0.9)
    corners = torch.tensor([[0.1, 0.1, 0.5, 0.8], [0.35, 0.25, 0.85, 0.7]])
    boxes = corners * torch.tensor([width, height, width, height])
    batch = [torch.rand(3, height, width) for _ in range(images)]
    targets = [{"boxes": boxes, "labels": torch.tensor([1, 1])} for _ in range(images)]

    def step() -> None:
        loss = sum(net(batch, targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def main(argv: Optional[List[str]] = None) -> None:
    """Prints the quartiles of the times of training steps, by the clock and of the processor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2, metavar="N", help="images a step (default: 2)")
    parser.add_argument("--size", type=int, nargs=2, default=(432, 576), metavar=("H", "W"), help="default: 432 576")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="steps to time (default: 10)")
    args = parser.parse_args(argv)
    step, times = make_step(args.images, *args.size), []
    for number in range(2 + args.steps):
        began = time.monotonic(), time.process_time()
        step()
        if number >= 2:
            times.append((time.monotonic() - began[0], time.process_time() - began[1]))
    for name, column in zip(("clock", "processor"), zip(*times)):
        low, middle, high = (sorted(column)[len(column) * quarter // 4] for quarter in (1, 2, 3))
        print(f"{name:9} ms a step: {1000 * middle:.0f} ({1000 * low:.0f} to {1000 * high:.0f}), "
              f"{args.images / middle:.2f} images/s")


if __name__ == "__main__":
    main()
