"""The kinds of values that configuration keys take: what is accepted, what it becomes, and the bounds of numbers."""
import yaml


def coerce(value, kind, argument=None, from_text=False):
    """`value` as `kind`; see `defaults.KINDS`.

    Sequences become tuples, whole numbers become floats where floats are wanted. With `from_text` a text is read first
    as YAML reads it, and sequences may be written `[a, b]`, `(a, b)` or `a,b`.

    Raises ValueError whose text says what is wanted.
    """
    try:
        if from_text and isinstance(value, str):
            value = _parse(kind, value)
        return _COERCE[kind](value, argument)
    except (TypeError, ValueError, yaml.YAMLError):
        raise ValueError(_WANTED[kind](argument)) from None


def check_bounds(key, value):
    """`value`, of the right kind, if each of its numbers lies in the bounds of the configuration key `key`.

    Raises ValueError whose text says what is wanted.
    """
    low, high, low_too = _BOUNDS.get(key, (None, None, True))
    for number in value if isinstance(value, tuple) else (value,):
        if low is not None and not (number >= low if low_too else number > low) or high is not None and number > high:
            raise ValueError(_interval(low, high, low_too))
    return value


def _interval(low, high, low_too):
    if high is None:
        return f"at least {low}" if low_too else f"above {low}"
    return f"from {low} to {high}" if low_too else f"above {low} and at most {high}"


def numbers_of(text):
    """The floats in a text with commas between them; none in an empty one."""
    return tuple(float(part) for part in text.split(",")) if text.strip() else ()


def _parse(kind, text):
    """The value that a text on the command line stands for."""
    if kind in ("str", "word", "ids", "epochs"):
        return text
    if kind in ("int", "float", "bool", "bool or word"):
        return yaml.safe_load(text)
    text = text.replace("(", "[").replace(")", "]")
    for form in (text, "[" + text + "]"):
        try:
            value = yaml.safe_load(form)
        except yaml.YAMLError:
            continue
        if isinstance(value, list) or (kind == "int or ints" and _is_int(value)):
            return value
    return text


def _need(condition):
    if not condition:
        raise ValueError


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _bool(value, _=None):
    _need(isinstance(value, bool))
    return value


def _int(value, _=None):
    _need(_is_int(value))
    return value


def _float(value, _=None):
    # YAML 1.1 reads 5e-4, without a point, as text.
    _need(not isinstance(value, bool) and isinstance(value, (int, float, str)))
    value = float(value)
    _need(value - value == 0)
    return value


def _number(value):
    return value if _is_int(value) else _float(value)


def _str(value, _=None):
    _need(isinstance(value, str))
    return value


def _sequence(of, value, length=0):
    _need(isinstance(value, (list, tuple)) and (not length or len(value) == length))
    return tuple(of(item) for item in value)


def _one_or_more(of, value):
    _need(len(value))
    return _sequence(of, value)


def _pair(value):
    short, long = _sequence(_int, value, 2)
    _need(0 < short <= long)
    return short, long


def _pairs(value, _=None):
    if isinstance(value, (list, tuple)) and value and _is_int(value[0]):
        value = [value]
    return _sequence(_pair, value)


def _pair_or_pairs(value, _=None):
    pairs = _pairs(value)
    _need(pairs)
    return pairs[0] if len(pairs) == 1 else pairs


def _word(value, allowed):
    _need(value in allowed)
    return value


def _bool_or_word(value, allowed):
    _need(isinstance(value, bool) or value in allowed)
    return value


def _listed(value):
    if isinstance(value, (list, tuple)):
        return ",".join(str(_number(item)) for item in value)
    return value if isinstance(value, str) else str(_number(value))


def _ids(value, _=None):
    value = _listed(value)
    _need(all(part.strip().isdecimal() for part in value.split(",")))
    return value


def _epochs(value, _=None):
    value = _listed(value)
    numbers = numbers_of(value)
    _need(all(number >= 0 for number in numbers) and list(numbers) == sorted(set(numbers)))
    return value


