"""The pages of the results, from small bundles made here: figures by another route, what is kept and refused, and that none is stale."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

import run_benchmark
from benchmark.review.bundle_names import named_bundles
from benchmark.run_folder.json_file import RecordError
from reports import results_pages
from reports.results_pages import BEGIN, BY_HAND, END, compose_results, generated_part, with_readme_part, write_results
from reports.style import DASH
from tests.reports.page.browsing import started_chromium
from tests.reports.result_bundles import bundle, moss, plan_rows, row, spread

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"


@pytest.fixture
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the drawing of the page, which takes seconds, where a test reads the other files."""
    monkeypatch.setattr(results_pages, "_page", lambda *_: "<p>")


GSA, LOW, SRF = (
    row("GSA", spread(33.0), fuse=0.125),
    row("Low", spread(30.0, 0.7), fuse=90.0),
    row("Lift", spread(46.5, -0.1), fuse=0.5, fit=7.0, size=28_000, tier="told the colour response", card={"learns": "on the scene"}),
)


def cells(page: str, label: str) -> list[str]:
    """The texts of the first line of a table that has this label in one of its first two cells."""
    for line in page.splitlines():
        texts = [text.strip() for text in line.strip().strip("|").split("|")]
        if line.startswith("|") and any(text.removesuffix(" ‖") == label for text in texts[:2]):
            return texts
    raise AssertionError(f"no line of {label}")


@pytest.mark.usefixtures("no_page")
def test_the_figures_of_the_tables_are_those_of_the_records(tmp_path: Path) -> None:
    own = moss(43.0)
    page = compose_results(bundle(tmp_path, own, GSA, LOW, SRF), tmp_path).files["leaderboard.md"]
    for records, marks in ((own, ""), (GSA, "**"), (LOW, ""), (SRF, " ★")):
        place, _, learns, *shown, n = cells(page, records[0].label)
        for text, metric, digits in zip(shown, ("psnr", "ssim", "sam", "ergas"), (2, 4, 2, 3), strict=False):
            mean = np.mean([record.metrics[metric] for record in records])
            assert abs(float(text.strip("*★ ")) - mean) <= 0.5000001 * 10**-digits
        assert (marks.strip() or "5") in shown[0] or not marks
        assert ("★" in shown[0], "**" in shown[0]) == (records is SRF, records is GSA), "the only row of a class is not called its best"
        assert (learns, n) == (records[0].card["learns"], "12/12")
        assert place == ("2" if records is LOW else "1")
    assert cells(page, "Lift")[7:9] == ["500 ms", "7.0 s"]
    assert cells(page, "Low")[7:9] == ["90 s", DASH]
    assert cells(page, "MossFuse")[10] == "585 k"
    assert "0123456789ab" in page
    assert "A &amp; &lt;B&gt;, cpu, 1 thread" in page


@pytest.mark.usefixtures("no_page")
def test_paired_differences_are_those_of_the_records(tmp_path: Path) -> None:
    own, short = moss(43.0), row("Short", spread(41.0, scenes=9))
    page = compose_results(bundle(tmp_path, own, GSA, SRF, short), tmp_path).files["verdicts.md"]
    table = page.partition("against each rival")[2]
    for rival in (GSA, SRF, short):
        _, told, text, n, _, verdict, angle, ratio, _ = cells(table, rival[0].label)
        ours, theirs = (np.array([record.metrics["psnr"] for record in each[: len(rival)]]) for each in (own, rival))
        gaps = ours - theirs
        mean, low, high = (float(part) for part in re.findall(r"[+-]\d+\.\d+", text))
        assert mean == pytest.approx(gaps.mean(), abs=0.0051)
        assert gaps.min() - 0.01 <= low < mean < high <= gaps.max() + 0.01
        half = 1.96 * gaps.std(ddof=0) / np.sqrt(len(gaps))  # the normal approximation of the same interval
        assert (high - low) / 2 == pytest.approx(half, rel=0.1)
        angles = np.mean([200 / b - 200 / a for a, b in zip(ours, theirs, strict=True)])
        assert float(angle.split()[0]) == pytest.approx(angles, abs=0.0051)
        assert int(n) == len(rival)
        assert verdict == ("worse" if rival is SRF else "better")
        seconds = rival[0].clock.fuse + (7.0 if rival is SRF else 0.0)
        assert float(ratio.split()[0]) == pytest.approx(1.0 / seconds, rel=0.06)
        assert told == ("told colour" if rival is SRF else "told nothing")


