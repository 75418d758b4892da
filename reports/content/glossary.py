"""The words of a report: those that docs/glossary.md has for readers. That file is the one source; nothing of it is copied here."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from reports.content.columns import Column

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
_READERS = "## Words of a report"  # the heading above the words that the page shows
_ENTRY = re.compile(r"- \*\*(?P<term>[^*]+)\*\*: (?P<meaning>.+)")


@lru_cache(maxsize=1)
def report_words() -> tuple[tuple[str, str], ...]:
    """Each word of a report with its sentence, in the order of the file; empty where the clone has no docs folder."""
    if not GLOSSARY.is_file():
        return ()
    part = GLOSSARY.read_text(encoding="utf-8").partition(_READERS)[2].partition("\n## ")[0]
    found = (_ENTRY.fullmatch(line) for line in part.splitlines())
    return tuple((each["term"], each["meaning"].replace("`", "")) for each in found if each is not None)


def meaning_of(term: str) -> str:
    """The sentence on a word; empty for one that the glossary does not have."""
    return dict(report_words()).get(term, "")


def heading_meaning(column: Column) -> str:
    """What a column holds, as a tooltip of its heading: the glossary's sentence, else the definition of the metric."""
    costs = {"seconds": "fuse", "learning_seconds": "fit", "peak_bytes": "memory", "gpu_bytes": "memory", "parameters": "parameter"}
    return meaning_of(column.label) or column.definition or meaning_of(costs.get(column.key, ""))
