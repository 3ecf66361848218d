"""The benchmark of packed sets on a few images, and the figures of how random windows are."""
import json
import os
import sys

import pytest

from light_head_rcnn.data.cache import cache_folder, set_cache
from light_head_rcnn.experiments.benchmarks import packed_sets, shuffle_quality
from light_head_rcnn.experiments.commands import benchmark


def test_benchmark(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(packed_sets, "_empty_cache", lambda: False)
    out, folder = tmp_path / "numbers.json", str(tmp_path / "sets")
    assert benchmark.main(["packed", "--images", "60", "--boxes", "200", "--read", "20", "--loaded", "20", "--cases",
                           "pack", "--folder", folder, "--json", str(out)]) == 0
    row, = json.loads(out.read_text())["rows"]
    assert row["case"] == "pack" and row["number"] == 60 and row["seconds"] > 0 and row["peak"] > 1e7
    assert len(capsys.readouterr().out.splitlines()) == 2
    # The sets that are there are used, whatever is asked for.
    assert packed_sets.CASES["pack"].prepare(folder, packed_sets.Sizes(1000, 200, 20, 20))() == 60
    sizes = packed_sets.Sizes(60, 200, 20, 20)
    for name, number in (("load", 60), ("load_packed", 60), ("batches", 60)):
        assert number <= packed_sets.CASES[name].prepare(folder, sizes)() <= number + 2
    assert packed_sets.CASES["start_in_windows"].prepare(folder, sizes)() <= 60
    for name in ("files", "files_shuffled", "packed", "packed_windows", "packed_shuffled"):
        # Batches of windows are filled up.
        assert 20 <= packed_sets.CASES[name].prepare(folder, sizes)() <= 22
    assert len(os.listdir(os.path.join(folder, "files"))) == 20
    assert "emptied" not in packed_sets.format_row({**row, "cold": True})
    assert "could not be emptied" in packed_sets.format_row({**row, "cold": False})


def test_what_is_read_again_was_read_before(tmp_path, monkeypatch):
    def in_this_process(words, check):
        monkeypatch.setattr(sys, "argv", words[1:2] + words[3:])
        exec(words[2], {})

    monkeypatch.setattr(packed_sets.subprocess, "run", in_this_process)
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(set_cache, "LEAST_SECONDS", 0)
    monkeypatch.setattr(set_cache, "_settled", lambda *times: True)
    work = packed_sets.CASES["load_again"].prepare(str(tmp_path), packed_sets.Sizes(60, 200, 20, 20))
    monkeypatch.setattr(set_cache.CacheEntry, "store", lambda *args: pytest.fail("the cache did not have the set"))
    assert work() == 60


def test_windows_of_a_shuffled_set_are_random_and_those_of_a_sorted_one_are_not():
    rows = {row["order"]: row for row in shuffle_quality.measure(200_000, 40)}
    chi = {name: row["chi_square"] for name, row in rows.items()}
    assert chi["all images"] == pytest.approx(1, abs=0.1)
    assert chi["windows of 20000, packed in a random order"] == pytest.approx(1, abs=0.1)
    assert chi["windows of 20000, packed in the order of the classes"] > 3
