"""Changes contents of files at random: their bytes, the words and numbers of texts, and the values of JSON."""
import json
import random
import re
from typing import Any, List, Sequence

_NUMBERS = ("0", "-1", "1", "2147483647", "-2147483648", "4294967296", "1099511627776", "-1099511627776",
            "9223372036854775807", "18446744073709551616", "1e308", "-1e308", "1e-320", "nan", "NaN", "inf",
            "-Infinity", "9" * 400, "0x7fffffff", "1_000", "0.5", "00", "1e999", "-0", "True", "null", "None")
_WORDS = ("", " ", "..", "../../../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "/proc/self/mem",
          "a" * 4000, "a/" * 300, "\x1b[31m", "\x00", "\ufeff", "\u202e", "\\", "%00", "$\\frac{", "<b>", "CON",
          "&amp;", "|", "#", "http://[", "*a", "&a", "!!python/object/apply:os.system [id]", "{", "[", "}",
          "]", ":", "-", "\ud800")
_INTEGERS = (0, 1, 127, 128, 255, 256, 32767, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 63 - 1, 2 ** 63,
             2 ** 64 - 1)
_IN_TEXT = re.compile(r"-?\d+\.?\d*|[A-Za-z_./]+")


def mutate(seed: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Returns contents made of a seed by one to six changes."""
    text = _as_text(seed)
    changes = 1 + min(int(rng.expovariate(1)), 5)
    if text is not None and rng.random() < 0.5:
        content = _as_json(text)
        if content is not None and rng.random() < 0.7:
            for _ in range(changes):
                content = _change_value(content, rng)
            try:
                return json.dumps(content).encode()
            except (ValueError, RecursionError):
                return seed
        for _ in range(changes):
            text = _change_text(text, rng)
        return text.encode("utf-8", "surrogatepass")
    data = bytearray(seed)
    for _ in range(changes):
        data = _change_bytes(data, others, rng)
    return bytes(data)


def _as_text(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def hostile_value(rng: random.Random) -> Any:
    """Returns a value of JSON that a reader may not expect."""
    deep: Any = 1
    for _ in range(rng.choice((1, 5, 300))):
        deep = [deep] if rng.random() < 0.5 else {"a": deep}
    return rng.choice((
        None, True, False, 0, -1, 2 ** 31, 2 ** 40, -2 ** 40, 2 ** 63, 10 ** 350, 1e308, -1e308, 0.5, float("nan"),
        float("inf"), "", [], {}, [[]], [1], [1, 2, 3], ["a"], {"a": 1}, deep, rng.choice(_WORDS),
        rng.choice(_NUMBERS)))


def _change_value(content: Any, rng: random.Random) -> Any:
    """Changes one value at a random place of a tree, in place where it can."""
    places: List[Any] = []
    todo = [content]
    while todo and len(places) < 3000:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        places += [(one, key) for key in keys]
        todo += [one[key] for key in keys]
    if not places or rng.random() < 0.03:
        return hostile_value(rng)
    holder, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.15:
        del holder[key]
    elif kind < 0.25 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif kind < 0.35:
        holder[key] = rng.choice(places)[0]
        if _is_endless(content):
            holder[key] = None
    elif kind < 0.4 and isinstance(holder, dict):
        holder[rng.choice(_WORDS)] = holder.pop(key)
    elif kind < 0.6 and isinstance(holder[key], str):
        holder[key] = _change_text(holder[key], rng)
    else:
        holder[key] = hostile_value(rng)
    return content


def _is_endless(content: Any) -> bool:
    try:
        return len(json.dumps(content)) > 2_000_000
    except (ValueError, RecursionError):
        return True


def _change_text(text: str, rng: random.Random) -> str:
    matches = list(_IN_TEXT.finditer(text[:200_000]))
    kind = rng.random()
    if not matches or kind < 0.1:
        place = rng.randrange(len(text) + 1)
        return text[:place] + rng.choice(_WORDS + _NUMBERS) + text[place:]
    if kind < 0.2:
        lines = text.split("\n")
        line = rng.randrange(len(lines))
        lines[line:line + 1] = rng.choice(([], [lines[line]] * 2, ["  " + lines[line]], [lines[line]] * 50))
        return "\n".join(lines)
    match = rng.choice(matches)
    is_number = match.group()[-1].isdigit()
    if kind < 0.3:
        other = rng.choice(matches).group()
    else:
        other = rng.choice(_NUMBERS if is_number == (rng.random() < 0.8) else _WORDS)
    return text[:match.start()] + other + text[match.end():]


def _change_bytes(data: bytearray, others: Sequence[bytes], rng: random.Random) -> bytearray:
    place = rng.randrange(len(data) + 1)
    kind = rng.randrange(9)
    if kind == 0 and data:
        place = min(place, len(data) - 1)
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[min(place, len(data) - 1)] = rng.randrange(256)
    elif kind == 2:
        del data[place:place + rng.choice((1, 4, 16, len(data)))]
    elif kind == 3:
        data[place:place] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4, 16))))
    elif kind in (4, 5):
        size = rng.choice((1, 2, 4, 8))
        number = rng.choice(_INTEGERS) % (1 << 8 * size)
        data[place:place + size] = number.to_bytes(size, rng.choice(("little", "big")))
    elif kind == 6:
        del data[place:]
    elif kind == 7:
        other = rng.choice(others)
        start = rng.randrange(len(other) + 1)
        data[place:place + rng.choice((0, 8, 64))] = other[start:start + rng.choice((8, 64, 512))]
    else:
        start = rng.randrange(len(data) + 1)
        data[place:place] = data[start:start + rng.choice((4, 32, 256))]
    return data
