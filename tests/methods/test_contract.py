"""The contract, over every method found."""

from __future__ import annotations

from contextlib import suppress

import pytest

from benchmark.authors.conformance import CHECKS, Check
from benchmark.authors.trials import NotApplicableError
from methods.catalog import find

METHODS = find()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name.replace(" ", "_"))
@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_the_contract(name: str, check: Check) -> None:
    with suppress(NotApplicableError):
        assert check.run(METHODS[name]) is None  # nor is there advice
