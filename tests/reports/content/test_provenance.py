"""Where records were made: which seconds meet in one table, which versions are named, and what an earlier version's records say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder.record import Result
from reports.content.captions import machine_sentence, over_sentence, summary_caption
from reports.content.protocols_table import protocols_caption, tabulate_protocols
from reports.content.provenance import Provenance
from reports.content.row import Row
from reports.content.summary import Summary, summarise, timed_elsewhere
from reports.figures.accuracy_seconds import accuracy_figure
from reports.figures.bubble_chart import bubble_chart, ranked_bubbles
from reports.figures.looks import Looks
from reports.report import write_report
from reports.typeset.frames import record_frame, summary_frame
from reports.typeset.latex_tables import latex_summary
from reports.typeset.markdown import markdown_summary
from reports.typeset.plain_text import plain_summary
from reports.typeset.typst import typst_summary
from tests.benchmark.folders import read_records, write_record
from tests.reports.conftest import write_fake_index

FAST = {"processor": "Fast & new", "cores": 64, "threads_per_cell": 2, "slots": 1, "torch": "2.13.0", "numpy": "2.4.0"}
SLOW = {"processor": "Slow", "cores": 4, "threads_per_cell": 2, "slots": 1, "torch": "2.12.0", "numpy": "2.4.0"}
PLACES = {"fast": FAST, "slow": SLOW, "two slots": {**SLOW, "slots": 2}, "again": {**SLOW, "python": "3.13", "torch": "2.13.0"}}
DASH = "\N{EN DASH}"


def made(results: list[Result], where: dict[tuple[str, str], str], usual: str = "slow", **facts: Any) -> list[Result]:
    """The records of the first protocol, made in these environments by method and scene ("" for every scene), or in the usual one."""
    return [
        replace(r, environment=where.get((r.method, r.scene)) or where.get((r.method, "")) or usual, **facts)
        for r in results
        if r.protocol["ratio"] == 8
    ]


def summary_of(results: list[Result], **facts: Any) -> Summary:
    (summary,) = summarise(results, provenance=Provenance(PLACES, **facts))
    return summary


def row_of(summary: Summary, method: str) -> Row:
    return next(row for row in summary.rows if row.results[0].method == method)


def notes_of(summary: Summary, mark: str) -> dict[str, str]:
    return {note.label: note.text for note in summary.notes if note.mark == mark}


def test_seconds_of_one_machine_are_averaged_and_the_sentence_names_processor_and_threads(results: list[Result]) -> None:
    summary = summary_of(made(results, {}))
    assert machine_sentence(summary) == "Seconds on Slow, 2 threads."
    assert {row.timing for row in summary.rows} == {"here"}
    assert notes_of(summary, "¶") == {}
    assert row_of(summary, "rfuse").values["seconds"].text == "0.35"
    assert "Seconds on Slow, 2 threads. They are means of the cells' medians." in summary_caption(summary)[0][1]


def test_on_a_gpu_its_model_stands_before_the_processor(results: list[Result]) -> None:
    gpu = {"g": {**SLOW, "gpu": "NVIDIA H100 80GB HBM3", "gpus": 1}}
    (summary,) = summarise(made(results, {}, "g", device="cuda", threads=1), provenance=Provenance(gpu))
    assert machine_sentence(summary) == "Seconds on NVIDIA H100 80GB HBM3 with Slow, 1 thread."


def test_a_row_of_two_machines_has_no_mean_of_its_seconds_and_the_note_names_both(results: list[Result]) -> None:
    mixed = made(results, {("rfuse", "beads"): "fast"})
    summary = summary_of(mixed)
    row = row_of(summary, "rfuse")
    assert (row.values["seconds"].mean, row.values["seconds"].text) == (None, DASH)
    assert row.values["learning_seconds"].mean == 0  # wherever it ran
    learning = row_of(summary_of(made(results, {("mossfuse", "beads"): "fast"})), "mossfuse")
    assert [learning.values[key].mean for key in ("seconds", "learning_seconds")] == [None, None]
    assert row.values["psnr"].place == "best"  # its scores are as good as any
    expected = "seconds of 2 machines (Fast & new, 2 threads; Slow, 2 threads): not averaged, not compared"
    assert notes_of(summary, "¶") == {"R-FUSE": expected}
    assert machine_sentence(summary) == "Seconds on Slow, 2 threads, but for those with ¶."
    assert row_of(summary, "hysure").values["seconds"].text == "4.2"
    frame = summary_frame(summary).set_index("method")
    assert frame.loc["rfuse", ["seconds", "timing"]].isna().tolist() == [True, False]
    assert (frame.loc["rfuse", "timing"], frame.loc["hysure", "timing"]) == ("mixed", "here")


def test_every_kind_of_table_marks_the_seconds_that_are_not_compared(results: list[Result]) -> None:
    summary = summary_of(made(results, {("rfuse", "beads"): "fast", ("mossfuse", "beads"): "fast"}))
    for name, marks in (("R-FUSE", 1), ("MossFuse", 2)):  # R-FUSE never learns
        line = next(line for line in plain_summary(summary).splitlines() if line.strip().startswith(name))
        assert line.count(f"{DASH}¶") == marks
        line = next(line for line in markdown_summary(summary).splitlines() if line.startswith(f"| {name}"))
        assert line.count(f"{DASH} ¶") == marks
        line = next(line for line in latex_summary(summary).replace("-{}", "-").splitlines() if name in line and "&" in line)
        assert line.count(r"--$^{\P}$") == marks
    assert "¶ R-FUSE; MossFuse (50 steps, under-trained): seconds of 2 machines" in " ".join(plain_summary(summary).split())
    assert "¶ R-FUSE; MossFuse (50 steps, under-trained): seconds of 2 machines" in markdown_summary(summary).replace("\\", "")
    assert r"$^{\P}$ R-FUSE; MossFuse (50 steps, under-trained): seconds of 2 machines" in latex_summary(summary).replace("-{}", "-")
    assert typst_summary(summary).count(f'"{DASH}" + super("¶")') == 3


def test_two_clocks_are_never_averaged_either(results: list[Result]) -> None:
    older = [replace(r, clock_key="old" if r.method == "rfuse" and r.seed == 1 else "new") for r in made(results, {})]
    summary = summary_of(older)
    assert row_of(summary, "rfuse").values["seconds"].mean is None
    assert notes_of(summary, "¶") == {"R-FUSE": "seconds of 2 versions of the clock: not averaged, not compared"}
    whole = [replace(r, clock_key="old" if r.method == "rfuse" else "new") for r in made(results, {})]
    assert notes_of(summary_of(whole), "¶") == {"R-FUSE": "seconds by another version of the clock: not compared with those of other rows"}


def test_settings_of_one_machine_are_told_apart_by_what_differs(results: list[Result]) -> None:
    summary = summary_of(made(results, {("rfuse", "beads"): "two slots"}))
    expected = "seconds of 2 settings of one machine (Slow, 2 threads (slots 2); Slow, 2 threads (slots 1)): not averaged, not compared"
    assert notes_of(summary, "¶") == {"R-FUSE": expected}


def test_other_threads_or_another_device_are_not_averaged(results: list[Result]) -> None:
    for change in ({"threads": 1}, {"device": "cuda"}):
        mixed = [replace(r, **change) if (r.method, r.scene) == ("rfuse", "beads") else r for r in made(results, {})]  # type: ignore[arg-type]
        assert row_of(summary_of(mixed), "rfuse").timing == "mixed"


def test_environments_that_differ_in_what_does_not_matter_to_time_are_one(results: list[Result]) -> None:
    summary = summary_of(made(results, {("rfuse", "beads"): "again"}))
    assert {row.timing for row in summary.rows} == {"here"}
    assert row_of(summary, "rfuse").values["seconds"].text == "0.35"


def test_rows_of_another_machine_keep_their_seconds_and_are_marked(results: list[Result]) -> None:
    summary = summary_of(made(results, {("rfuse", ""): "fast", ("bicubic", ""): "fast"}))
    assert {row.label: row.timing for row in summary.rows if row.timing != "here"} == {"R-FUSE": "elsewhere", "Bicubic": "elsewhere"}
    assert row_of(summary, "rfuse").values["seconds"].text == "0.35"
    text = "seconds on Fast & new, 2 threads: not compared with those of other rows"
    assert notes_of(summary, "¶") == {"Bicubic": text, "R-FUSE": text}
    assert f"¶ Bicubic, R-FUSE: {text}" in " ".join(plain_summary(summary).split())
    assert "0.35¶" in plain_summary(summary)


def test_figures_of_time_leave_such_rows_out_and_name_them(results: list[Result]) -> None:
    for where in ({("rfuse", ""): "fast"}, {("rfuse", "beads"): "fast"}):
        summary = summary_of(made(results, where))
        assert timed_elsewhere(summary) == ["R-FUSE"]
        assert [bubble.row.label for bubble in ranked_bubbles(summary)] == ["Bicubic", "HySure"]
        panel = accuracy_figure([summary]).axes[0]
        assert " ".join(panel.get_xlabel().split()).endswith("not shown, their seconds cannot be compared: R-FUSE")
        panel.figure.canvas.draw()
        box = panel.xaxis.label.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= panel.figure.bbox.x1
        assert panel.get_title(loc="right") == "2 not ranked, not shown"
        names = [text.get_text() for text in panel.texts]
        assert "HySure" in names
        assert "R-FUSE" not in names
    alike = summary_of(made(results, {}))
    assert timed_elsewhere(alike) == []
    assert accuracy_figure([alike]).axes[0].get_xlabel() == "seconds per scene, log scale"


def test_where_every_row_is_of_several_machines_there_is_no_chart_of_time_and_no_machine(results: list[Result]) -> None:
    every = made(results, {(method, "beads"): "fast" for method in ("bicubic", "hostile", "hysure", "rfuse", "mossfuse")})
    summary = summary_of(every)
    assert summary.home is None
    assert machine_sentence(summary) == ""
    assert bubble_chart(summary, Looks.of([summary])) == ""
    assert all(row.values["psnr"].mean is not None for row in summary.rows)


def test_versions_are_named_where_a_table_has_several_of_them(results: list[Result]) -> None:
    mixed = made(results, {("rfuse", "beads"): "again"})
    summary = summary_of(mixed)
    assert over_sentence(summary).endswith("Made with torch 2.12.0 and 2.13.0.")
    assert "Made with torch 2.12.0 and 2.13.0." in summary_caption(summary)[0][1]
    assert "Made with torch 2.12.0 and 2.13.0." in " ".join(plain_summary(summary).split())
    assert "Made with" not in over_sentence(summary_of(made(results, {})))
    failed = [replace(r, outcome="failed", metrics={}, clock=None) if r.environment == "again" else r for r in mixed]
    assert "Made with" not in over_sentence(summary_of(failed))
    both = summarise(
        [replace(r, environment="slow" if r.protocol["ratio"] == 8 else "again") for r in results], provenance=Provenance(PLACES)
    )
    table = tabulate_protocols(both)
    assert table is not None
    assert protocols_caption(table)[-1][1].endswith("Made with torch 2.12.0 and 2.13.0.")


@pytest.mark.usefixtures("without_figures")
def test_an_earlier_version_is_named_once_in_every_table_and_on_the_page(small_run: Path) -> None:
    sentence = "Made by an earlier version of the suite."
    report = write_report(small_run)
    texts = {path.suffix: path for path in report.tables if path.name.startswith("summary_camera")}
    assert not [path for path in (report.page, *texts.values()) if sentence in path.read_text(encoding="utf-8")]
    record = read_records(small_run)[0]
    file = write_record(small_run, replace(record, schema=1))
    assert json.loads(file.read_text(encoding="utf-8"))["schema"] == 1
    for folder_of_schema_1 in (False, True):
        if folder_of_schema_1:  # the folder alone says so
            write_record(small_run, record)
            write_fake_index(small_run, read_records(small_run), schema=1)
        report = write_report(small_run)
        for suffix, path in texts.items():
            assert path.read_text(encoding="utf-8").count(sentence) == (0 if suffix == ".csv" else 1), suffix
        assert " ".join(plain_summary(report.summaries[0]).split()).count(sentence) == 1
        page = report.page.read_text(encoding="utf-8")
        assert page.count(sentence) == 2  # where it says what was run, and in the footer
        assert sentence in page[page.index("<footer>") :]


@pytest.mark.usefixtures("without_figures")
def test_a_run_of_two_machines_says_so_on_the_page_and_in_its_files(small_run: Path) -> None:
    for digest in ("fast", "slow"):
        (small_run / "environments").mkdir(exist_ok=True)
        (small_run / "environments" / f"{digest}.json").write_text(json.dumps(PLACES[digest]))
    for record in read_records(small_run):
        write_record(small_run, replace(record, environment="fast" if record.method == "rfuse" else "slow"))
    report = write_report(small_run)
    page = report.page.read_text(encoding="utf-8")
    assert "Seconds on Slow, 2 threads, but for those with ¶." in page
    assert "their seconds cannot be compared (¶ in the table): R-FUSE." in page
    assert "Made with torch 2.12.0 and 2.13.0." in page
    assert re.search(r'0\.35</span><sup class="mark">¶</sup>', page)
    cells = record_frame(read_records(small_run)).set_index("method")
    assert cells.loc["rfuse", "environment"] == "fast"


@pytest.mark.parametrize("environment", ["", "gone"])
def test_records_whose_environment_is_not_known_are_alike(results: list[Result], environment: str) -> None:
    summary = summary_of(made(results, {}, environment))
    assert machine_sentence(summary) == "Seconds on cpu, 2 threads."
    assert row_of(summary, "rfuse").values["seconds"].text == "0.35"
