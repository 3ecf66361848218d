"""Refuses XML that declares a document type: entities, with which a short file can fill the memory, stand there."""
from typing import Any, Iterable
from xml.parsers import expat


class _Found(Exception):
    """Ends the parsing once the answer is known."""


def reject_document_type(parts: Iterable[bytes]) -> None:
    """Raises ValueError where XML declares a document type (<!DOCTYPE ...>), which no tool for annotations writes.

    Only what stands before the first element is parsed; other faults are left to the parser of the whole.

    Args:
        parts: the content of the file, in one piece or several.
    """
    answer = []

    def stop(*_: Any) -> None:
        raise _Found

    def refuse(*_: Any) -> None:
        answer.append(True)
        raise _Found

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = stop, refuse
    try:
        for part in parts:
            parser.Parse(part, False)
    except (_Found, expat.ExpatError, ValueError, LookupError):
        pass
    if answer:
        raise ValueError("it declares a document type (DOCTYPE), by which entities can be defined, and is not read; "
                         "remove that declaration")
