"""More than the published training is asked for in words, and the card says it: `budget = 20` is no way to write 20 steps."""

from __future__ import annotations

from dataclasses import fields

import pytest

from datasets.settings import configure
from methods.catalog import Entry, find

WITH_BUDGET = [entry for entry in find().values() if any(item.name == "budget" for item in fields(entry.load()))]


def test_there_are_such_methods() -> None:
    assert {entry.name for entry in WITH_BUDGET} >= {"ssrnet", "ual", "mstpp", "dip", "daem", "cucanet", "m2unet", "c2ff", "spectramorph"}
    assert len(WITH_BUDGET) >= 19


@pytest.mark.parametrize("entry", WITH_BUDGET, ids=lambda entry: entry.name)
def test_a_budget_above_1_is_refused_unless_it_is_meant(entry: Entry) -> None:
    kind = entry.load()
    with pytest.raises(ValueError, match=r"budget: expected at most 1.* got 20.*more_than_published = true"):
        configure(kind, {"budget": 20})
    card = configure(kind, {"budget": 20, "more_than_published": True}).describe()
    assert "20 times the published" in card.name
    assert "times" not in configure(kind, {"budget": 1}).describe().name
    assert "times" not in configure(kind, {"more_than_published": True}).describe().name
    assert "reduced" in configure(kind, {"budget": 0.5, "more_than_published": True}).describe().name
    for wrong in (0.0, -1.0):
        with pytest.raises(ValueError, match="budget: expected"):
            configure(kind, {"budget": wrong, "more_than_published": True})


@pytest.mark.parametrize("entry", [entry for entry in WITH_BUDGET if entry.family == "supervised"], ids=lambda entry: entry.name)
def test_larger_batches_are_more_training_too(entry: Entry) -> None:
    kind = entry.load()
    published = kind.published.batch  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"batch: expected at most .* got 7 times as much.*more_than_published = true"):
        configure(kind, {"batch": 7 * published})
    assert "7 times the published" in configure(kind, {"batch": 7 * published, "more_than_published": True}).describe().name
    configure(kind, {"batch": 7 * published, "budget": 1 / 7})
