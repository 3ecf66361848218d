"""Counting the processors that this process may use, on files like those of Linux."""
import os

import pytest

from light_head_rcnn import cores


def test_two_threads_of_a_core_count_once(tmp_path):
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        (tmp_path / str(cpu)).write_text(siblings + "\n")
    topology = str(tmp_path / "{}")
    assert cores.count_physical_cores({0, 1, 2, 3}, topology) == 2
    assert cores.count_physical_cores({0, 2}, topology) == 1


def test_processors_without_topology_count_each(tmp_path):
    (tmp_path / "0").write_text("0-1\n")
    assert cores.count_physical_cores({0, 5, 7}, str(tmp_path / "{}")) == 3
    assert cores.count_physical_cores([], str(tmp_path / "{}")) == 1


def test_of_this_machine():
    assert 1 <= cores.count_physical_cores(os.sched_getaffinity(0)) <= len(os.sched_getaffinity(0))
    quota = cores.read_cpu_quota()
    assert quota is None or quota > 0


@pytest.fixture
def machine(tmp_path):
    """Function that writes the two files of /proc and control group folders, and returns the quota read from them.

    Args: mounts, (root, sub-folder where it is mounted, type, options) each; membership, its lines; files, contents by
    path.
    """
    def quota(mounts, membership, files):
        lines = ["22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw", "not a line of a mount"]
        lines += [f"30 22 0:27 {root} {tmp_path}/{point} rw,nosuid - {kind} none {options}"
                  for root, point, kind, options in mounts]
        (tmp_path / "mountinfo").write_text("\n".join(lines) + "\n")
        (tmp_path / "cgroup").write_text("\n".join(membership) + "\n")
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content + "\n")
        return cores.read_cpu_quota(str(tmp_path / "cgroup"), str(tmp_path / "mountinfo"))
    return quota


VERSION_2 = [("/", "unified", "cgroup2", "rw,nsdelegate")]
VERSION_1 = [("/", "cpu", "cgroup", "rw,cpu,cpuacct"), ("/", "memory", "cgroup", "rw,memory")]


@pytest.mark.parametrize("files, expected", [
    ({"unified/cpu.max": "150000 100000"}, 1.5),
    ({"unified/cpu.max": "max 100000"}, None),
    ({"unified/cpu.max": "max 100000", "unified/pod/cpu.max": "300000 100000",
      "unified/pod/app/cpu.max": "50000 20000"}, 2.5),
    ({"unified/pod/cpu.max": "100000 100000", "unified/pod/app/cpu.max": "800000 100000"}, 1.0),  # the one around it
    ({"unified/pod/app/cpu.max": "0.5"}, None),
    ({"unified/pod/app/other/cpu.max": "10000 100000", "unified/other/cpu.max": "10000 100000"}, None),
    ({}, None),
])
def test_quota_of_version_2(machine, files, expected):
    assert machine(VERSION_2, ["0::/pod/app"], files) == expected


@pytest.mark.parametrize("quota, period, expected", [("250000", "100000", 2.5), ("-1", "100000", None),
                                                     ("250000", "0", None), ("", "100000", None)])
def test_quota_of_version_1(machine, quota, period, expected):
    files = {"cpu/job/cpu.cfs_quota_us": quota, "cpu/job/cpu.cfs_period_us": period,
             "memory/job/cpu.cfs_quota_us": "1000", "memory/job/cpu.cfs_period_us": "100000",
             "cpu/other/cpu.cfs_quota_us": "1000", "cpu/other/cpu.cfs_period_us": "100000"}
    assert machine(VERSION_1, ["5:memory:/other", "4:cpu,cpuacct:/job", "0::/"], files) == expected


def test_group_named_as_outside_of_the_container(machine):
    # Docker without a namespace of control groups: the mount shows the container's group as its root.
    mounts = [("/docker/abc", "cpu", "cgroup", "rw,cpu,cpuacct")]
    files = {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000",
             "cpu/sub/cpu.cfs_quota_us": "100000", "cpu/sub/cpu.cfs_period_us": "100000",
             "cpudef/cpu.cfs_quota_us": "50000", "cpudef/cpu.cfs_period_us": "100000"}  # no part of the mount
    assert machine(mounts, ["4:cpu,cpuacct:/docker/abc"], files) == 2.0
    assert machine(mounts, ["4:cpu,cpuacct:/docker/abc/sub"], files) == 1.0
    assert machine(mounts, ["4:cpu,cpuacct:/docker/abcdef"], files) == 2.0
    assert machine(mounts, ["4:cpu,cpuacct:/somewhere/else"], files) == 2.0


def test_group_above_the_namespace(machine):
    files = {"unified/cpu.max": "400000 100000", "another group/cpu.max": "100000 100000"}
    assert machine(VERSION_2, ["0::/../another group"], files) == 4.0


def test_both_versions_side_by_side(machine):
    files = {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000", "unified/cpu.max": "200000 100000"}
    assert machine(VERSION_1 + VERSION_2, ["4:cpu,cpuacct:/", "0::/"], files) == 2.0


def test_no_proc_at_all(tmp_path):
    assert cores.read_cpu_quota(str(tmp_path / "none"), str(tmp_path / "none")) is None


def test_what_linux_says_of_the_processor(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some: Processor\nmodel name\t: another\n")
    assert cores.processor_entry("model name", tmp_path / "cpuinfo") == "Some: Processor"
    assert cores.processor_entry("flags", tmp_path / "cpuinfo") == cores.processor_entry("flags", tmp_path / "no") == ""
