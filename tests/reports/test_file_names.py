"""The files of a report whose protocols, scenes and tiers have names that are alike, too long, or no names for files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.conventions.profile_facts import FACTS
from benchmark.conventions.profile_scores import ProfileScores, write_profile_scores
from benchmark.run_folder.record import Result
from reports.content.choice import read_choice
from reports.report import ReportPaths, write_report
from tests.benchmark.folders import read_records, write_record
from tests.reports.conftest import PROTOCOLS, fake_results, write_fake_run

ALIKE = ("a b", "a-b", "A B")  # one name, once everything is left out that a file name should not have


def run_of(folder: Path, protocols: tuple[str, ...], scene: str = "beads") -> Path:
    """A run of two methods of one tier on one scene under protocols of these names, each with another ratio and another PSNR."""
    base = [r for r in fake_results() if r.protocol == PROTOCOLS[0] and r.scene == "beads" and r.seed == 0]
    records: list[Result] = []
    for place, name in enumerate(protocols):
        for record in base:
            if record.method in ("rfuse", "hysure"):
                metrics = {**record.metrics, "psnr": (record.metrics["psnr"] or 0) - place}
                protocol = {**record.protocol, "name": name, "ratio": place + 2}
                records.append(replace(record, key=f"{record.key}{place}", metrics=metrics, protocol=protocol))
    write_fake_run(folder, records)
    renamed = [replace(record, scene=scene) for record in records]
    for record in renamed:
        (folder / "cells" / f"{record.key}.json").unlink()
    for record in renamed:
        write_record(folder, record)
        scores = {facts.name: {rule.metric: 1.0 for rule in facts.rules} for facts in FACTS}
        write_profile_scores(folder, ProfileScores(record.key, "k", scores))
    assert len(read_records(folder)) == 2 * len(protocols)
    return folder


def names_of(report: ReportPaths) -> list[str]:
    return [path.relative_to(report.folder).as_posix() for path in report.folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def alike(tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    return write_report(run_of(tmp_path_factory.mktemp("alike") / "run", ALIKE))


def protocols_in(report: ReportPaths, pattern: str, words: str) -> list[str]:
    """The protocol that each of these files names, where `words` has {} in its place; LaTeX's hyphens made plain."""
    files = sorted(report.folder.glob(pattern))
    texts = [re.sub(r"\s+", " ", file.read_text(encoding="utf-8").replace("-{}", "-")) for file in files]
    return sorted(name for text in texts for name in ALIKE if words.format(name) in text)


@pytest.mark.parametrize("suffix", ["tex", "typ", "txt"])
@pytest.mark.parametrize("kind", ["pairs", "matrix"])
def test_protocols_of_names_alike_have_each_their_statistics(alike: ReportPaths, kind: str, suffix: str) -> None:
    assert protocols_in(alike, f"tables/statistics_*_{kind}.{suffix}", "in PSNR, {}, told blur and colour response") == sorted(ALIKE)


@pytest.mark.parametrize("suffix", ["tex", "typ", "txt", "csv"])
def test_protocols_of_names_alike_have_each_their_tables_of_conventions(alike: ReportPaths, suffix: str) -> None:
    if suffix != "csv":
        assert protocols_in(alike, f"tables/profiles_psnr_*.{suffix}", "protocol {}") == sorted(ALIKE)
        assert protocols_in(alike, f"tables/profiles_estimate_*.{suffix}", "protocol {}, seed") == sorted(ALIKE)
    assert len(list(alike.folder.glob(f"tables/profiles_psnr_*.{suffix}"))) == 3
    assert len(list(alike.folder.glob(f"tables/profiles_estimate_*.{suffix}"))) == 3


def test_protocols_of_names_alike_have_each_their_summary_figures_and_spectra(alike: ReportPaths) -> None:
    words_of = {"tex": r"\textbf{{{}}}", "typ": '#strong("{}")', "md": "**{}**", "csv": "{},told blur and colour response"}
    for suffix, words in words_of.items():
        assert protocols_in(alike, f"tables/summary_*.{suffix}", words) == sorted(ALIKE)
    names = names_of(alike)
    for kind in ("psnr_seconds_", "errors_", "spectra_", "cd_", "ranks_"):
        assert sum(name.startswith(f"figures/{kind}") and name.endswith(".svg") for name in names) == 3, kind
    assert sum(name.startswith("spectra/") for name in names) == 3


def test_the_files_of_one_protocol_have_one_name_for_it(alike: ReportPaths) -> None:
    """Whoever has found one file of a protocol finds the others."""
    for summary in alike.summaries:
        texts = {file: file.read_text(encoding="utf-8") for file in alike.folder.glob("tables/*.txt")}
        stems = {
            file.stem for file, text in texts.items() if f", {summary.name}, told blur and" in text or f"protocol {summary.name}" in text
        }
        parts = {
            re.sub(r"^(statistics|profiles_psnr|profiles_estimate)_|_told-blur-and-colour-response_(pairs|matrix)$", "", stem)
            for stem in stems
        }
        assert len(stems) == 4
        assert len(parts) == 1, parts


def test_labels_of_tables_differ_where_their_files_do(alike: ReportPaths) -> None:
    for suffix, pattern in (("tex", r"\\label\{(tab:[^}]*)\}"), ("typ", r"<(tab:[^>]*)>")):
        labels = [re.findall(pattern, file.read_text(encoding="utf-8"))[-1] for file in alike.folder.glob(f"tables/*_*.{suffix}")]
        assert len(labels) == len(set(labels)) > 9


def test_names_beyond_what_a_file_system_takes_make_files_all_the_same(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    long = "protocol " * 33 + "end"  # 300 characters
    twin = long.replace("end", "END")
    scene = "cave/" + "s" * 235
    assert (len(long), len(scene)) == (300, 240)
    run = run_of(tmp_path / "run", (long, twin, "...", "-", "con", "\u03c8", "\u03c6 \u03c9"), scene)
    for group_by in ("protocol", "scene"):
        if group_by == "scene":
            request.getfixturevalue("without_figures")  # once is enough for them
        report = write_report(run, choice=read_choice(group_by=group_by))
        names = names_of(report)
        assert all(path.is_file() for path in (*report.tables, *report.figures))
        assert len(set(report.tables)) == len(report.tables)
        assert sum(name.startswith("tables/summary_") and name.endswith(".tex") for name in names) == 7
        assert sum(name.startswith("spectra/") for name in names) == 7
        assert len({name.lower() for name in names}) == len(names)
        for name in names:
            part = name.rpartition("/")[2]
            assert part in (".files.json", ".drawn.json") or re.fullmatch(r"[a-z0-9_][a-z0-9._-]*\.[a-z]+", part), part
            assert len(part) <= 220
