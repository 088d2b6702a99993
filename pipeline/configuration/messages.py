"""What is wrong with conf/, as one line: the key, what must stand there, and what does."""

from __future__ import annotations

import re

from pydantic import ValidationError

UNION = re.compile(r"constrained-\w+|tuple\[.*\]")  # pydantic names the branch it tried
WORDING = {
    "a valid ": "a ",
    "an object": "a group of keys",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "a boolean": "true or false",
    "a integer": "a whole number",
    "a tuple": "a list",
    "match pattern '^(cpu|gpu:\\d+)$'": "be cpu or gpu:N",
}
MOST_SHOWN = 80  # characters of a key or a value in a message


class Invalid(Exception):
    """A key's value is not valid; `problem` follows the key in a sentence."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{brief(key)} {problem}")
        self.key = key
        self.problem = problem


def brief(text: str) -> str:
    """Return text as a message shows it: printable, and without its middle where it is long."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    if len(shown) <= MOST_SHOWN:
        return shown
    return f"{shown[: MOST_SHOWN - 25]} ... {shown[-20:]}"


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    return brief(repr(value))


def check_at_most(key: str, value: float, most: int, named: str = "{}") -> None:
    """Check a number; `named` says in a message what the most of it is.

    Raises:
        Invalid: It is larger.
    """
    if value > most:
        said = value if isinstance(value, int) else f"{value:g}"
        raise Invalid(key, f"must be at most {named.format(most)}, got {said}")


def searched(name: str) -> str:
    """Return the key of a searched dimension: `norm.search.epsilon` of `norm.epsilon`."""
    section, _, argument = name.rpartition(".")
    return ".".join(filter(None, [section, "search", argument]))


def invalid(error: ValidationError, below: str = "") -> Invalid:
    """Return the first thing that a record refuses, named by its key in conf/.

    Args:
        error: Of a record of composed sections.
        below: The section whose keys these are, if they do not stand at the top.
    """
    errors = error.errors()
    found = next((each for each in errors if each["type"] == "finite_number"), errors[0])
    context = found.get("ctx", {})
    path = [str(part) for part in found["loc"] if not UNION.fullmatch(str(part))]
    if "arguments" in path and found["type"] not in ("argument", "finite_number"):
        found["msg"] = "Input should be a number, text, true, false, null or a list of these"
    if "arguments" in path:
        end = path.index("arguments")
        path = [*path[:end], *path[end + 1 : end + 2], *filter(None, [context.get("argument")])]
    if path[:1] == ["space"]:
        path = [searched(path[1]), *path[2:]]
    names = {"layer": None, "pool": None, "scoring": None, "target": "_target_"}
    key = ".".join(filter(None, (names.get(part, part) for part in [below, *path])))
    if found["type"] == "sequence_str":  # text, where pydantic wants any sequence of texts
        found["msg"] = "Input should be a list"
    if found["type"] == "missing":
        return Invalid(key, "is missing")
    if found["type"] == "extra_forbidden":
        return Invalid(key, "is not a known key")
    message = found["msg"].removeprefix("Value error, ")
    if "should" not in message:
        return Invalid(key, message)
    wanted = message.partition("should ")[2]
    for pydantic_says, plainly in WORDING.items():
        wanted = wanted.replace(pydantic_says, plainly)
    return Invalid(key, f"must {wanted}, got {shown(context.get('value', found['input']))}")
