"""The analysis -> the pages that people read, which go to MLflow too."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.content import code_digest_with, content_digest
from pipeline.errors import Refusal
from pipeline.stages.made import made_once
from pipeline.stages.mirror import mirror_report
from pipeline.stages.places import Places

if TYPE_CHECKING:
    from pipeline.findings.summary import Summary

DRAWN_BY = ("altair", "jinja2", "markupsafe", "pydantic", "vl-convert-python")


def run(profile: str, brief: Path | None = None) -> None:
    """Write the profile's pages and charts, and say where they are.

    Pages that were made of this analysis, by this code, stay as they are.

    Args:
        profile: Its name.
        brief: Where the answer in a few sentences and one table goes, too; None writes none.

    Raises:
        Refusal: The analysis is missing, another version wrote it, or `brief` cannot be written.
    """
    places = Places(profile)
    try:
        analysis = places.analysis.read_bytes()
    except FileNotFoundError:
        command = f"normbench analyze {profile}"
        raise Refusal(f"{places.analysis} is missing; run: {command}") from None
    made_of = content_digest([code_digest_with(DRAWN_BY), hashlib.sha256(analysis).hexdigest()])
    (places.reports / "charts").mkdir(parents=True, exist_ok=True)  # even if there is none: for DVC
    told = made_once(
        places.made("pages"),
        made_of,
        lambda: [*places.reports.glob("report.*"), *places.reports.glob("charts/*")],
        lambda: _write(places, analysis),
    )
    print(told)
    if brief is not None:
        _write_brief(places, analysis, brief)
    print(mirror_report(profile))


def _write(places: Places, analysis: bytes) -> str:
    from pipeline.findings.pages import pages  # imports what draws: seconds

    written = pages(_summary(places, analysis))
    for stale in places.reports.glob("charts/*.svg"):
        if f"charts/{stale.name}" not in written:
            stale.unlink()  # of another plan: nothing would say what it shows
    for name, text in written.items():
        path = places.reports / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return f"The page: {places.reports / 'report.html'}"


def _write_brief(places: Places, analysis: bytes, file: Path) -> None:
    from pipeline.findings.brief import brief

    report = os.path.relpath(places.reports, file.parent)
    try:
        file.write_text(brief(_summary(places, analysis), Path(report).as_posix()))
    except OSError as error:
        raise Refusal(f"--brief {file}: cannot be written ({error.strerror})") from None
    print(f"The answer in short: {file}")


def _summary(places: Places, analysis: bytes) -> Summary:
    from pipeline.findings.summary import Summary

    try:
        return Summary.model_validate_json(analysis)
    except ValidationError:
        command = f"normbench analyze {places.profile}"
        raise Refusal(f"{places.analysis} is damaged or old; run: {command}") from None
