"""A short form of the fuzzer: each door gets sound contents and a few that are changed at random."""
import random
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from judging import judge  # noqa: E402
from mutation import mutate  # noqa: E402
from target import load_target, target_names  # noqa: E402

_SECONDS = 100  # the machine may have other work
# Those that take more than a few milliseconds for a content, and those that need packages that may be missing.
SLOW = ("exported_meta", "exported_graph", "exported_params", "other_images", "tiff", "study")
NEEDS = {"onnx_model": "onnx", "onnx_meta": "onnx", "proposals_mat": "scipy", "safetensors": "safetensors"}


@pytest.mark.parametrize("name", [name for name in target_names() if name not in SLOW])
def test_changed_contents(name, tmp_path_factory):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    target, folder = load_target(name), Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    target.prepare(folder)
    seeds = target.seeds()
    assert [judge(target, folder, seed, _SECONDS) for seed in seeds] == [None] * len(seeds)

    @settings(max_examples=12, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2 ** 32), st.sampled_from(seeds))
    def run(number, seed):
        finding = judge(target, folder, mutate(seed, seeds, random.Random(number)), _SECONDS)
        assert finding is None, f"{finding.name}: {finding.story}"

    run()
