"""The kinds of faults that data sets have, and what is done about each: one table for all layouts."""
from collections import Counter
from typing import Any, Dict, List, Mapping, NamedTuple, Set, Tuple, Union

from ...errors import DataError, UsageError

# What can be done about a fault. The meaning of each, for messages and documentation.
ACTIONS = {
    "clip": "the box is cut at the edges of its image",
    "keep": "it is used all the same",
    "scale": "its boxes are scaled from the size that is stated to that of the file",
    "ignore": "the object stays, but counts neither in training nor in evaluation",
    "drop": "it is left out; training draws no background from the place of a box that is left out, nor from an image "
            "in which that place is not known",
    "error": "reading stops with an error that names it",
}
EXAMPLES = 3  # how many messages of each kind are kept
# By a word for all kinds, or by kind: {"box_inverted": "error"}.
OnError = Union[str, Mapping[str, str]]


class FaultKind(NamedTuple):
    """A kind of fault.

    Attributes:
        meaning: what is wrong, in a few words.
        actions: what can be done about it, see `ACTIONS`; the first is the default.
    """

    meaning: str
    actions: Tuple[str, ...]


KINDS: Dict[str, FaultKind] = {
    "box_over_edge": FaultKind("a box reaches over the edge of its image", ("clip", "drop", "ignore", "error")),
    "box_outside": FaultKind("a box lies outside its image", ("drop", "error")),
    "box_inverted": FaultKind("a box ends before it begins", ("drop", "ignore", "error")),
    "box_not_numbers": FaultKind("a box is not four finite numbers", ("drop", "error")),
    "no_box": FaultKind("an annotation is no box: a point, a line, or numbers in another unit", ("drop", "error")),
    "boxes_of_another_format": FaultKind(
        "the boxes of a set are fractions or corners where the layout has other numbers", ("error", "keep")),
    "annotation_broken": FaultKind("an annotation lacks what it must have", ("drop", "error")),
    "annotation_of_no_image": FaultKind("an annotation belongs to no image", ("drop", "error")),
    "class_unknown": FaultKind("an annotation has no class, or one that is not declared", ("drop", "error")),
    "value_not_understood": FaultKind("crowd, difficult or area is neither a number nor yes or no",
                                      ("ignore", "drop", "error")),
    "image_entry_broken": FaultKind("the entry of an image lacks what it must have", ("drop", "error")),
    "image_missing": FaultKind("an image is named but there is no such file", ("drop", "error")),
    "image_ambiguous": FaultKind("two files fit the name of an image", ("error", "drop")),
    "image_listed_twice": FaultKind("an image is listed twice: keeping joins the entries, dropping leaves out what "
                                    "only later ones have", ("keep", "drop", "error")),
    "image_id_twice": FaultKind("two images have one id, so that boxes cannot be told apart", ("error", "drop")),
    "image_without_entry": FaultKind("an image file has no annotations, not even empty ones", ("drop", "error")),
    "image_unreadable": FaultKind("an image file cannot be read", ("drop", "error")),
    "image_too_large": FaultKind("an image has more pixels than the limit", ("drop", "error")),
    "image_truncated": FaultKind("an image file is cut off; the rest of it is blank", ("keep", "drop", "error")),
    "size_differs": FaultKind("the annotation states another size than the image file has",
                              ("keep", "scale", "drop", "error")),
    "orientation_undecided": FaultKind("nothing says whether an image was labelled before or after it was turned; it "
                                       "is taken as viewers show it", ("keep", "drop", "error")),
}
# Kinds of faults of image files that are there.
UNREADABLE_IMAGES = ("image_unreadable", "image_too_large", "image_truncated")


