"""The whole report of a run folder, and of folders with things missing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from benchmark.metrics.metric_facts import METRICS
from benchmark.run_folder.json_file import RecordError
from reports.content.choice import read_choice
from reports.report import ReportPaths, write_report
from run_benchmark import Terminal
from tests.benchmark.folders import read_records, write_record

ROOT = Path(__file__).resolve().parents[2]
# Tiers of each protocol with two methods or more to compare; under the second one HySure has no score, and so its tier has but one.
COMPARED = {"camera-x8": ("told-nothing", "told-blur-and-colour-response", "all-tiers"), "noisy_x4-b": ("told-nothing", "all-tiers")}
VOID = {"meta", "link", "img", "input", "br", "rect", "circle", "path", "use"}


@dataclass
class Page(HTMLParser):
    """What a browser would make of the page: elements in order, their attributes, their text; and whether all of them are closed."""

    source: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(report: ReportPaths) -> Page:
    return Page(report.page.read_text(encoding="utf-8"))


def test_the_report_lies_where_it_says(report: ReportPaths, run_folder: Path) -> None:
    assert report.folder == run_folder / "report"
    stems = ("summary_camera-x8", "summary_noisy_x4-b")
    names = {f"tables/{stem}.{suffix}" for stem in (*stems, "protocols") for suffix in ("tex", "typ", "csv", "md")}
    names |= {
        f"tables/{name}"
        for name in ("cells.csv", "claims.csv", "claims.md", "claims.txt", "definitions.tex", "methods.bib", "statistics.csv")
    }
    compared = [f"{protocol}_{tier}" for protocol, tiers in COMPARED.items() for tier in tiers]
    names |= {
        f"tables/statistics_{each}_{kind}.{suffix}"
        for each in compared
        for kind in ("matrix", "pairs")
        for suffix in ("tex", "typ", "txt", "md")
    }
    assert {path.relative_to(report.folder).as_posix() for path in report.tables} == names
    stems = {path.relative_to(report.folder).with_suffix("").name for path in report.figures}
    protocols = ("camera-x8", "noisy_x4-b")
    assert stems == {"psnr_seconds", "responses_noisy_x4-b"} | {f"{kind}_{each}" for kind in ("cd", "ranks") for each in compared} | {
        f"{kind}_{protocol}" for kind in ("psnr_seconds", "scenes", "errors", "spectra") for protocol in protocols
    }
    assert {path.suffix for path in report.figures} == {".pdf", ".png", ".svg"}
    assert all(path.stat().st_size > 0 for path in (report.page, *report.tables, *report.figures))
    assert not list(report.folder.rglob("*.tmp"))


def test_three_scenes_have_no_interval_anywhere(report: ReportPaths) -> None:
    table = pd.read_csv(report.folder / "tables" / "statistics.csv")
    assert set(table["scenes"]) == {3}
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["differences"].notna().all()
    typeset = [file for suffix in ("md", "tex", "typ", "txt") for file in report.folder.glob(f"tables/*.{suffix}")]
    assert len(typeset) > 20
    for file in (*typeset, *report.folder.glob("figures/*.svg"), report.page):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"95\s*\\?%|bootstrap|\d to -?\d+\.\d", text), file


def test_cells_csv_has_every_record(report: ReportPaths, run_folder: Path) -> None:
    table = pd.read_csv(report.folder / "tables" / "cells.csv").set_index("key")
    for record in read_records(run_folder):
        assert table.loc[record.key, "outcome"] == record.outcome
        if record.metrics:
            assert table.loc[record.key, "metric.psnr"] == pytest.approx(record.metrics["psnr"], rel=1e-15)


def test_the_page_is_well_formed_and_every_anchor_has_its_target(page: Page) -> None:
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    targets = [link["href"] for link in page.all("a") if (link["href"] or "").startswith("#")]
    assert {target[1:] for target in targets if target} <= set(ids)


def test_hostile_text_stays_text(page: Page) -> None:
    assert "A&B_100%<script>alert('x')</script>" in page.text
    assert "<img src=x onerror=alert(1)> \\input{/etc/passwd} 100%" in page.text
    assert "noisy_x4 & <b>" in page.text
    assert len([script for script in page.all("script") if script.get("type") != "application/json"]) == 1
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not any((image["src"] or "").startswith("x") for image in page.all("img"))


def test_nothing_is_fetched_and_only_the_pages_own_script_may_run(page: Page) -> None:
    sources = [attributes.get(name) for _, attributes in page.elements for name in ("src", "srcset", "data", "poster", "action")]
    assert all(source.startswith("data:image/webp;base64,") for source in sources if source)
    outside = [link["href"] for link in page.all("a") if re.match(r"[a-z]+:", link["href"] or "")]
    assert set(outside) <= {
        "https://doi.org/10.1109/LSP.2016.2608858",
        *(f"https://doi.org/{fact.doi.replace('(', '%28').replace(')', '%29')}" for fact in METRICS),
    }
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert not re.search(r"url\(\s*['\"]?(?!#)", page.source)
    assert "@import" not in page.source
    data = re.findall(r'<script type="application/json" class="[a-z-]+">(.*?)</script>', page.source, re.DOTALL)
    assert len(data) == 12
    assert not any("<" in table for table in data)
    script = re.search(r"<script>(.*?)</script>", page.source, re.DOTALL)
    assert script is not None
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert f"'sha256-{b64encode(sha256(script[1].encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_every_lost_cell_is_on_the_page_with_its_reason(page: Page) -> None:
    table = page.text[page.text.index("Cells without scores", page.text.index("Scenes")) :]
    flat = re.sub(r"\s+", " ", table)
    assert "failed A&B_100%<script>alert('x')</script> camera-x8 beads, seed 1 ValueError: x < 0 & y > 1 <img" in re.sub(
        r" +", " ", flat
    ) or ("failedA&B_100%<script>alert('x')</script>camera-x8beads, seed 1ValueError: x < 0" in flat)
    assert "signal 9 (SIGKILL)" in flat
    assert "6 cells: beads, seed 0, beads, seed 1, chart & toy, seed 0" in flat


def test_the_page_says_what_was_run_and_how_metrics_are_defined(page: Page) -> None:
    for fact in (
        "run_benchmark.py run <plan>.toml --seed 0",
        "A & B <CPU>",
        "25.0 GB",
        "gaussian",
        "MTF at Nyquist 0.3",
        "35 dB",
        "no noise",
    ):
        assert fact in page.text
    for fact in METRICS[:6]:
        assert fact.definition in page.text
    assert "authors' output, 1e-6 <relative>" in page.text


def test_every_scored_method_has_its_pictures_and_all_have_one_scale(page: Page) -> None:
    images = [b64decode((image["src"] or "").partition(",")[2]) for image in page.all("img")]
    # 2 protocols x 3 scenes: truth, HSI, MSI, and three pictures of 5 methods, less HySure's under the second protocol;
    # first the strip's pictures (the scene, two inputs, two methods, the truth), then R-FUSE's posterior, the true PSF and an estimated one
    assert len(images) == 6 + 2 * 3 * 3 + 2 * 3 * 5 * 3 - 3 * 3 + 2 * 3 + 2 * 3 * 2
    for content in images[6:14]:
        with Image.open(BytesIO(content)) as image:
            assert image.format == "WEBP"
            assert image.size in ((48, 32), (6, 4))
    assert page.source.count('class="ramp"') == 2 * 6
    assert page.text.count("no scores: skipped") == 3


def test_without_javascript_tables_pictures_and_figures_are_all_there(page: Page) -> None:
    assert not [tag for tag, attributes in page.elements if "hidden" in attributes]
    waiting = {tag for tag, attributes in page.elements if "needs-script" in (attributes["class"] or "" if "class" in attributes else "")}
    # the filter, the stage, ticks of the legend, a hint, the tools of the leaderboard
    assert waiting == {"form", "input", "span", "div"}
    charts = [svg for svg in page.all("svg") if (svg.get("class") or "").startswith("chart")]
    # map, bubbles and failures of a protocol; spectra, failures and an SRF of a scene
    assert len(charts) == 2 * (2 + 3) + 2 * 3 * (1 + 3 + 1)


def test_missing_files_are_said_to_be_missing(small_run: Path) -> None:
    (small_run / "environment.json").unlink()
    (small_run / "plan.json").unlink()
    estimates = sorted((small_run / "estimates").glob("*.h5"))
    estimates[0].unlink()
    estimates[1].write_bytes(b"torn")
    shutil.rmtree(small_run / "observations")
    page = Page(write_report(small_run).page.read_text(encoding="utf-8"))
    assert "environment.json is not in the run folder" in page.text
    assert "plan.json is not in the run folder" in page.text
    assert f"not stored: estimates/{estimates[0].name}" in page.text
    assert f"cannot be read: estimates/{estimates[1].name}" in page.text
    assert "not stored: observations/" in page.text
    assert str(small_run) not in page.text


@pytest.mark.usefixtures("without_figures")
def test_several_environments_are_all_on_the_page(small_run: Path) -> None:
    (small_run / "environments").mkdir()
    for digest, cores in (("aaa1", 3), ("bbb2", 97)):
        (small_run / "environments" / f"{digest}.json").write_text(json.dumps({"cores": cores, "processor": f"<b>{digest}"}))
    for record, digest in zip(read_records(small_run), ("aaa1", "bbb2", "bbb2", "bbb2"), strict=True):
        write_record(small_run, replace(record, environment=digest))
    page = Page(write_report(small_run).page.read_text(encoding="utf-8"))
    assert "All 2 environments that took part" in page.text
    assert "<b>bbb2" in page.text


def test_without_references_the_tables_still_stand(small_run: Path) -> None:
    shutil.rmtree(small_run / "scenes")
    page = Page(write_report(small_run).page.read_text(encoding="utf-8"))
    assert "not stored: scenes/scene0.h5" in page.text
    assert page.all("img") == []
    assert "R-FUSE" in page.text


def test_a_run_of_one_method_without_scores_has_a_report(small_run: Path, tmp_path: Path) -> None:
    for file in (small_run / "cells").glob("*.json"):
        record = json.loads(file.read_text())
        if record["method"] != "rfuse":
            file.unlink()
            continue
        record |= {
            "outcome": "out of memory",
            "reason": "limit 2 GB",
            "metrics": {},
            "clock": None,
            "memory": None,
            "parameters_total": None,
        }
        file.write_text(json.dumps(record | {"observation_digest": "", "device": ""}))
    report = write_report(small_run, tmp_path / "elsewhere")
    assert report.page == tmp_path / "elsewhere" / "index.html"
    page = Page(report.page.read_text(encoding="utf-8"))
    assert "limit 2 GB" in page.text
    assert "no ranked method with a PSNR" in page.text
    assert "out of memory" in (tmp_path / "elsewhere" / "tables" / "summary_camera-x8.tex").read_text()


def test_what_is_no_run_folder_is_refused_with_a_reason(small_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="expected a run folder"):
        write_report(tmp_path / "nowhere")
    (small_run / "index.json").write_text("{torn")
    with pytest.raises(RecordError, match=r"index\.json is not an index: .*; run its plan again into .*, which writes it anew"):
        write_report(small_run)
    (small_run / "index.json").unlink()
    for file in (small_run / "cells").glob("*.json"):
        file.unlink()
    with pytest.raises(RecordError, match="expected at least one record"):
        write_report(small_run)


def test_a_report_needs_no_torch_and_no_method(small_run: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom reports.report import write_report\n"
        "write_report(Path(sys.argv[1]))\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'methods')])"
    )
    run = subprocess.run([sys.executable, "-c", code, small_run], cwd=ROOT, capture_output=True, text=True, timeout=800, check=False)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")


def test_a_report_by_another_choice_leaves_nothing_of_the_one_before(small_run: Path) -> None:
    first = write_report(small_run)
    own = first.folder / "notes.txt"
    own.write_text("a file that no report has written")
    second = write_report(small_run, choice=read_choice(metrics="sam,psnr", group_by="tier", methods="rfuse,bicubic"))
    there = {path for path in (second.folder / "tables").iterdir() if not path.name.startswith(".")}
    assert there == set(second.tables)
    assert {path.name for path in second.tables if path.suffix == ".tex"} == {
        "definitions.tex",
        "summary_camera-x8-told-nothing.tex",
        "summary_camera-x8-told-blur-and-colour-response.tex",
        "statistics_camera-x8_all-tiers_matrix.tex",
        "statistics_camera-x8_all-tiers_pairs.tex",
    }
    assert own.exists()
    page = Page(second.page.read_text(encoding="utf-8"))
    assert "MossFuse" not in page.text.partition("Published numbers")[0]


@pytest.mark.usefixtures("without_figures")
def test_the_end_of_a_report_names_the_folder_of_its_tables_and_their_number(small_run: Path) -> None:
    text = Terminal().report(small_run)[1]
    tables = list((small_run / "report" / "tables").glob("*.tex"))
    assert (
        text
        == f"LaTeX     {len(tables)} tables (.tex) in {small_run / 'report' / 'tables'}\npage      {small_run / 'report' / 'index.html'}"
    )


def test_the_parts_of_the_work_are_told_in_their_order(small_run: Path) -> None:
    told: list[tuple[int, int, str]] = []
    write_report(small_run, show=lambda *part: told.append(part))
    assert [(number, total) for number, total, _ in told] == [(number, 9) for number in range(1, 10)]
    assert (told[0][2], told[-1][2]) == ("records", "page")


@pytest.mark.usefixtures("without_figures")
def test_the_page_folds_what_makes_a_mismatch_in_no_protocol(small_run: Path) -> None:
    neutral = {"given_psf": None, "given_phase": None, "shift": [0, 0], "rotation_deg": 0}
    for record in read_records(small_run):
        turned = {"rotation_deg": 0.5} if record.protocol["ratio"] == 8 else {}
        write_record(small_run, replace(record, protocol={**record.protocol, **neutral, **turned}))
    page = write_report(small_run).page.read_text(encoding="utf-8")
    tables = ("What differs", "Mismatches")
    shown, folded = (re.search(rf'role="region" aria-label="{name}">.*?</table>', page, re.DOTALL) for name in tables)
    assert shown is not None
    assert folded is not None
    for label in ("given psf", "given phase", "shift"):
        assert f'<th scope="row">{label}</th>' in folded[0]
        assert f'<th scope="row">{label}</th>' not in shown[0]
    assert '<th scope="row">rotation deg</th>' in shown[0]
    assert "quantised" not in page