@pytest.mark.usefixtures("no_page")
def test_a_row_that_is_not_ranked_stands_below_with_its_reason(tmp_path: Path) -> None:
    lost = [
        replace(record, outcome="timeout", reason="took too long", metrics={}, clock=None) if place == 4 else record
        for place, record in enumerate(LOW)
    ]
    spoilt = row("Spoilt", spread(60.0), card={"unranked": "a control"})
    page = compose_results(bundle(tmp_path, GSA, lost, spoilt, SRF), tmp_path).files["leaderboard.md"]
    ranked, _, rest = page.partition("Baselines, and rows that are not ranked")
    assert "Low" not in ranked.partition("| #")[2]
    assert cells(rest, "Low †")[-2:] == ["11/12", "not ranked, 11 of 12 cells scored: timeout, took too long"]
    assert cells(rest, "Spoilt ‡")[-1] == "not ranked: a control"
    assert "★" in cells(page, "Lift")[3], "what is not ranked is not the best"


@pytest.mark.usefixtures("no_page")
def test_what_the_plan_has_and_the_bundle_has_not_is_named(tmp_path: Path) -> None:
    wanted = {"name": "slow", "label": "Slow one", "parameters": {"rank": 1}, "files": {}}
    plan = {"methods": [*plan_rows(GSA, LOW), wanted], "left_out": [f"method {name} is left out: not trained" for name in ("ab", "cd")]}
    page = compose_results(bundle(tmp_path, GSA, LOW, plan=plan), tmp_path).files["leaderboard.md"].partition("## Not run")[2]
    assert "Rows of the plan without any record here: Slow one." in page
    assert "Protocols of the plan without any record here: never-x2." in page
    assert "2 methods are left out, ab and cd: not trained" in page
    assert "GSA" not in page


@pytest.mark.usefixtures("no_page")
def test_a_scene_that_few_rows_have_reached_unranks_nobody(tmp_path: Path) -> None:
    begun = [
        row(name, spread(level, scenes=count))
        for name, level, count in (("Aa", 30, 4), ("Bb", 32, 3), ("Cc", 34, 3), ("Dd", 31, 3), ("Ee", 29, 1))
    ]
    page = compose_results(bundle(tmp_path, *begun), tmp_path).files["leaderboard.md"]
    assert [cells(page, name)[0] for name in ("Aa", "Bb", "Cc", "Dd")] == ["4", "2", "1", "3"]
    assert float(cells(page, "Aa")[3]) == pytest.approx(np.mean(spread(30, scenes=4)[:3]), abs=0.0051)
    assert cells(page, "Aa")[-1] == "3/12"
    assert "Of 4 scenes with records, the 3 that most rows have reached; 1 record of the others" in page
    assert cells(page.partition("not ranked:")[2], "Ee †")[-2] == "1/12"
    left = page.partition("## Not run")[2]
    assert cells(left, "Aa") == ["Aa", "mossfuse-x32", "8", "8.0 s"], "a second each"
    assert cells(left, "Ee")[2] == "11"


@pytest.mark.usefixtures("no_page")
def test_of_two_bundles_the_later_record_counts_and_a_gpu_has_a_row_of_its_own(tmp_path: Path) -> None:
    later = [
        replace(record, key=f"{record.key}b", metrics={**record.metrics, "psnr": 35.5}, ended="2026-03-01T00:00:00+00:00") for record in GSA
    ]
    gpu = [
        replace(record, key=f"{record.key}g", clock=replace(record.clock, fuse=0.01)) for record in row("GSA", spread(33.0), device="cuda")
    ]
    both = {**bundle(tmp_path, later, LOW, name="new"), **bundle(tmp_path, GSA, gpu, name="old")}
    page = compose_results(both, tmp_path).files["leaderboard.md"]
    assert cells(page, "GSA")[3] == "**35.50** ★"
    assert cells(page, "GSA, on a GPU")[7].startswith("10 ms")
    assert "new.json.xz`: 24 records" in page
    assert "old.json.xz`: 24 records" in page


@pytest.mark.usefixtures("no_page")
def test_what_is_written_by_hand_is_kept_and_old_tables_go(tmp_path: Path) -> None:
    files, out = bundle(tmp_path, GSA, LOW), tmp_path / "out"
    write_results(files, out)
    for name in ("leaderboard.md", "verdicts.md"):
        with (out / name).open("a", encoding="utf-8") as page:
            page.write("\n## What this says\n\nA sentence.\n")
    (out / "latex" / "leaderboard_gone.tex").write_text("old")
    (out / "latex" / "mine.tex").write_text("kept")
    write_results(bundle(tmp_path, LOW, GSA[:7]), out)
    for name in ("leaderboard.md", "verdicts.md"):
        text = (out / name).read_text(encoding="utf-8")
        assert text.endswith(f"{BY_HAND}\n\n## What this says\n\nA sentence.\n")
        assert text.count(BY_HAND) == 1
    assert sorted(file.name for file in (out / "latex").iterdir()) == [
        "definitions.tex",
        "leaderboard_mossfuse-x32.csv",
        "leaderboard_mossfuse-x32.tex",
        "methods.bib",
        "mine.tex",
    ]


