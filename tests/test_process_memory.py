"""What was freed and is kept does not count, once it is given back."""
import ctypes
import platform

import pytest
from light_head_rcnn.process_memory import resident_megabytes, return_free_memory


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory in another way")
def test_memory_that_was_freed_is_given_back():
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return_free_memory()
    before = resident_megabytes()
    blocks = [library.malloc(2 ** 16) for _ in range(2048)]
    for block in blocks:
        ctypes.memset(block, 1, 2 ** 16)
    for block in blocks[:-1]:  # the last one keeps those before it from being given back
        library.free(block)
    assert resident_megabytes() > before + 100
    return_free_memory()
    assert resident_megabytes() < before + 20
    library.free(blocks[-1])
