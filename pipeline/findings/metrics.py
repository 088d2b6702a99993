"""The headline figures of an analysis in a flat, stable shape, for tools that compare revisions."""

from __future__ import annotations

import json
from collections import Counter
from typing import get_args

from pipeline.claims.judgement import PartJudgement
from pipeline.claims.rules import Exact, Rule, Word
from pipeline.findings.summary import Summary
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.findings.verdicts.figures import Figures as Claims

Metric = str | float | int | None
Metrics = dict[str, dict[str, Metric] | dict[str, dict[str, Metric]]]


def metrics(summary: Summary) -> Metrics:
    """Return verdicts, effects and their limits by claim and by tuned arm, and counts of verdicts.

    A claim of one part has its effect beside its verdict; where several parts
    must hold, each stands by itself, as `T3 adam`. Effects are as the claim asserts them,
    in its units; an exact part has a largest departure instead. Of tuned arms, it is the log of
    one's test error over another's. What is not known is null.
    """
    claims: dict[str, dict[str, Metric]] = {}
    for figures in summary.of(Claims).claims:
        name, judgement = figures.claim.id, figures.judgement
        word = judgement.verdict.word
        parts = zip(figures.claim.parts, judgement.parts, strict=True)
        effects = {part.name: _effect(part.rule, found) for part, found in parts}
        if len(effects) == 1:
            claims[name] = {"verdict": word, **next(iter(effects.values()))}
            continue
        claims[name] = {"verdict": word}
        for part in judgement.parts:
            claims[f"{name} {part.name}"] = {"verdict": part.verdict.word, **effects[part.name]}
    tuned: dict[str, dict[str, Metric]] = {}
    for compared in summary.of(Tuned).comparisons:
        ratio = compared.log_error_ratio
        tuned[compared.label] = {
            "reads": compared.word,
            "log_error_ratio": ratio.value if ratio else None,
            "low": ratio.low if ratio else None,
            "high": ratio.high if ratio else None,
        }
    words = Counter(figures.judgement.verdict.word for figures in summary.of(Claims).claims)
    verdicts: dict[str, Metric] = {word: words[word] for word in get_args(Word)}
    return {"claims": claims, "tuned": tuned, "verdicts": verdicts}


def metrics_text(summary: Summary) -> str:
    """Return the figures as indented JSON, the same bytes for the same figures."""
    return json.dumps(metrics(summary), indent=2, allow_nan=False) + "\n"


def _effect(rule: Rule, part: PartJudgement) -> dict[str, Metric]:
    if isinstance(rule, Exact):
        return {"departure": part.largest_departure}
    found = part.estimate
    return {
        "effect": found.value if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
    }
