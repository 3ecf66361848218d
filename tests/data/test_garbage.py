"""Reading without looks for garbage: Python goes on as before, and does not look at all that was read at once."""
import gc
import weakref

import pytest
from light_head_rcnn.data.garbage import no_looks_for_garbage


class Node:
    pass


def make_ring():
    """Two objects that point to each other, which only a look for garbage removes; returns a weak reference."""
    one, other = Node(), Node()
    one.other, other.other = other, one
    return weakref.ref(one)


def test_python_looks_again_afterwards():
    assert gc.isenabled()
    with pytest.raises(ValueError):
        with no_looks_for_garbage(), no_looks_for_garbage():
            assert not gc.isenabled()
            raise ValueError
    assert gc.isenabled()


def test_it_stays_off_where_it_was_off():
    gc.disable()
    try:
        with no_looks_for_garbage():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_garbage_of_reading_is_found_later():
    with no_looks_for_garbage():
        ring = make_ring()
    assert ring() is not None
    gc.collect()
    assert ring() is None


def test_what_was_made_is_not_looked_at_at_once():
    looks = []
    gc.callbacks.append(lambda phase, info: looks.append(info["generation"]))
    try:
        with no_looks_for_garbage():
            kept = [[] for _ in range(10000)]
        again = [[] for _ in range(100)]
    finally:
        gc.callbacks.pop()
    assert not looks and len(kept) + len(again) == 10100


def test_what_a_program_has_frozen_stays_frozen():
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with no_looks_for_garbage():
            pass
        assert gc.get_freeze_count() == count
    finally:
        gc.unfreeze()
