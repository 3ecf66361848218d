"""The memory that a training's arrays free stays with its process."""
import os
import subprocess
import sys

import pytest

# Allocates 48 MB, touches it and frees it, ten times: the pages are asked of the system each time, or once.
_FAULTS = """
import ctypes, resource
from light_head_rcnn.engine.training.allocator import keep_freed_memory
if {keep}:
    print(keep_freed_memory())
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def use():
    block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(48 << 20)))
    ctypes.memset(block, 1, 48 << 20)
    libc.free(block)
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(keep, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment.pop("GLIBC_TUNABLES", None)
    return subprocess.run([sys.executable, "-c", _FAULTS.format(keep=keep)], env={**environment, **variables},
                          check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout.split()


def test_pages_are_asked_for_once():
    done, faults = run(True)
    assert done == "True" and int(faults) < 100
    assert int(run(False)[0]) > 1000


@pytest.mark.parametrize("variable", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_choice_of_the_user_stays(variable):
    value = {"MALLOC_ARENA_MAX": "4", "GLIBC_TUNABLES": "glibc.malloc.arena_max=4"}[variable]
    assert run(True, **{variable: value})[0] == "False"
