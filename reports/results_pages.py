"""The pages of the results, from bundles alone: leaderboard.md, leaderboard.html, verdicts.md, LaTeX tables, and a part of the README.

What stands below `BY_HAND` in leaderboard.md and verdicts.md is written by hand, and is kept. No date of the drawing is in any page, so
that the same bundles give the same text.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from benchmark.run_folder.bundle import ENDING, read_bundle
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from reports.content.bundle_records import BundleRecords, gather_records
from reports.content.file_names import FileNames
from reports.content.ledger import read_claims
from reports.content.paper_style import PaperStyle, styled_all
from reports.content.reached_scenes import protocol_identity, table_records
from reports.content.reproduction import judge_claims
from reports.content.statement_ledger import StatementLedger, read_statements
from reports.content.statement_rules import judge_rivals, judge_statements
from reports.content.statement_sections import counts_sentence, not_run_section, statement_section
from reports.content.summary import Summary, summarise
from reports.content.verdicts import compare_tiers, comparison_section
from reports.figures.all_figures import comparison_figures
from reports.page.page import render_page
from reports.report import MOST_COMPARISONS
from reports.style import slug
from reports.typeset.bibliography import bibtex, cite_keys
from reports.typeset.board_markdown import METRICS, STAR, BundleFile, markdown_board, markdown_short_board
from reports.typeset.frames import csv_text, summary_frame
from reports.typeset.latex_tables import latex_definitions, latex_summary
from reports.typeset.verdict_markdown import markdown_verdicts

BY_HAND = "<!-- Below this line: written by hand, and kept by the command. -->"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
MOST_BYTES = 3_000_000  # of the page
_TABLES = "leaderboard_"  # begins the name of each LaTeX table


@dataclass(frozen=True)
class ResultsTexts:
    """The texts of the pages, before they are written."""

    files: Mapping[str, str]  # by their paths from the folder of the results
    readme: str  # what stands between the two marks of the README
    words: str  # how the statements of the paper were judged, in one sentence


@dataclass(frozen=True)
class ResultsFiles:
    """The files that were written."""

    folder: Path
    files: tuple[Path, ...]
    words: str


def command_text(names: Sequence[str]) -> str:
    """The command that draws the pages of these bundles."""
    return " ".join(["python run_benchmark.py leaderboard", *names])


def compose_results(bundles: Mapping[str, Path], folder: Path, readme: Path | None = None) -> ResultsTexts:
    """The texts of all pages.

    Args:
        bundles: the file of each bundle, by the name under which the pages speak of it; a name with an ending gets no link.
        folder: where the pages are going to lie, for their links.
        readme: where the README lies, for its links.

    Raises:
        RecordError: a file is no bundle, or none of its records has a score.
    """
    records = gather_records([read_bundle(file) for file in bundles.values()])
    if not any(result.outcome == "scored" for result in records.results):
        raise RecordError(f"leaderboard: expected a bundle with scored records, got none in {', '.join(bundles)}; give another one")
    command, ledger = command_text(list(bundles)), read_statements()
    boards, summaries = _boards(records, METRICS), _sorted(summarise(records.results, METRICS, provenance=records.provenance))
    files = _bundle_files(bundles, folder)
    claims = judge_claims(read_claims(), records.results, {})
    texts = {
        "leaderboard.md": _generated(markdown_board(records, boards, files, command), command),
        "verdicts.md": _generated(markdown_verdicts(records, summaries, ledger, claims, files, command), command),
        "leaderboard.html": _page(records, ledger, command, files),
        **_latex(records, boards, command),
    }
    judged = counts_sentence(judge_statements(ledger, summaries))
    short = _readme(records, boards, ledger, _bundle_files(bundles, readme.parent if readme else folder), judged)
    if (size := len(texts["leaderboard.html"].encode())) > MOST_BYTES:
        raise RecordError(f"leaderboard: expected a page below {MOST_BYTES} bytes, got {size}; draw fewer bundles on one page")
    return ResultsTexts(texts, short, judged)


def write_results(bundles: Mapping[str, Path], folder: Path, readme: Path | None = None) -> ResultsFiles:
    """Write the pages into a folder, and the short table into the README, where there is one to be changed.

    Raises:
        RecordError: as for `compose_results`, or a README without the two marks.
    """
    composed = compose_results(bundles, folder, readme)
    whole = None if readme is None else with_readme_part(readme.read_text(encoding="utf-8"), composed.readme)
    latex = folder / "latex"
    for old in latex.glob(f"{_TABLES}*.*"):
        if f"latex/{old.name}" not in composed.files:
            old.unlink()
    written = []
    for name, text in composed.files.items():
        file = folder / name
        kept = file.read_text(encoding="utf-8") if file.exists() and file.suffix == ".md" else ""
        written.append(_write_text(file, with_hand_part(text, kept) if file.suffix == ".md" else text))
    if readme is not None and whole is not None:
        written.append(_write_text(readme, whole))
    return ResultsFiles(folder, tuple(written), composed.words)


def with_hand_part(generated: str, before: str) -> str:
    """A generated page followed by what was written by hand below the mark of the page before."""
    _, mark, hand = before.partition(BY_HAND)
    kept = hand.removeprefix("\n") if mark and hand.strip() else ""
    return f"{generated}\n{BY_HAND}\n{kept}"


def generated_part(page: str) -> str:
    """A page without what was written by hand."""
    return page.partition(BY_HAND)[0].rstrip("\n") + "\n"


def with_readme_part(readme: str, part: str) -> str:
    """The README with this text between its two marks.

    Raises:
        RecordError: it does not have each of them once, in their order.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise RecordError(f"leaderboard: expected one line {BEGIN} in the README and one line {END} below it; add both")
    return f"{before}{BEGIN}\n{part}{END}{after}"


