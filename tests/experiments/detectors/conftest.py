"""Made-up rows of the benchmark of detectors."""
import pytest

from light_head_rcnn.experiments.benchmarks.detectors.candidate import NETWORK, WHOLE


@pytest.fixture
def make_row():
    def make(name, size, engine, precision, rounds, gflop=10.0, parts=(WHOLE, NETWORK)):
        """A row whose parts took `rounds` milliseconds, one number a round."""
        timing = {"median": rounds[0], "low": min(rounds), "high": max(rounds), "rounds": list(rounds),
                  "images_per_second": 1000 / rounds[0]}
        return {"name": name, "size": size, "engine": engine, "precision": precision, "inside": "",
                "label": f"{name} {size} {engine} {precision}", "parts": {part: dict(timing) for part in parts},
                "work": {"gflop": gflop, "rois": 300, "candidates": 1000, "detections": 100}}

    return make
