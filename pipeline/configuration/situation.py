"""The situations: each file of conf/situation, over what conf/situation.yaml says for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from pipeline.claims.situation import OfClaim, Situation
from pipeline.configuration import folders
from pipeline.configuration.composition import composition
from pipeline.configuration.hydra import Told, choosing
from pipeline.configuration.messages import Invalid, shown
from pipeline.configuration.sections import Plain, mapping, parsed
from pipeline.configuration.study import experiment
from pipeline.errors import nearest

Asked = Callable[[str, str], Plain]

GROUPS = ("against_none", "against_other", "beside")


def situations(conf: Path, claims: Mapping[str, Plain]) -> dict[str, Plain]:
    """Return every situation of conf/situation as plain data, held to what it names.

    Args:
        conf: The configuration.
        claims: All claims of `conf`, composed, by name.

    Raises:
        Refusal: A situation is not valid, or names a claim, a part, an experiment, a model or an
            arm that is not there.
    """
    parts = {
        claim["id"]: [part["name"] for part in (*claim["parts"], *claim["beside"])]
        for claim in claims.values()
    }
    asked = cache(partial(experiment, conf))
    found: dict[str, Plain] = {}
    for name in folders.names(conf, "situation"):
        place = str(folders.found(conf, "situation", f"{name}.yaml"))
        composed = composition(conf, "situation", [Told(place, (choosing("situation", name),))])
        with composed.refusing():
            section = mapping(composed.content, "situation")
            situation = parsed(Situation, section | {"name": name}, below="situation")
            for key, what, said, known in _named(situation, parts, asked, place):
                if said not in known:
                    raise Invalid(
                        key, f"names no {what}: {shown(said)}{nearest(str(said), sorted(known))}"
                    )
        found[name] = situation.plain()
    return found


def _named(
    situation: Situation, parts: Mapping[str, list[str]], asked: Asked, place: str
) -> Iterator[tuple[str, str, str, Any]]:
    """Yield every name: the key where it stands, what it is of, itself, and what there is."""
    for group in GROUPS:
        for n, each in enumerate(getattr(situation, group)):
            key = f"situation.{group}.{n}"
            if isinstance(each, OfClaim):
                yield f"{key}.claim", "claim of conf/claim", each.claim, parts
                yield f"{key}.part", f"part of {each.claim}", each.part, parts[each.claim]
                continue
            own = asked(each.experiment, place)
            yield f"{key}.model", f"model of {each.experiment}", each.model, own["models"]
            for side in ("arm", "against"):
                name = getattr(each, side)
                yield f"{key}.{side}", f"arm of {each.experiment}", name, own["norms"]
