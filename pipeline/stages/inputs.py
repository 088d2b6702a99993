"""What each stage depends on -> reports/PROFILE/inputs.yaml: small, for DVC to compare.

What conf/ names lies anywhere: pictures, tables, modules of the user's. dvc.yaml cannot list it,
so that this stage looks each time, and the stages that use it depend on its digests. They depend
on the plan by this file, too: DVC takes a second for each look at the whole plan.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from pipeline.content import canonical_json
from pipeline.data.files import content_of_files, state_of_files
from pipeline.errors import Refusal
from pipeline.execution.environment import own_code
from pipeline.records import targets_within
from pipeline.stages.files import read_plan
from pipeline.stages.places import Places
from pipeline.studies import Dataset

HEADER = "# What the stages depend on: the plan, and what it names that DVC can't see by itself.\n"
OF_PLAN = ("datasets", "studies_digest", "claims_digest", "situations", "analysis")


def run(profile: str) -> None:
    """Write a plan's parts and the digests of what it names, and print what is the user's own.

    `data` is by dataset (its files, and the code that loads them), `training` by module (models,
    layers, optimizers, designs, tasks), `judging` by module (effects of claims).

    Raises:
        Refusal: The plan is missing or damaged, or a module is; or there is no DVC to tell.
    """
    plan, places = read_plan(profile), Places(profile)
    if not Path("dvc.yaml").is_file():
        raise Refusal(
            "dvc.yaml: is not here; inputs is for DVC, in a checkout, and for nothing else"
        )
    files = _digests_of_files(places, plan.datasets)
    loading = {name: own_code([each.source.target]) for name, each in plan.datasets.items()}
    training = own_code(targets_within([study.plain() for study in plan.studies.values()]))
    judging = own_code(targets_within(plan.claims))
    data = {name: {"files": files[name], "code": loading[name]} for name in plan.datasets}
    said = plan.plain()
    inputs = {name: said[name] for name in OF_PLAN}
    inputs |= {"data": data, "training": training, "judging": judging}
    places.inputs.write_text(HEADER + yaml.safe_dump(inputs, sort_keys=False, allow_unicode=True))
    own = [name for name, digest in files.items() if digest]
    for each in (*loading.values(), training, judging):
        own += each
    print(f"{places.inputs}: {', '.join(dict.fromkeys(own)) or 'nothing'} of your own")


def _digests_of_files(places: Places, datasets: dict[str, Dataset]) -> dict[str, str | None]:
    """Return the digest of each dataset's files; those that look as they did are not read again."""
    try:
        seen = json.loads(places.seen.read_text())
        known = {name: (state, digest) for name, (state, digest) in seen.items()}
    except (OSError, ValueError, AttributeError, TypeError):  # looked at for the first time
        known = {}
    digests: dict[str, str | None] = {}
    kept: dict[str, tuple[str | None, str | None]] = {}
    for name, dataset in datasets.items():
        state = state_of_files(dataset.source)
        before, digest = known.get(name, (None, None))
        if state is None or state != before:
            digest = content_of_files(dataset.source)
        digests[name] = digest
        kept[name] = (state, digest)
    places.seen.parent.mkdir(parents=True, exist_ok=True)
    places.seen.write_text(canonical_json(kept))
    return digests
