"""The analysis -> the pages that people read, which go to MLflow too."""

from __future__ import annotations

from pydantic import ValidationError

from pipeline.errors import Refusal
from pipeline.findings.pages import pages
from pipeline.findings.summary import Summary
from pipeline.stages.mirror import mirror_report
from pipeline.stages.places import Places


def run(profile: str) -> None:
    """Write the profile's pages and charts, and say where they are.

    Raises:
        Refusal: The analysis is missing, or another version wrote it.
    """
    places = Places(profile)
    command = f"normbench analyze {profile}"
    try:
        summary = Summary.model_validate_json(places.analysis.read_bytes())
    except FileNotFoundError:
        raise Refusal(f"{places.analysis} is missing; run: {command}") from None
    except ValidationError:
        raise Refusal(f"{places.analysis} is damaged or old; run: {command}") from None
    written = pages(summary)
    for stale in places.reports.glob("charts/*.svg"):
        if f"charts/{stale.name}" not in written:
            stale.unlink()  # of another plan: nothing would say what it shows
    (places.reports / "charts").mkdir(parents=True, exist_ok=True)  # even if there is none: for DVC
    for name, text in written.items():
        path = places.reports / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"The page: {places.reports / 'report.html'}")
    print(mirror_report(profile))
