"""Counts the processors that this process may use: the physical cores, and what a container's quota leaves of them.

Linux only. Every function takes the paths that it reads as arguments, so that tests can give it stand-ins.
"""
import os
import posixpath
from typing import Iterable, Iterator, NamedTuple, Optional

# The list of processors that are threads of the same physical core as processor {}.
TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
# The control groups that this process belongs to, and where the kernel shows them as folders.
MEMBERSHIP, MOUNTS = "/proc/self/cgroup", "/proc/self/mountinfo"


def count_physical_cores(cpus: Iterable[int], topology: str = TOPOLOGY) -> int:
    """Counts the physical cores behind logical processors; two hardware threads of one core count once.

    Args:
        cpus: numbers of the logical processors, such as `os.sched_getaffinity(0)`.
        topology: path of the file that lists the threads of a core, with {} for the processor's number. A processor
            without such a file counts as a core of its own.

    Returns:
        The number of cores, at least 1.
    """
    cores = set()
    for cpu in cpus:
        siblings = _read(topology.format(cpu))
        cores.add(f"cpu {cpu}" if siblings is None else siblings)
    return max(len(cores), 1)


def read_cpu_quota(membership: str = MEMBERSHIP, mounts: str = MOUNTS) -> Optional[float]:
    """Reads how much processor time this process may use, as container systems limit it (`docker run --cpus 1.5`).

    The limit of a control group holds for all groups inside it, so the smallest limit of the process's own group and
    of all groups around it counts. Both versions of control groups are read: `cpu.max` of version 2, and
    `cpu.cfs_quota_us` over `cpu.cfs_period_us` of version 1.

    Args:
        membership: path of the file in the form of /proc/self/cgroup.
        mounts: path of the file in the form of /proc/self/mountinfo.

    Returns:
        Seconds of processor time a second, such as 1.5; None where nothing limits it.
    """
    quotas = []
    for mount in _cgroup_mounts(_read(mounts) or ""):
        for folder in _group_folders(mount, _read(membership) or ""):
            quotas.append(_version_2_quota(folder) if mount.version == 2 else _version_1_quota(folder))
    return min((quota for quota in quotas if quota is not None), default=None)


class _Mount(NamedTuple):
    """A folder `point` that shows the control groups from the group `root` on."""

    version: int
    root: str
    point: str


def _cgroup_mounts(mountinfo: str) -> Iterator[_Mount]:
    """Yields the mounts that show limits of processor time."""
    for line in mountinfo.splitlines():
        # ID PARENT DEVICE ROOT POINT OPTIONS [TAGS ...] - TYPE SOURCE OPTIONS
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or not kind:
            continue
        if kind[0] == "cgroup2":
            yield _Mount(2, fields[3], fields[4])
        elif kind[0] == "cgroup" and "cpu" in kind[-1].split(","):
            yield _Mount(1, fields[3], fields[4])


def _group_folders(mount: _Mount, membership: str) -> Iterator[str]:
    """Yields the folders of the process's own group and of the groups around it, as far as the mount shows them."""
    for line in membership.splitlines():
        # ID:CONTROLLERS:GROUP, without controllers for version 2
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not (controllers == "" if mount.version == 2 else "cpu" in controllers.split(",")):
            continue
        root = mount.root.rstrip("/")
        # A container may be told the group's name outside of it, of which the mount then shows nothing but the root.
        inside = (group + "/").startswith(root + "/") and ".." not in group.split("/")
        folder = posixpath.normpath(mount.point + (group[len(root):] if inside else ""))
        while len(folder) > len(mount.point):
            yield folder
            folder = posixpath.dirname(folder)
        yield mount.point


def _version_2_quota(folder: str) -> Optional[float]:
    words = (_read(os.path.join(folder, "cpu.max")) or "").split()
    return _ratio(*words) if len(words) == 2 else None


def _version_1_quota(folder: str) -> Optional[float]:
    quota, period = (_read(os.path.join(folder, f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
    return _ratio(quota, period) if quota and period else None


def _ratio(quota: str, period: str) -> Optional[float]:
    """Returns quota / period; None where the quota is "max" or -1, or either is not a positive number."""
    try:
        ratio = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
    return ratio if ratio > 0 else None


def _read(path: str) -> Optional[str]:
    """Returns the text of a file without white space around it; None where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def processor_entry(name: str, path: str = "/proc/cpuinfo") -> str:
    """Returns what Linux says of the processor under a name such as "model name"; nothing where it says nothing."""
    try:
        with open(path, encoding="utf-8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith(name)), "")
    except OSError:
        return ""
