"""Spoilt files of every format: each is read as a cube that could be true, or refused by an error of the suite, in 10 s and 2 GB.

The seeds are fixed. `make fuzz` reads 20,000 files; $HMIF_FUZZ is their number, and $HMIF_FUZZ_REPORT a file for the counts.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from tests.datasets.fuzz_pool import findings
from tests.datasets.fuzz_samples import SAMPLES

COUNT = int(os.environ.get("HMIF_FUZZ", "1000"))
GOOD = ("right", "clear")


def test_every_spoilt_file_is_a_right_cube_or_an_error_of_ours() -> None:
    found = list(findings(COUNT))
    counts = Counter(one.outcome for one in found)
    report = os.environ.get("HMIF_FUZZ_REPORT")
    bad = [one for one in found if one.outcome not in GOOD]
    if report:
        by_sample = {name: Counter(one.outcome for one in found if one.sample == name) for name in SAMPLES}
        listing = [[one.sample, one.seed, one.outcome, one.text] for one in bad]
        Path(report).write_text(json.dumps({"counts": counts, "samples": by_sample, "bad": listing}, indent=1) + "\n", encoding="utf-8")
    assert len(found) == COUNT
    assert not bad, f"{dict(counts)}\n" + "\n".join(f"{one.sample}, seed {one.seed}: {one.outcome}: {one.text}" for one in bad[:40])
    assert counts["clear"] > 0.5 * COUNT  # the changes do spoil files
