"""Who works: a file of conf/cluster, and words that say some of it otherwise."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.components import resolve
from pipeline.configuration.composition import check_choice, composition
from pipeline.configuration.hydra import Told
from pipeline.configuration.messages import invalid, shown
from pipeline.configuration.moment import at_one_moment
from pipeline.configuration.sections import check_module, component, mapping, parsed
from pipeline.errors import Refusal
from pipeline.studies import Cluster

LENIENT = ConfigDict(coerce_numbers_to_str=True)  # an account may be a number


@at_one_moment()
def compose_cluster(conf: Path, asked: str) -> Cluster:
    """Compose who works.

    Args:
        conf: The folder of configuration groups.
        asked: The file's name, then `KEY=VALUE` words: `local workers=4`.

    Raises:
        Refusal: There is no such file, or something in it or in the words is not valid.
    """
    place = f"cluster {shown(asked)}"
    try:
        name, *words = shlex.split(asked) or [""]
    except ValueError:
        raise Refusal(f"{place}: a quote is not closed") from None
    check_choice(conf, "cluster", name, place)
    for word in words:
        if "=" not in word:
            raise Refusal(f"{place}: {shown(word)} is not KEY=VALUE")
    told = Told(place, tuple(f"cluster.{word}" for word in words))
    composed = composition(conf, f"cluster/{name}", [told])
    with composed.refusing():
        section = mapping(composed.content, "cluster")
        fields = {"pool": component(section, "cluster", "limits"), "limits": section.get("limits")}
        cluster = parsed(Cluster, fields, below="cluster")
        check_module("cluster", cluster.pool.target)
        return cluster


def fitting(cluster: Cluster) -> Cluster:
    """Return who works, its values of the types that the pool's function says; imports it.

    Raises:
        Refusal: A value is of another kind.
    """
    target = resolve(cluster.pool.target)
    types = get_type_hints(target) if callable(target) else {}
    values = dict(cluster.pool.arguments)
    for name in types.keys() & values.keys():
        try:
            values[name] = TypeAdapter(types[name], config=LENIENT).validate_python(values[name])
        except ValidationError as error:
            raise Refusal(str(invalid(error, f"cluster.{name}"))) from None
    return cluster.model_copy(
        update={"pool": cluster.pool.model_copy(update={"arguments": values})}
    )
