"""A figure is drawn once, and again only where something that it shows has changed."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from reports.figures.drawing_cache import DrawingCache


def test_a_figure_is_drawn_again_only_where_its_inputs_or_its_files_changed(tmp_path: Path) -> None:
    def report(inputs: object, draw: bool = True) -> list[str]:
        drawings = DrawingCache(tmp_path)
        paths = drawings.figure("a", inputs, lambda: Figure(figsize=(1, 1)) if draw else None)
        assert bool(paths) == draw
        drawings.close()
        return drawings.drawn

    assert report([1.0, "x"]) == ["a"]
    assert report([1.0, "x"]) == []
    assert report([1.0 + 1e-12, "x"]) == ["a"]
    (tmp_path / "a.svg").unlink()
    assert report([1.0 + 1e-12, "x"]) == ["a"]
    (tmp_path / ".drawn.json").write_text("{torn")
    assert report([1.0 + 1e-12, "x"]) == ["a"]
    assert report([2.0], draw=False) == []
    assert report([2.0], draw=False) == []
