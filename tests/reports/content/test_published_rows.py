"""Published numbers as rows: for the same protocol and scenes alone, marked, below all others, and never ranked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.run_folder.record import Result
from reports.content.ledger import Claim, ClaimSource
from reports.content.published_rows import TIER, is_published, with_published
from reports.content.summary import summarise
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_summary
from reports.typeset.markdown import markdown_summary
from reports.typeset.plain_text import plain_summary
from reports.typeset.typst import typst_summary
from tests.reports.conftest import SCENES
from tests.reports.tex import tex

SOURCE = ClaimSource(id="x", title="Somebody & Co, A paper", address="doi:10.1/2", place="Table 3", sure="seen")


def claim(metric: str, printed: str, **facts: object) -> Claim:
    one = Claim(
        source=SOURCE,
        label="R-FUSE",
        method="rfuse",
        metric=metric,
        printed=printed,
        data="beads, a toy and flowers",
        scenes=SCENES,
        protocol="x8",
        numbers={"ratio": 8, "psf.sigma": 2.0},
        profile="mossfuse",
        learns="",
        differs=None,
        why="",
    )
    return replace(one, **facts)  # type: ignore[arg-type]


def test_a_number_for_the_same_protocol_and_scenes_is_a_marked_row(results: list[Result], tmp_path: Path) -> None:
    first, second = summarise(results)
    claims = [claim("psnr", "99.5"), claim("sam", "0.123"), claim("rmse8", "2.0")]
    shown = with_published(first, claims)
    assert shown.tiers[:-1] == first.tiers  # places and means of the run stay as they are
    tier, (row,) = shown.tiers[-1]
    assert (tier, row.label) == (TIER, "R-FUSE, published")
    assert is_published(row)
    assert not row.ranked
    assert (row.values["psnr"].text, row.values["sam"].text, row.values["ssim"].text) == ("99.5", "0.123", "\N{EN DASH}")
    assert row.values["psnr"].place == ""
    for text in (plain_summary(shown), markdown_summary(shown), latex_summary(shown), typst_summary(shown)):
        assert "99.5" in text
        assert "as printed in Somebody" in " ".join(text.split())
    note = next(line for line in plain_summary(shown, 2000).splitlines() if "as printed" in line and line.startswith("\u2021"))
    assert note == (
        "\u2021 R-FUSE, published: as printed in Somebody & Co, A paper (doi:10.1/2), Table 3; the table was read; scored as mossfuse does"
    )
    tex(tmp_path, latex_document([latex_summary(shown, caption="short")]))
    assert with_published(second, claims) == second  # another protocol


@pytest.mark.parametrize(
    "facts",
    [
        {"numbers": {"ratio": 4}},
        {"numbers": {}},
        {"scenes": SCENES[:2]},
        {"scenes": (*SCENES, "more")},
        {"scenes": ()},
        {"metric": "rmse8"},
    ],
)
def test_a_number_for_anything_else_is_left_out(results: list[Result], facts: dict[str, object]) -> None:
    first = summarise(results)[0]
    assert with_published(first, [replace(claim("psnr", "99.5"), **facts)]) == first  # type: ignore[arg-type]