class FaultPolicy:
    """What is done about each kind of fault.

    Args:
        on_error: "default"; "raise", by which every kind that would leave something out is an error; "skip", by which
            every kind that would be an error leaves it out; or a mapping from kinds to actions, in which kinds that it
            does not name have their defaults.

    Raises:
        UsageError: another word, an unknown kind, or an action that the kind does not have.
    """

    def __init__(self, on_error: OnError = "default"):
        self._actions = {name: kind.actions[0] for name, kind in KINDS.items()}
        if isinstance(on_error, Mapping):
            for name, action in on_error.items():
                if name not in KINDS:
                    raise UsageError(f"on_error: there is no kind of fault {name!r}; kinds: {', '.join(KINDS)}")
                if action not in KINDS[name].actions:
                    raise UsageError(f"on_error: {name} cannot be {action!r}; it can be "
                                     + ", ".join(KINDS[name].actions))
                self._actions[name] = action
        elif on_error in ("raise", "skip"):
            unwanted, wanted = ("drop", "error") if on_error == "raise" else ("error", "drop")
            for name, action in self._actions.items():
                if action == unwanted or (on_error == "raise" and action == "ignore"):
                    actions = KINDS[name].actions
                    self._actions[name] = wanted if wanted in actions else actions[-1]
        elif on_error != "default":
            raise UsageError(f'on_error is {on_error!r}; it must be "default", "raise", "skip", or a mapping from '
                             "kinds of faults to what is done about each")

    def action(self, kind: str) -> str:
        """Returns one of `ACTIONS`; a kind that a reader of one's own made up is dropped, or an error with "raise"."""
        return self._actions.get(kind, self._actions["annotation_broken"])

    def as_json(self) -> Dict[str, str]:
        """Returns the action of each kind of `KINDS`."""
        return dict(self._actions)


class FaultLog:
    """Carries out a policy: counts the faults of each kind, keeps their first messages, and stops at errors.

    Attributes:
        counts: number of faults by kind.
        examples: the first `EXAMPLES` messages by kind.
    """

    def __init__(self, policy: FaultPolicy):
        self.policy = policy
        self.counts: Counter = Counter()
        self.examples: Dict[str, List[str]] = {}
        self._reported_once: Set[Tuple[str, str]] = set()

    def report(self, kind: str, message: str) -> str:
        """Notes a fault.

        Args:
            kind: one of `KINDS`, or that of a reader of one's own.
            message: names the file, the entry and what is wrong.

        Returns:
            What to do about it, one of `ACTIONS` but "error".

        Raises:
            DataError: the policy makes an error of this kind.
        """
        action = self.policy.action(kind)
        if action == "error":
            raise DataError(f"{message} (to go on all the same: dataset.ON_ERROR={{{kind}: "
                            f"{_way_on(kind)}}}, in a program on_error={{{kind!r}: {_way_on(kind)!r}}})", kind)
        self.counts[kind] += 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(message)
        return action

    def report_once(self, kind: str, message: str) -> None:
        """Notes a fault that is met again and again, such as an image that every test reads: it is counted once.

        Args:
            kind, message: see `report`. The same message of the same kind is the same fault.

        Raises:
            DataError: the policy makes an error of this kind.
        """
        if (kind, message) not in self._reported_once:
            self.report(kind, message)
            self._reported_once.add((kind, message))

    @property
    def left_out(self) -> int:
        """Number of entries that were left out."""
        return sum(count for kind, count in self.counts.items() if self.policy.action(kind) == "drop")

    @property
    def unreadable_images(self) -> int:
        """Number of images that are there, but were left out because their files cannot be read."""
        return sum(self.counts[kind] for kind in UNREADABLE_IMAGES if self.policy.action(kind) == "drop")

    def as_json(self) -> Dict[str, Dict[str, Any]]:
        """Returns {kind: {"count", "action", "meaning", "examples"}}, in the order of `KINDS`."""
        order = [*KINDS, *sorted(set(self.counts) - set(KINDS))]
        return {kind: {"count": self.counts[kind], "action": self.policy.action(kind),
                       "meaning": KINDS[kind].meaning if kind in KINDS else kind, "examples": self.examples[kind]}
                for kind in order if self.counts[kind]}

    def table(self) -> str:
        """Returns a table of what was found and what was done about it, with examples; empty if there is nothing."""
        rows = self.as_json()
        width = max(map(len, rows), default=0)
        lines = []
        for kind, row in rows.items():
            lines.append(f"  {kind:<{width}}  {row['count']:>7}  {row['action']:<6}  {row['meaning']}")
            lines += [f"      {message}" for message in row["examples"]]
        return "\n".join(lines)


def _way_on(kind: str) -> str:
    return next((action for action in KINDS[kind].actions if action != "error"), "drop") if kind in KINDS else "drop"
