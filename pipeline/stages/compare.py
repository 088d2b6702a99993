"""Two analyses side by side: which verdicts and effects changed, and whether beyond intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import Refusal
from pipeline.findings.cells import Place, Standing
from pipeline.findings.changes import CellChange, Changes, FigureChange, Group, changes
from pipeline.findings.summary import Summary
from pipeline.stages.places import Places
from pipeline.statistics.intervals import Estimate

TITLES: dict[Group, str] = {
    "verdicts": "verdicts",
    "effects": "claims' effects",
    "tuned": "tuned comparisons",
    "maps": "map tiles",
    "other": "other intervals",
}
SILENT = (
    *("verdicts", "tuned", "map"),  # have headings of their own
    *("claims", "judgement", "parts", "studies", "comparisons", "maps", "tiles", "cells", "arms"),
)
SPOKEN = {"other": "with the other statistics"}
WITHIN_ONE, WITHIN = "moved within its interval", "moved within their intervals"
LISTED = 20  # lines of one kind
LONGEST = 40  # characters of a text


def run(old: str, new: str) -> bool:
    """Print what the new analysis says differently, and a last line that sums up.

    Args:
        old: An analysis.json, a folder that holds one, or a profile.
        new: The same.

    Returns:
        Whether no verdict and no effect changed beyond its interval.

    Raises:
        Refusal: There is no such file, or it is no analysis of this version.
    """
    files = found(old), found(new)
    before, after = map(read, files)
    different = changes(before, after)
    lines = list(_listing(different))
    if lines:
        print("\n".join([f"{files[0]} -> {files[1]}", *lines, ""]))
    print(f"compare: {summed_up(different)}")
    return not different.beyond


def found(name: str) -> Path:
    """Return the file that a name stands for.

    Raises:
        Refusal: Neither a file, nor a folder with an analysis, nor a profile that has one.
    """
    given, of_profile = Path(name), Places(name).analysis
    for file in (given, given / of_profile.name, of_profile):
        if file.exists() and not file.is_dir():  # a pipe will do
            return file
    if of_profile.parent.is_dir() and not given.exists():
        raise Refusal(f"{of_profile} is missing; run: normbench analyze {name}")
    missing = f"{given} holds no {of_profile.name}" if given.is_dir() else f"{given}: no such file"
    raise Refusal(f"{missing}; name an {of_profile.name}, a folder that holds one, or a profile")


def read(file: Path) -> Summary:
    """Return an analysis.

    Raises:
        Refusal: It cannot be read, or is none of this version.
    """
    try:
        return Summary.model_validate_json(file.read_bytes())
    except OSError as error:
        raise Refusal(f"{file}: {error.strerror or error}; name a file that can be read") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        reason = f"{place}: {first['msg']}" if place else first["msg"]
        raise Refusal(
            f"{file} is no analysis of this version ({reason}); make it with this one: "
            "normbench analyze PROFILE"
        ) from None


def summed_up(different: Changes) -> str:
    """Return the last line: what a reader needs who reads no other."""
    if different.same_digits:
        return f"the same to the last digit, {different.compared} figures{_apart(different)}"
    beyond = different.beyond
    verdicts = [cell for cell in beyond if cell.group == "verdicts" and cell.old and cell.new]
    appeared = [cell for cell in beyond if cell.old is None]
    disappeared = [cell for cell in beyond if cell.new is None]
    changed = len(beyond) - len(verdicts) - len(appeared) - len(disappeared)
    counts = [
        _count(
            len({cell.place[:3] for cell in verdicts}),
            "claim's verdict changed",
            "claims' verdicts changed",
        ),
        _count(
            changed, "effect changed beyond its interval", "effects changed beyond their intervals"
        ),
        _count(len(appeared), "appeared"),
        _count(len(disappeared), "disappeared"),
    ]
    said = ", ".join(filter(None, counts)) or "nothing changed beyond its interval"
    within = len(different.cells) - len(beyond)
    rest = [
        _count(within, WITHIN_ONE, WITHIN),
        _count(
            len(different.figures),
            "figure without an interval differs",
            "figures without an interval differ",
        ),
    ]
    return f"{'; '.join(filter(None, (said, *rest)))} (of {different.compared} figures)"


def _apart(different: Changes) -> str:
    """Say what differs and is no digit."""
    names = ", ".join(dict.fromkeys(_origin(each.place) for each in different.origins))
    if not names:
        return "; only clock readings differ" if different.clocks else ""
    what = (
        "clock readings and where they ran differ" if different.clocks else "where they ran differs"
    )
    return f"; only {what} ({names})"


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 or not many else many}" if count else ""


def _listing(different: Changes) -> Iterator[str]:
    for group, title in TITLES.items():
        own = [cell for cell in different.cells if cell.group == group]
        beyond = sorted((cell for cell in own if cell.beyond), key=_has_the_same_word)
        within = len(own) - len(beyond)
        rows = [(_name(cell.place), _standings(cell)) for cell in beyond]
        if within:
            rows.append((f"({_count(within, WITHIN_ONE, WITHIN)})", ""))
        yield from _section(title, rows)
    yield from _section("figures without an interval", _figures(different.figures))
    yield from _section(
        "where they ran", [(_origin(each.place), _arrow(each)) for each in different.origins]
    )


def _section(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not rows:
        return
    listed = rows if len(rows) <= LISTED + 1 else rows[:LISTED]
    width = max(len(name) for name, text in listed if text or len(listed) == 1)
    yield f"\n{title}"
    for name, text in listed:
        yield f"  {name:{width}}  {text}".rstrip()
    if len(listed) < len(rows):
        yield f"  ... and {len(rows) - len(listed)} more"


def _figures(figures: Iterable[FigureChange]) -> list[tuple[str, str]]:
    """Return a row for each claim, study or table; the first of its figures stands for the rest."""
    owned: dict[Place, list[FigureChange]] = {}
    for figure in figures:
        owned.setdefault(figure.place[:3], []).append(figure)
    return [
        (_name(first.place), f"{_arrow(first)}{f'; and {len(others)} more' * bool(others)}")
        for first, *others in owned.values()
    ]


def _has_the_same_word(cell: CellChange) -> bool:
    return cell.old is not None and cell.new is not None and cell.old.word == cell.new.word


def _standings(cell: CellChange) -> str:
    if cell.old is None:
        return f"appeared: {_standing(cell.new)}"
    if cell.new is None:
        return f"disappeared: {_standing(cell.old)}"
    return f"{_standing(cell.old)} -> {_standing(cell.new)}"


def _standing(says: Standing | None) -> str:
    assert says is not None
    parts = (says.word or "", _interval(says.found) if says.found is not None else "")
    return " ".join(filter(None, parts))


def _interval(found: Estimate) -> str:
    bound = {"at least": ">= ", "at most": "<= "}.get(found.known, "")
    value = "unknown" if found.value is None else f"{bound}{found.value:.3g}"
    is_open = found.low is None and found.high is None
    return value if is_open else value + _limits(found.low, found.high)


def _limits(low: float | None, high: float | None) -> str:
    shown = ("-inf" if low is None else f"{low:.3g}", "inf" if high is None else f"{high:.3g}")
    return f" [{', '.join(shown)}]"


def _arrow(change: FigureChange) -> str:
    return " -> ".join(
        text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
        for text in (change.old.strip('"'), change.new.strip('"'))
    )


def _name(place: Place) -> str:
    spoken = [SPOKEN.get(word, word) for word in place if word not in SILENT]
    return ", ".join(spoken or place)


def _origin(place: Place) -> str:
    """Name a version by itself, and a file's digest by the file."""
    match place:
        case (_, "versions", name, *_):
            return name
        case (_, "digests", name):
            return f"digest of {name}"
    return place[-1].replace("_", " ")