@pytest.mark.usefixtures("no_page")
def test_the_readme_gets_its_part_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nprevious\n{END}\nafter\n", encoding="utf-8")
    write_results(bundle(tmp_path, moss(43.0), GSA, LOW, SRF), tmp_path / "out", readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "previous" not in text
    table = [line.split("|")[4].strip() for line in text.splitlines() if line.startswith("| mossfuse-x32")]
    assert sorted(table) == ["GSA", "Lift", "MossFuse"], "the best of each class"
    for spoilt in ("nothing", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{END}\n"):
        with pytest.raises(RecordError, match="expected one line"):
            with_readme_part(spoilt, "x")


def test_the_page_has_no_pictures_and_every_row(tmp_path: Path) -> None:
    page = compose_results(bundle(tmp_path, moss(43.0), GSA, LOW, SRF), tmp_path).files["leaderboard.html"]
    assert "<img" not in page
    assert 'href="#scenes"' not in page
    assert "cells.csv" not in page
    for label in ("MossFuse", "GSA", "Low", "Lift"):
        assert f'data-method="{label}"' in page
    assert "What MossFuse&#39;s paper claims" in page
    file = tmp_path / "leaderboard.html"
    file.write_text(page, encoding="utf-8")
    with started_chromium(tmp_path) as browser:
        opened, errors = browser.new_page(), []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(file.as_uri())
        opened.locator(".find input").fill("low")
        opened.wait_for_function("document.querySelector('.board tr[data-method=Lift]').hidden")
        assert errors == []


def test_a_page_beyond_the_limit_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_pages, "MOST_BYTES", 50_000)
    with pytest.raises(RecordError, match="expected a page below 50000 bytes, got"):
        write_results(bundle(tmp_path, GSA, LOW), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_without_scores_is_refused(tmp_path: Path) -> None:
    failed = [replace(record, outcome="failed", reason="broken", metrics={}, clock=None) for record in GSA]
    with pytest.raises(RecordError, match="expected a bundle with scored records"):
        compose_results(bundle(tmp_path, failed), tmp_path)


def test_the_command_writes_the_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = bundle(tmp_path, GSA, LOW).values()
    readme = (ROOT / "README.md").read_bytes()
    assert run_benchmark.main(["leaderboard", str(file), "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "leaderboard.md" in told
    assert re.search(r"claims    \d+ judgements on the statements", told)
    assert "`python run_benchmark.py leaderboard small.json.xz`" in (tmp_path / "out" / "leaderboard.md").read_text(encoding="utf-8")
    assert (ROOT / "README.md").read_bytes() == readme, "the clone's README belongs to docs/results alone"


def test_the_committed_pages_are_those_that_the_command_writes() -> None:
    """Numbers may differ by one unit of their last digit: another processor may round the other way."""
    page = RESULTS / "leaderboard.md"
    if not page.exists():
        pytest.skip("docs/results/leaderboard.md is not committed")
    text = page.read_text(encoding="utf-8")
    names = re.search(r"Generated by `python run_benchmark.py leaderboard ([^`]+)`", text)
    assert names is not None
    known = named_bundles()
    absent = [name for name in names[1].split() if name not in known]
    if absent:
        pytest.skip(f"the bundles {', '.join(absent)} are not in benchmark/reference")
    files = {name: known[name] for name in names[1].split()}
    made = compose_results(files, RESULTS, ROOT / "README.md")
    for name, new in made.files.items():
        if not name.endswith(".html"):
            assert_same_page(generated_part((RESULTS / name).read_text(encoding="utf-8")), generated_part(new), name)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert_same_page(readme.partition(BEGIN)[2].partition(END)[0].strip(), made.readme.strip(), "README.md")
    html = (RESULTS / "leaderboard.html").read_bytes()
    assert len(html) < results_pages.MOST_BYTES
    for file in files.values():
        assert sha256(file.read_bytes()).hexdigest()[:16] in html.decode(), "the page was drawn from another bundle"


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def assert_same_page(old: str, new: str, name: str) -> None:
    """The same words, and numbers within one unit of their last digit."""
    again = f"{name} is stale: run `leaderboard` again"
    assert _NUMBER.split(old) == _NUMBER.split(new), again
    for one, other in zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True):
        unit = 10.0 ** -max(len(text.partition(".")[2]) for text in (one, other))
        near = abs(float(one) - float(other)) < max(1.5 * unit, 1e-9 * float(one))
        assert one == other or ("." in one and near), f"{again}: {one} is now {other}"


def test_two_pages_differ_where_a_word_or_a_figure_does() -> None:
    assert_same_page("a 43.08 dB", "a 43.09 dB", "x")
    for other in ("a 43.10 dB", "a 43.08 db", "a 44 dB", "a 43.08 dB, n = 12"):
        with pytest.raises(AssertionError, match="x is stale"):
            assert_same_page("a 43.08 dB", other, "x")
