"""One record that cannot be read costs its own cell: every command names it in one line, and goes on with the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.review.clean import clean
from benchmark.review.compare import compare_runs
from benchmark.review.explain import explain
from benchmark.review.forecast import past_cells_in
from benchmark.review.merge import merge
from benchmark.review.past_runs import read_past_runs
from benchmark.review.rescore import Rescored, rescore
from benchmark.review.status import status
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from tests.benchmark.folders import FIRST, read_records, run_folder, variant

SECOND = variant("b", label="Second", seed=1)
LINE = rf"cells/{SECOND.key}\.json is not a record: .*; move it away or run the plan again"
CHANGES: dict[str, dict[str, Any]] = {
    "a protocol that is a text": {"protocol": "x"},
    "metrics that are a list": {"metrics": [30.0]},
    "metrics that are a text": {"metrics": "30"},
    "a score that is a text": {"metrics": {"psnr": "high"}},
    "a score beyond all numbers": {"metrics": {"psnr": 1e300}},
    "operations that are a text": {"flops": "many"},
    "fewer than no operations": {"flops": -1},
    "an unknown outcome": {"outcome": "banana"},
    "no scores": {"metrics": {}},
    "an unknown field": {"colour": "red"},
    "a clock with a text": {"clock": {"fuse": "fast"}},
    "a seed that is true": {"seed": True},
    "a ratio of 0": {"protocol": {"name": "p", "ratio": 0}},
    "a digest that is a path": {"scene_digest": "../../etc/passwd"},
    "a key that is a path": {"key": "../x"},
    "a moment without a zone": {"ended": "2026-01-01T00:00:00"},
    "a shape that is a text": {"observed": {"shape": "31 x 16 x 24"}},
    "an iterate that is not there": {"oracle": {"count": 2, "best": 3, "psnr": [1.0, 2.0]}},
    "a later schema": {"schema": 99},
}


def changed(change: dict[str, Any]) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}))

    return spoil


def in_its_place(make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        file.unlink()
        make(file)

    return spoil


SPOILS: dict[str, Callable[[Path], None]] = {name: changed(change) for name, change in CHANGES.items()} | {
    "a folder": in_its_place(Path.mkdir),
    "a pipe": in_its_place(os.mkfifo),
    "a link to itself": in_its_place(lambda file: file.symlink_to(file.name)),
    "a cut file": lambda file: file.write_text(file.read_text()[:100]) and None,
    "no UTF-8": lambda file: file.write_bytes(b"\xff\xfe{}") and None,
    "100,000 levels": lambda file: file.write_text("[" * 100_000) and None,
    "NaN": lambda file: file.write_text(file.read_text().replace("30.0", "NaN")) and None,
    "1e999": lambda file: file.write_text(file.read_text().replace("30.0", "1e999")) and None,
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_file_that_is_no_record_is_one_line_and_the_rest_goes_on(tmp_path: Path, spoil: str) -> None:
    run, other = run_folder(tmp_path / "run", [FIRST, SECOND]), run_folder(tmp_path / "other", [FIRST, SECOND])
    SPOILS[spoil](RunFolder(run).record(SECOND.key))
    with pytest.raises(RecordError, match=LINE) as raised:
        RunFolder(run).read(SECOND.key)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
    assert read_records(run) == [FIRST]
    told = status(run)
    assert (told.total, told.done, len(told.broken)) == (2, 1, 1)
    assert f"Second on file/a, camera-x8, seed 1: cells/{SECOND.key}.json is not a record" in told.text()
    compared = compare_runs(run, other)
    assert [record.key for record in compared.only_after] == [SECOND.key]
    assert "is not a record" in compared.text()
    assert "outcome    cells/" in explain(run, SECOND.key).text()
    assert "outcome    scored" in explain(run, FIRST.key).text()
    assert "is not a record" in clean(run, dry_run=True).text()
    assert [cell.method for cell in past_cells_in(read_past_runs([run]))] == ["steady"]
    done: list[Rescored] = []
    rescore(run, (), lambda _, __, cell: done.append(cell))
    assert [cell.result.key for cell in done] == [FIRST.key]
    assert merge([run, other], tmp_path / "merged").records == 2


def test_a_running_file_and_a_plan_that_are_torn_leave_the_status_as_it_is(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST], waiting=("c",))
    whole = status(run)
    for text in ("", "[]", '{"run', '{"running": 5}', '{"running": {}}', "{}"):
        (run / "running.json").write_text(text)
        assert status(run) == whole
    (run / "plan.json").write_text("{torn")
    assert status(run).total == 2
    assert "plan.json: expected a JSON object, got no JSON at character 1" in status(run).text()


@pytest.mark.parametrize("text", ["", "[]", '{"cells": []}', '{"cells": {"../x": {}}}', '{"cells": {"k": {"label": 3}}}', '{"schema": 9}'])
def test_a_torn_index_is_said_with_the_way_out(tmp_path: Path, text: str) -> None:
    run = run_folder(tmp_path / "run", [FIRST])
    (run / "index.json").write_text(text)
    calls = (lambda: status(run), lambda: clean(run), lambda: explain(run, "a"), lambda: rescore(run, (), lambda *_: None))
    for call in (*calls, lambda: merge([run], tmp_path / "out"), lambda: compare_runs(run, run)):
        with pytest.raises(RecordError, match=r"index\.json is not an index: .*; run its plan again into .*, which writes it anew"):
            call()


def test_a_missing_reference_is_said_in_our_own_words(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST])
    RunFolder(run).reference(FIRST.scene_digest).unlink()
    (only,) = rescore(run, (), lambda *_: None)
    wanted = f"expected the reference scenes/{FIRST.scene_digest}.h5, got no such file; copy it here, or move the cell's record away"
    assert only.problem == f"not scored: {wanted} and run the plan again"


def test_texts_of_a_record_are_shown_as_escapes_wherever_they_come_from(tmp_path: Path) -> None:
    made = variant("c", label="\ufeffA\x1b[1m", reason="two\nlines \ud800", scene="\u202ex", parameters={"a\x00": ["\x07"]})
    assert (made.label, made.reason) == ("\\ufeffA\\x1b[1m", "two lines \\ud800")
    assert (made.scene, made.parameters) == ("\\u202ex", {"a\\x00": ["\\x07"]})
    run = run_folder(tmp_path / "run", [made])
    assert read_records(run) == [made]
    explain(run, "c").text().encode()