_COERCE = {
    "bool": _bool, "int": _int, "float": _float, "str": _str, "word": _word, "bool or word": _bool_or_word,
    "ids": _ids, "epochs": _epochs, "pair or pairs": _pair_or_pairs,
    "pairs": _pairs,
    "floats": lambda value, length: _sequence(_float, value, length),
    "words": lambda value, length: _sequence(_str, value, length),
    "numbers": lambda value, _: _one_or_more(_number, value),
    "int or ints": lambda value, _: _int(value) if _is_int(value) else _one_or_more(_int, value),
}
_WANTED = {
    "bool": lambda _: "true or false",
    "int": lambda _: "a whole number",
    "float": lambda _: "a number",
    "str": lambda _: "text",
    "word": lambda allowed: "one of " + ", ".join(allowed),
    "bool or word": lambda allowed: "true, false or " + ", ".join(allowed),
    "ids": lambda _: "device numbers with commas between, such as '0,1'",
    "epochs": lambda _: "rising numbers with commas between, such as '4,5.333'",
    "pair or pairs": lambda _: "[shorter edge, bound on the longer edge] in whole pixels, or a list of such pairs",
    "pairs": lambda _: "a list of [shorter edge, bound on the longer edge] in whole pixels",
    "floats": lambda length: f"{length} numbers",
    "words": lambda _: "a list of names",
    "numbers": lambda _: "a list of numbers",
    "int or ints": lambda _: "a whole number, or one for each level",
}

_NOT_NEGATIVE, _POSITIVE, _ONE_OR_MORE = (0, None, True), (0, None, False), (1, None, True)
_SHARE = (0, 1, True)
# key -> (lowest, highest or None, whether the lowest itself is allowed), for each number of a sequence
_BOUNDS = {
    "seed": _NOT_NEGATIVE,
    "default.frequent": _ONE_OR_MORE,
    "network.PIXEL_STDS": _POSITIVE,
    "network.IMAGE_STRIDE": _NOT_NEGATIVE,
    "network.ANCHOR_RATIOS": _POSITIVE,
    "network.ANCHOR_SCALES": _POSITIVE,
    "network.HIDDEN_UNITS": _NOT_NEGATIVE,
    "network.FPN_CANONICAL_SIDE": _ONE_OR_MORE,
    "dataset.NUM_CLASSES": _NOT_NEGATIVE,
    "TRAIN.lr": _POSITIVE,
    "TRAIN.lr_factor": (0, 1, False),
    "TRAIN.warmup_lr": _NOT_NEGATIVE,
    "TRAIN.warmup_step": _NOT_NEGATIVE,
    "TRAIN.momentum": _NOT_NEGATIVE,
    "TRAIN.wd": _NOT_NEGATIVE,
    "TRAIN.LIGHT_HEAD_LR_MULT": _NOT_NEGATIVE,
    "TRAIN.CLIP_GRADIENT": _NOT_NEGATIVE,
    "TRAIN.begin_epoch": _NOT_NEGATIVE,
    "TRAIN.end_epoch": _NOT_NEGATIVE,
    "TRAIN.BATCH_IMAGES": _ONE_OR_MORE,
    "TRAIN.NUM_WORKERS": _NOT_NEGATIVE,
    "TRAIN.TEST_EVERY": _NOT_NEGATIVE,
    "TRAIN.CHECKPOINT_STEPS": _NOT_NEGATIVE,
    "TRAIN.BATCH_ROIS_OHEM": _ONE_OR_MORE,
    "TRAIN.FG_FRACTION": _SHARE,
    "TRAIN.FG_THRESH": _SHARE,
    "TRAIN.BG_THRESH_HI": _SHARE,
    "TRAIN.BG_THRESH_LO": _SHARE,
    "TRAIN.BBOX_REGRESSION_THRESH": _SHARE,
    "TRAIN.BBOX_LOSS_WEIGHT": _NOT_NEGATIVE,
    "TRAIN.BBOX_STDS": _POSITIVE,
    "TRAIN.RPN_BATCH_SIZE": _ONE_OR_MORE,
    "TRAIN.RPN_FG_FRACTION": _SHARE,
    "TRAIN.RPN_POSITIVE_OVERLAP": _SHARE,
    "TRAIN.RPN_NEGATIVE_OVERLAP": _SHARE,
    "TRAIN.RPN_NMS_THRESH": _SHARE,
    "TRAIN.RPN_PRE_NMS_TOP_N": _ONE_OR_MORE,
    "TRAIN.RPN_POST_NMS_TOP_N": _ONE_OR_MORE,
    "TRAIN.RPN_MIN_SIZE": _NOT_NEGATIVE,
    "TEST.BATCH_IMAGES": _ONE_OR_MORE,
    "TEST.RPN_NMS_THRESH": _SHARE,
    "TEST.RPN_PRE_NMS_TOP_N": _ONE_OR_MORE,
    "TEST.RPN_POST_NMS_TOP_N": _ONE_OR_MORE,
    "TEST.RPN_MIN_SIZE": _NOT_NEGATIVE,
    "TEST.PROPOSAL_NMS_THRESH": _SHARE,
    "TEST.NMS": _SHARE,
    "TEST.THRESH": _SHARE,
    "TEST.SOFTNMS_THRESH": _POSITIVE,
    "TEST.max_per_image": _ONE_OR_MORE,
}
