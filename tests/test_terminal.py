"""What a person sees in a terminal: the bar of a run, colours, and plain lines where there is no terminal."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmark.commands.run_words import clock_words, left_words, running_words
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import Progress, Work
from run_benchmark import Terminal

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-9]|9[0-7])(?:;\d+)*m")
AT_WORK = Progress(
    total=36,
    done=12,
    running=("SpectraLift on builtin/fields",),
    left_s=80.4,
    elapsed_s=14.2,
    work=Work(seconds=5.0, usual_s=None, steps=1340, usual_steps=0),
)


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Standard error, which is a terminal of 80 columns that knows colours."""
    stream = Screen()
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return stream


@pytest.fixture
def show(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Makes the console of a program whose standard error is that terminal; pytest puts its own stream there before each test."""

    def terminal() -> Terminal:
        monkeypatch.setattr(sys, "stderr", screen)
        return Terminal()

    return terminal


def drawn(stream: Screen) -> list[str]:
    """Each line as it was drawn, without control characters."""
    return [line for line in re.split(r"[\r\n]+", CONTROL.sub("", stream.getvalue())) if line.strip()]


def ended(outcome: str = "scored", reason: str = "") -> Result:
    return Result(
        key="k",
        outcome=outcome,  # type: ignore[arg-type]
        reason=reason,
        method="gsa",
        label="GSA",
        parameters={},
        card={},
        tier="told nothing",
        scene="builtin/fields",
        scene_digest="s",
        observation_digest="o",
        protocol={"name": "camera-x8"},
        seed=0,
        metrics={"psnr": 30.174} if outcome == "scored" else {},
    )


def test_the_bar_says_what_runs_how_far_it_is_how_long_it_took_and_what_is_left(screen: Screen, show: Callable[[], Terminal]) -> None:
    terminal = show()
    terminal.progress(AT_WORK)
    terminal.close()
    (line,) = set(drawn(screen))
    assert line.startswith("12/36 ")
    assert re.sub(" {2,}", " ", line.rstrip()).endswith("SpectraLift on fields step 1,340 · 0:14 · about 1:20 left")
    assert len(line) <= 80


def test_nothing_is_told_of_the_time_left_before_it_is_known(screen: Screen, show: Callable[[], Terminal]) -> None:
    terminal = show()
    terminal.progress(replace(AT_WORK, left_s=None))
    terminal.close()
    assert drawn(screen)[0].rstrip().endswith("0:14 · time left unknown")


def test_a_line_fits_whatever_the_names_are(screen: Screen, show: Callable[[], Terminal]) -> None:
    terminal = show()
    name = "MossFuse (30 steps, under-trained), blind by HySure on remote/pavia_university_top_left"
    work = Work(seconds=1.0, usual_s=4.0, steps=0, usual_steps=0)
    terminal.progress(replace(AT_WORK, total=1234, done=999, running=(name, "x on y"), left_s=86_400.0, work=work))
    terminal.close()
    (line,) = set(drawn(screen))
    assert len(line) <= 80
    assert "999/1234" in line
    assert "25 % · 0:14 · about 24:00:00 left" in line
    assert running_words(AT_WORK, 19) == "SpectraL\u2026 on fields"


def test_cells_that_have_ended_stay_above_the_bar(screen: Screen, show: Callable[[], Terminal]) -> None:
    terminal = show()
    terminal.progress(replace(AT_WORK, last=ended()))
    terminal.progress(replace(AT_WORK, last=ended("skipped", "RefusedError: GSA takes 31 bands, got 101")))
    terminal.close()
    lines = drawn(screen)
    assert "[12/36] GSA on builtin/fields, camera-x8: PSNR 30.17 dB" in lines
    assert "[12/36] GSA on builtin/fields, camera-x8: skipped: GSA takes 31 bands, got 101" in " ".join(lines)


def test_without_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.progress(AT_WORK)
    terminal.progress(replace(AT_WORK, last=ended()))
    terminal.progress(replace(AT_WORK, last=ended("failed", "ValueError: no\x1b[31m")))
    terminal.say("told nothing \u2500\u2500\u2500\u2500\n  GSA  30.17*", sys.stdout)
    terminal.close()
    out, err = capsys.readouterr()
    assert out == "told nothing \u2500\u2500\u2500\u2500\n  GSA  30.17*\n"
    assert err.splitlines() == [
        "[12/36] GSA on builtin/fields, camera-x8: PSNR 30.17 dB, about 1:20 left",
        "[12/36] GSA on builtin/fields, camera-x8: failed: ValueError: no\\x1b[31m, about 1:20 left",
    ]


def test_colours_change_no_text_and_go_where_the_user_wants_none(
    screen: Screen, show: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "told nothing \u2500\u2500\u2500\u2500\n  GSA  30.17* 0.83+  a[b]c\nerror: did you mean 'report'?"
    show().say(text, screen)
    assert COLOUR.search(screen.getvalue())
    assert CONTROL.sub("", screen.getvalue()) == f"{text}\n"
    screen.truncate(0)
    screen.seek(0)
    monkeypatch.setenv("NO_COLOR", "1")
    show().say(text, screen)
    assert not COLOUR.search(screen.getvalue())
    assert CONTROL.sub("", screen.getvalue()) == f"{text}\n"
    monkeypatch.setenv("TERM", "dumb")
    assert not show().rewrite


def test_control_characters_of_a_text_reach_no_terminal(screen: Screen, show: Callable[[], Terminal]) -> None:
    terminal = show()
    terminal.line("a\x1b]0;title\x07b", passing=False)
    terminal.line("a\x1b[2Jb", passing=True)
    terminal.close()
    assert "\x1b]0" not in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_seconds_are_minutes_and_hours() -> None:
    assert [clock_words(seconds) for seconds in (0.4, 14.2, 80.4, 3599.6, 7509.0)] == ["0:00", "0:14", "1:20", "1:00:00", "2:05:09"]
    assert left_words(replace(AT_WORK, left_s=None)) == "time left unknown"
