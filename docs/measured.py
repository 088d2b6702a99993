"""What was measured, put into the pages while they are built: no figure is typed in by hand.

In a page stand directives:

    {measured} decisions    a finding of the analysis, as the report shows it
    {claim} T3              a claim: its sentence, what was found, and the command that runs it
    {commands}              the command line's own help

The analysis is the reference's, where there is one, else that of the quick profile here. Without
any, each place says in one sentence how to make it.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import yaml
from docutils import nodes
from pydantic import ValidationError
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

from pipeline.__main__ import parser
from pipeline.configuration.files import home
from pipeline.findings import FINDINGS
from pipeline.findings.summary import Summary
from pipeline.findings.verdicts import section as verdicts
from pipeline.page.blocks import Block, Figure, Heading, Nothing, Table, VerdictRow, Verdicts
from pipeline.page.escaping import markdown_text
from pipeline.page.rendering import markdown

ROOT = Path(__file__).resolve().parents[1]
ANALYSES = ("reports/reference/analysis.json", "reports/quick/analysis.json")  # the first there is
QUICK = "make reproduce"
MISSING = f"Not measured here yet: run `{QUICK}`, then `make docs`."
HELP_COLUMNS = "88"
log = getLogger(__name__)


class InPage(SphinxDirective):
    """What the directives share: Markdown becomes nodes, and pages follow what they show."""

    has_content = False

    def shown(self, *texts: str) -> list[nodes.Node]:
        """Parse paragraphs of Markdown."""
        return self.parse_text_to_nodes("\n\n".join(filter(None, texts)))

    def analyzed(self) -> Summary | None:
        """Return the analysis, and let the page be built again when there is another one."""
        for name in ANALYSES:
            self.env.note_dependency(str(ROOT / name))
        return analysis()


class Measured(InPage):
    """A finding's section."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return its blocks."""
        [name] = self.arguments
        if name not in FINDINGS:
            raise self.error(f"there is no finding {name}; there are: {', '.join(FINDINGS)}")
        summary = self.analyzed()
        if summary is None:
            return self.shown(MISSING)
        found = import_module(f"pipeline.findings.{name}.section").section(summary)
        made = nodes.container(classes=["measured"])
        for block in found.blocks:
            if not isinstance(block, Nothing):
                made += self._block(block)
        made += self.shown(f"From `{source()}`, of the profile `{summary.profile}`.")
        for table in made.findall(nodes.table):
            label_cells(table)
        return [made]

    def _block(self, block: Block) -> list[nodes.Node]:
        if isinstance(block, Heading):
            return [nodes.rubric(text=block.text)]
        if isinstance(block, Figure):
            if not block.wide:
                return []
            still = f'<div class="wide">{block.wide}</div><div class="narrow">{block.narrow}</div>'
            caption = nodes.paragraph(text=block.caption, classes=["caption"])
            return [nodes.raw(text=still, format="html"), caption]
        text = self.shown(markdown(block))
        if isinstance(block, Table) and block.folded:
            caption = nodes.Text(f"{block.caption}")
            opened = nodes.raw(text=f"<details><summary>{caption}</summary>", format="html")
            return [opened, *text[1:], nodes.raw(text="</details>", format="html")]
        return text


class Claimed(InPage):
    """A claim's sentence, what was found, and the command that runs it here."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return all that is known of it."""
        [name] = self.arguments
        file = claim_files().get(name)
        if file is None:
            raise self.error(f"no file of conf/claim has the id {name}")
        self.env.note_dependency(str(file))
        summary = self.analyzed()
        row = None if summary is None else row_of(summary, name)
        if summary is None:
            told = [MISSING]
        elif row is None:
            told = [f"Not tested in the profile `{summary.profile}`."]
        else:
            told = list(found_in(row))
        experiment = said(file, "experiment")
        made = nodes.container(classes=["claim"])
        made += self.shown(
            f"> {name}: {markdown_text(said(file, 'statement'))}",
            f"**What we found.** {told[0]}",
            *told[1:],
            f"**What runs it here.** `{command_of(experiment)}`; the rule is "
            f"`{file.relative_to(ROOT)}`, the runs are `conf/experiment/{experiment}.yaml`. "
            f"Expected before the runs: {said(file, 'expected')}.",
        )
        return [made]


