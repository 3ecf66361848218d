"""The simulation of gradients on their way, where the answer can be worked out by hand."""
import sys

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.benchmarks import scaling
from light_head_rcnn.experiments.benchmarks.scaling import Job, Network, simulate
from light_head_rcnn.experiments.commands import benchmark_scaling

JOB = Job(0.3, [1000] * 4)


@pytest.fixture(autouse=True)
def no_latency(monkeypatch):
    monkeypatch.setattr(scaling, "LATENCY", 0)
    monkeypatch.setattr(scaling, "SUM_RATE", 1e30)


def test_fast_lines_cost_nothing():
    for way in scaling.WAYS:
        for overlap in (True, False):
            assert simulate(JOB, Network(way, 8, 8, 1e12, overlap)) == pytest.approx(0.3)


@pytest.mark.parametrize("workers, servers, crowd", [(2, 1, 2), (8, 8, 1), (8, 2, 4), (2, 4, 1)])
def test_a_parameter_server_without_overlap(workers, servers, crowd):
    """Four gradients of a second each go in; the sum of one comes back while the next goes in."""
    seconds = simulate(JOB, Network("parameter server", workers, servers, 1000, overlap=False))
    assert seconds == pytest.approx(0.3 + 5 * crowd)


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_a_ring_without_overlap(workers):
    seconds = simulate(JOB, Network("ring", workers, 0, 1000, overlap=False))
    assert seconds == pytest.approx(0.3 + 2 * (workers - 1) / workers * 4)


def test_overlap_hides_all_but_what_follows_the_last_gradient():
    """Gradients are ready at 0.15, 0.2, 0.25 and 0.3 s; each takes 0.04 s in and 0.04 s back."""
    network = Network("parameter server", 4, 4, 25000)
    assert simulate(JOB, network) == pytest.approx(0.3 + 2 * 0.04)
    # In a ring of two, each takes 0.01 s.
    assert simulate(JOB, Network("ring", 2, 0, 100000)) == pytest.approx(0.3 + 0.01)


def test_the_latency_of_a_ring_grows_with_its_length(monkeypatch):
    monkeypatch.setattr(scaling, "LATENCY", 0.001)
    seconds = simulate(JOB, Network("ring", 64, 0, 1e12, overlap=False))
    assert seconds == pytest.approx(0.3 + 2 * 63 * 0.001)


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scaling, "gradient_arrays", lambda name: [4000000] * 3)
    path = tmp_path / "scaling.json"
    assert benchmark_scaling.main(["--step", "s=0.5", "--workers", "2", "--gigabits", "1", "10",
                                   "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "s=0.5: 3 gradients, 12.0 MB" in printed and "| s=0.5 | ring | 2 | " in printed and path.is_file()


@pytest.mark.parametrize("words, message", [
    ([], "name a step"), (["--step", "s"], "must be CFG=SECONDS"), (["--step", "s=-1"], "more than 0 seconds"),
    (["--step", "s=1", "--workers", "0"], "numbers from 1 on")])
def test_mistakes(monkeypatch, words, message):
    monkeypatch.setattr(scaling, "gradient_arrays", lambda name: [4])
    with pytest.raises(UsageError, match=message):
        benchmark_scaling.main(words)


@pytest.mark.parametrize("program, message", [
    ("sys.exit('error: there is no data set')", r"\(alone\) ended with status 1: error: there is no data set$"),
    ("open(sys.argv[sys.argv.index('--out') + 1] + '/losses.jsonl', 'w').write('{\"step\": 1, \"loss\": 2}\\n' * 5)",
     "has 5 steps, of which the first 10 are not counted")])
def test_trainings_that_cannot_be_measured(monkeypatch, program, message):
    monkeypatch.setattr(scaling, "_COMMAND", [sys.executable, "-c", "import sys; " + program])
    with pytest.raises(UsageError, match="--measure shapes_s: the training " + message):
        scaling.measure("shapes_s", [], skip=10)


def test_gradients_of_a_bundled_configuration():
    """The last layer's first; what is fixed sends nothing."""
    sizes = scaling.gradient_arrays("shapes_s")
    assert len(sizes) > 60 and 10e6 < sum(sizes) < 25e6 and all(size % 4 == 0 for size in sizes)