def _boards(records: BundleRecords, metrics: Sequence[str] = ()) -> list[Summary]:
    """A table for each protocol, over the scenes that most rows have reached."""
    kept, sentences = table_records(records.results)
    found = summarise(kept, metrics, provenance=records.provenance)
    told = [sentences.get(protocol_identity(summary.rows[0].results[0]), "") for summary in found]
    return _sorted([replace(each, remarks=tuple(filter(None, [text, *each.remarks]))) for each, text in zip(found, told, strict=True)])


def _sorted(summaries: Sequence[Summary]) -> list[Summary]:
    """The tables, the lowest ratio first."""
    return sorted(summaries, key=lambda summary: (float(summary.protocol.get("ratio") or 0), summary.name))


def _bundle_files(bundles: Mapping[str, Path], folder: Path) -> list[BundleFile]:
    links = {name: "" if name.endswith(ENDING) else Path(os.path.relpath(file, folder)).as_posix() for name, file in bundles.items()}
    return [BundleFile(name, links[name], sha256(file.read_bytes()).hexdigest()) for name, file in bundles.items()]


def _generated(text: str, command: str) -> str:
    return f"<!-- Generated by `{command}`: do not edit; write below the mark at the end. -->\n{text}"


def _latex(records: BundleRecords, summaries: Sequence[Summary], command: str) -> dict[str, str]:
    """The summaries as LaTeX and CSV, with their definitions and the papers that they cite."""
    keys, names = cite_keys(records.results), FileNames()
    texts = {}
    for summary in styled_all(summaries, PaperStyle(spread="none")):  # with a line of spreads for each row no page would have room
        stem = names.stem(_TABLES.rstrip("_"), summary.name)
        table = latex_summary(summary, keys, label=stem.replace("_", "-"), caption="short")
        texts[f"latex/{stem}.tex"] = f"% generated by {command}\n{table}"
        texts[f"latex/{stem}.csv"] = csv_text(summary_frame(summary))
    texts["latex/definitions.tex"] = latex_definitions(summaries)
    texts["latex/methods.bib"] = bibtex(records.results)
    return texts


def _page(records: BundleRecords, ledger: StatementLedger, command: str, files: Sequence[BundleFile]) -> str:
    """The page: leaderboards, charts, every score, statistics, the statements of the paper, and what was not run."""
    summaries, whole = _boards(records), _sorted(summarise(records.results, METRICS, provenance=records.provenance))
    comparisons = compare_tiers(summaries)
    shown = [each for each in comparisons[:MOST_COMPARISONS] if each.statistics.enough_scenes]
    statistics = [
        (comparison_section(each, number, slug(each.title), csv=False), comparison_figures(each)) for number, each in enumerate(shown, 1)
    ]
    statements = statement_section(judge_statements(ledger, whole), judge_rivals(ledger, whole))
    extras = [section for section in (statements, not_run_section(records, summaries)) if section is not None]
    made_from = ", ".join(f"{file.name} (sha256 {file.sha256[:16]})" for file in files)
    plan = {"made from": made_from, **(records.bundles[0].plan if len(records.bundles) == 1 else {}), "command": command}
    page = render_page(
        RunFolder(Path(slug(" ".join(file.name for file in files)))),
        [result for summary in summaries for row in summary.rows for result in row.results],
        summaries,
        plan=plan,
        environment=records.environment,
        names=FileNames(),
        comparisons=comparisons,
        statistics=statistics,
        extras=[(section, ()) for section in extras],
        pictures=False,
    )
    return page.html


def _readme(records: BundleRecords, summaries: Sequence[Summary], ledger: StatementLedger, files: Sequence[BundleFile], judged: str) -> str:
    """The part of the README."""
    names = ", ".join(f"[`{file.name}`]({file.link})" if file.link else f"`{file.name}`" for file in files)
    scenes = sorted({len(summary.scenes) for summary in summaries})
    first, last = records.dates
    counts = " and ".join(map(str, scenes)) + f" scene{'' if scenes == [1] else 's'}"
    days = first if first == last else f"{first} to {last}"
    head = (
        f"The best of each tier (what a method knows), and MossFuse: {names}, {counts}, measured {days} on "
        f"{'; '.join(records.machines)}. Rank is by PSNR inside the tier, {STAR} the best of all tiers, n the scenes with a score."
    )
    foot = (
        "[Leaderboard](docs/results/leaderboard.md), also as [one page](docs/results/leaderboard.html) to sort and filter. MossFuse's "
        f"paper: {judged[:1].lower()}{judged[1:].rstrip('.')} ([each with its figures](docs/results/verdicts.md))."
    )
    return f"{head}\n\n{markdown_short_board(records, summaries, ledger.subject)}\n{foot}\n"


def _write_text(file: Path, text: str) -> Path:
    """Write a text into a temporary file, which then takes the name of `file`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    return temporary.replace(file)
