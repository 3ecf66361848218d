"""The errors of this package: one base class, and one class for each kind of mistake that a user can mend.

Every message names the file, the entry, the configuration key or the argument, and says what to do. The commands
print such an error as one line and exit with status 2; any other exception is a defect of the program and keeps its
traceback.
"""

_LONGEST_LINE = 3000  # characters of a line of a message


class LightHeadError(Exception):
    """Base class of all errors that this package raises on purpose.

    A line of a message that quotes more of a file than anyone would read is shortened in its middle.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) <= _LONGEST_LINE:
            return text
        return "\n".join(line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE // 2]} [...] "
                         f"{line[-_LONGEST_LINE // 3:]}" for line in text.split("\n"))


class UsageError(LightHeadError, ValueError):
    """A command line or a call that cannot be carried out as it was given."""


class ConfigError(LightHeadError, ValueError):
    """A configuration that cannot be used; the message names the file (or the override) and the key."""


class DataError(LightHeadError, ValueError):
    """A broken or missing input file, or a broken entry in one.

    Args:
        message: names the file and the entry.
        kind: the kind of fault in a few words, such as "box outside"; summaries count faults by it.
    """

    def __init__(self, message: str, kind: str = "broken input"):
        super().__init__(message)
        self.kind = kind


class ModelError(LightHeadError, ValueError):
    """An unknown name of a model or a backbone, or an option that it does not have."""


class CheckpointError(LightHeadError, ValueError):
    """A checkpoint, a parameter file or an exported detector that cannot be read or does not fit the network."""


class StorageError(LightHeadError, OSError):
    """A file cannot be written: the disk or the quota is full, the folder is read-only or has gone."""


class TrainingError(LightHeadError, RuntimeError):
    """Training cannot start or go on."""


class LibraryError(LightHeadError, ImportError):
    """The native operator library is missing, stale, or does not suit the installed MXNet."""