class Commands(InPage):
    """The command line's own help, command by command."""

    def run(self) -> list[nodes.Node]:
        """Return a literal block for each command."""
        os.environ["COLUMNS"] = HELP_COLUMNS  # which argparse wraps at
        [choices] = [each.choices for each in parser()._actions if each.dest == "command"]
        made: list[nodes.Node] = []
        for name, command in choices.items():
            made.append(nodes.rubric(text=f"normbench {name}"))
            made.append(nodes.literal_block(text=command.format_help(), language="text"))
        return made


def source() -> str | None:
    """Return the file of the analysis that pages show, if there is one."""
    return next((name for name in ANALYSES if (ROOT / name).is_file()), None)


@cache
def analysis() -> Summary | None:
    """Return the analysis that pages show; one that cannot be read breaks the build, in a line."""
    name = source()
    if name is None:
        return None
    try:
        return Summary.model_validate_json((ROOT / name).read_bytes())
    except ValidationError:
        way = f"run: normbench analyze {Path(name).parent.name}, or remove it"
        log.warning("%s is damaged or of another version; %s", name, way)
        return None


def row_of(summary: Summary, name: str) -> VerdictRow | None:
    """Return a claim's row in the table of verdicts, if it was tested."""
    tables = [each for each in verdicts.section(summary).blocks if isinstance(each, Verdicts)]
    return next((row for table in tables for row in table.rows if row.claim == name), None)


def found_in(row: VerdictRow) -> Iterator[str]:
    """Yield paragraphs: the verdict, every part's effect, and under which settings."""
    reason = f" ({markdown_text(row.reason)})" if row.reason else ""
    yield f"{row.mark.sign} **{row.mark.word}**{reason}, {row.came}."
    yield "\n".join(
        f"- {effect.mark.sign + ' ' if effect.mark else ''}{markdown_text(effect.text)}"
        for effect in row.effects
    )
    yield f"Seeds (needed): {row.clusters}. Runs: {markdown_text(row.settings)}."


@cache
def claim_files() -> dict[str, Path]:
    """Return every file of conf/claim by its claim's id."""
    return {said(file, "id"): file for file in sorted((ROOT / "conf/claim").glob("*.yaml"))}


def said(file: Path, key: str) -> str:
    """Return what a file, or one that it starts from, says of a key."""
    place = home(ROOT / "conf", file, key)
    assert place is not None, f"{file} does not say {key}"
    return str(yaml.safe_load(place.read_text())[key])


def command_of(experiment: str) -> str:
    """Return the command of the quick profile, or of the least that runs an experiment."""
    listed = yaml.safe_load((ROOT / "reports/dvc.yaml").read_text())["stages"]["profile"]["foreach"]
    sizes = {}
    for profile in ("quick", *listed):
        file = ROOT / f"conf/profile/{profile}.yaml"
        experiments: Sequence[str] = yaml.safe_load(file.read_text())["experiments"]
        if experiment in experiments:
            sizes[profile] = len(experiments)
    if "quick" in sizes:
        return QUICK
    return f"dvc repro reports/dvc.yaml:profile@{min(sizes, key=lambda name: sizes[name])}"


def label_cells(table: nodes.table) -> None:
    """Let each cell say its column's head, which a narrow window shows in place of columns."""
    heads = [entry.astext() for entry in next(table.findall(nodes.thead)).findall(nodes.entry)]
    for row in next(table.findall(nodes.tbody)).findall(nodes.row):
        named, *cells = row
        emphasize_first_line(named)
        for head, entry in zip(heads[1:], cells, strict=True):
            if entry.astext().strip():
                entry.insert(0, nodes.paragraph(text=f"{head}:", classes=["column"]))


def emphasize_first_line(entry: nodes.Element) -> None:
    """Make what names a row strong; the settings below it stay as they are."""
    for line in entry.findall(nodes.paragraph):
        kept = list(line)
        end = next((n for n, each in enumerate(kept) if isinstance(each, nodes.raw)), len(kept))
        line.clear()
        line += [nodes.strong("", "", *kept[:end]), *kept[end:]]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directives."""
    for name, directive in DIRECTIVES.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


DIRECTIVES: dict[str, type[InPage]] = {
    "measured": Measured,
    "claim": Claimed,
    "commands": Commands,
}
