"""The claims: each file of conf/claim, over what conf/claim.yaml says for all of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from pipeline.claims.claim import Claim, Part
from pipeline.claims.kind import column_of, declared
from pipeline.components import callable_of
from pipeline.configuration import folders
from pipeline.configuration.composition import composition
from pipeline.configuration.hydra import Told, choosing
from pipeline.configuration.messages import Invalid, invalid, shown
from pipeline.configuration.sections import Plain, component, mapping, parsed
from pipeline.configuration.study import experiment
from pipeline.errors import Refusal, nearest
from pipeline.records import Component
from pipeline.statistics.runs import curves, figures, settings
from pipeline.studies import Study

GROUPS = ("parts", "beside", "manipulation")
STRICT = ConfigDict(strict=True, allow_inf_nan=False)
Known = Mapping[str, Collection[str]]  # names by what they are of: arm, figure, curve, setting


def claims(conf: Path, studies: Iterable[Study]) -> dict[str, Plain]:
    """Return every claim of conf/claim as plain data, held to its experiments.

    Of an experiment that the profile does not run, only the arms are looked at.

    Raises:
        Refusal: A claim is not valid, or names what its experiment or its kind does not have.
    """
    homes: dict[str, list[Study]] = {}
    for study in studies:
        homes.setdefault(study.experiment, []).append(study)
    found: dict[str, Plain] = {}
    ids: dict[str, str] = {}
    for name in folders.names(conf, "claim"):
        place = str(folders.found(conf, "claim", f"{name}.yaml"))
        composed = composition(conf, "claim", [Told(place, (choosing("claim", name),))])
        with composed.refusing():
            section = mapping(composed.content, "claim")
            claim = parsed(Claim, claim_fields(section, name), below="claim")
            if (twin := ids.setdefault(claim.id, place)) != place:
                raise Invalid("claim.id", f"{claim.id} is also that of {twin}")
            for named in (claim.experiment, *claim.specifications.values()):
                own = homes.get(named)
                known = _known(own) if own else {"arm": experiment(conf, named, place)["norms"]}
                _check(claim, named, known)
                _check_own(claim, named, own or ())
        found[name] = claim.plain()
    return found


def claim_fields(section: Plain, name: str) -> Plain:
    """Return a claim's section as the record's fields; its name is the file's.

    Args:
        section: Its `part` is what its parts share: a part's own key replaces it, and an
            effect that names no kind is the shared one with other arguments.
        name: Of the file.
    """
    shared = mapping(section, "part", below="claim")
    fields = {key: value for key, value in section.items() if key != "part"}
    for group in GROUPS:
        listed = fields.get(group, [])
        if not isinstance(listed, list):
            raise Invalid(f"claim.{group}", f"must be a list, got {shown(listed)}")
        fields[group] = [_part(own, shared, f"claim.{group}.{n}") for n, own in enumerate(listed)]
    return fields | {"name": name}


def _part(own: object, shared: Plain, key: str) -> Plain:
    if not isinstance(own, dict):
        raise Invalid(key, f"must be a group of keys, got {shown(own)}")
    part = {**shared, **own}
    effect = mapping(part, "effect", below=key)
    if "_target_" not in effect and isinstance(shared.get("effect"), dict):
        effect = {**shared["effect"], **effect}
    return {**part, "effect": component(effect, f"{key}.effect")}


def _known(studies: Collection[Study]) -> Known:
    return {
        "arm": {study.arm for study in studies},
        "figure": figures(studies),
        "error": [name for name in figures(studies) if "_error" in name],
        "curve": curves(studies),
        "setting": settings(studies),
        "axis": {name for study in studies for name in study.axes},
    }


def _check(claim: Claim, experiment: str, known: Known) -> None:
    for group in GROUPS:
        part: Part
        for n, part in enumerate(getattr(claim, group)):
            _check_effect(part.effect, f"claim.{group}.{n}.effect", 1 + (part.control is not None))
            for key, what, name in _named(part):
                if what in known and name not in known[what]:
                    raise Invalid(
                        f"claim.{group}.{n}.{key}",
                        f"names no {what} of {experiment}: {shown(name)}"
                        f"{nearest(str(name), known[what])}",
                    )


def _check_own(claim: Claim, experiment: str, studies: Collection[Study]) -> None:
    """Refuse a choice that the experiment's arms do not make."""
    for group in ("parts", "beside"):
        for n, part in enumerate(getattr(claim, group)):
            for own in (study.design.own for study in studies):
                if part.own is not None and (own is None or own.axis != part.own):
                    raise Invalid(
                        f"claim.{group}.{n}.own",
                        f"is what arms choose for themselves, and those of {experiment} choose "
                        f"no {part.own}; give it a design such as own_rate",
                    )


def _named(part: Part) -> Iterator[tuple[str, str, object]]:
    """Yield every name in a part: the key where it stands, what it is of, and itself."""
    annotations = declared(part.effect.target)
    for argument, value in part.effect.arguments.items():
        if what := column_of(annotations.get(argument)):
            yield f"effect.{argument}", what, value
    for side in ("treatment", "control", "where"):
        for name, value in (getattr(part, side) or {}).items():
            yield f"{side}.{name}", "setting", name
            if name == "arm":
                arms = value if isinstance(value, tuple) else (value,)
                yield from ((f"{side}.arm", "arm", arm) for arm in arms)
    yield from (("block", "setting", name) for name in part.block)
    if part.own is not None:
        yield "own", "axis", part.own


def _check_effect(effect: Component, key: str, sides: int) -> None:
    """Check that a kind is there and takes these arguments, each of the type that it declares."""
    try:
        callable_of(effect, *[None] * sides, block=())
    except Refusal as refusal:
        raise Invalid(key, f"cannot be used: {refusal}") from None
    annotations = declared(effect.target)
    for name, value in effect.arguments.items():
        try:
            _adapter(annotations.get(name, Any)).validate_json(json.dumps(value))
        except ValidationError as error:
            raise Invalid(f"{key}.{name}", invalid(error).problem) from None


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=STRICT)
    except PydanticUserError:  # a type of a user's own that pydantic does not know
        return TypeAdapter(Any)
