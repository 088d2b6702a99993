"""What a reader sees as one finding lies in one folder: its figures, its chart, its section.

A finding NAME is the package `pipeline.findings.NAME`. Its `section.py` has
`section(summary) -> Section`, which the page shows. Where it has figures of its own, its
`figures.py` has a record `Figures` and `figures(evidence) -> Figures`, which the analysis computes.
"""

FINDINGS = (  # in the order of the page
    "decisions",
    "answer",
    "verdicts",
    "gap",
    "map",
    "stability",
    "time_to_target",
    "momentum",
    "independence",
    "settings",
    "tuned",
    "details",
    "controls",
    "failures",
    "open_questions",
    "origins",
)
