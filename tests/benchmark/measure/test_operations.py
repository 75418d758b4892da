"""Operations: against counts by hand, and what has no formula is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from math import log2

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.authors.sample_pairs import random_pair
from benchmark.clone import ROOT
from benchmark.measure.operations import count_flops
from methods.catalog import find_one
from methods.contract import learn

RNG = torch.Generator().manual_seed(0)
X = torch.rand(2, 6, 12, 20, generator=RNG)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: F.conv2d(X, torch.ones(5, 6, 3, 3), padding=1), 2 * 2 * 5 * 6 * 9 * 12 * 20),
        (lambda: F.conv2d(X, torch.ones(6, 1, 3, 3), groups=6, stride=2), 2 * 2 * 6 * 9 * 5 * 9),
        (lambda: torch.einsum("bchw,dc->bdhw", X, torch.ones(7, 6)), 2 * 2 * 7 * 6 * 240),
        (lambda: F.linear(torch.ones(11, 5), torch.ones(4, 5), torch.ones(4)), 2 * 11 * 5 * 4),
        (lambda: F.scaled_dot_product_attention(*(torch.ones(1, 2, 9, 4),) * 3), 2 * 2 * 2 * 9 * 9 * 4),
        (lambda: torch.fft.fft2(torch.ones(3, 8, 16, dtype=torch.complex64)), round(5 * 3 * 128 * log2(128))),
        (lambda: torch.fft.rfft2(torch.ones(3, 8, 16)), round(2.5 * 3 * 128 * log2(128))),
        (lambda: torch.fft.irfft2(torch.ones(3, 8, 9, dtype=torch.complex64)), round(2.5 * 3 * 128 * log2(128))),
        (lambda: torch.linalg.cholesky(torch.eye(6)), 6**3 // 3),
        (lambda: torch.linalg.solve(torch.eye(6), torch.ones(6, 2)), round(2 / 3 * 6**3 + 2 * 36 * 2)),
        (lambda: torch.linalg.solve_triangular(torch.eye(6), torch.ones(6, 2), upper=True), 36 * 2),
        (lambda: torch.linalg.eigh(torch.eye(5)), 9 * 125),
        (lambda: torch.linalg.svd(torch.ones(7, 5)), 4 * 7 * 25 + 8 * 125),
    ],
)
def test_the_count_is_the_formula(call: Callable[[], Tensor], expected: int) -> None:
    assert count_flops(call)[1].total == expected


def test_a_backward_pass_counts_too() -> None:
    weight = torch.ones(4, 5, requires_grad=True)
    forward = 2 * 11 * 5 * 4
    _, flops = count_flops(lambda: (torch.ones(11, 5) @ weight.T).sum().backward())  # type: ignore[no-untyped-call]
    assert flops.total == 2 * forward  # the input needs no gradient


def test_what_has_no_formula_is_named_and_what_is_free_is_not() -> None:
    _, flops = count_flops(lambda: (X.reshape(2, 6, -1).transpose(1, 2).contiguous() + 1).exp())
    assert flops.total == 0
    assert flops.uncounted == ("add", "exp")
    assert count_flops(lambda: X.permute(0, 2, 3, 1).clone())[1].uncounted == ()


def test_attention_is_counted_where_the_fast_path_would_hide_it() -> None:
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
    tokens = torch.ones(1, 10, 8)
    with torch.inference_mode():
        _, flops = count_flops(lambda: layer(tokens, tokens, tokens, need_weights=False))
    assert flops.total == 2 * 10 * 8 * 24 + 2 * 2 * 2 * 10 * 10 * 4 + 2 * 10 * 8 * 8
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_per_pixel_network_costs_its_parameters_at_every_pixel() -> None:
    kind = find_one("spectralift").load()
    seen = random_pair(31, 3)
    fitted = learn(kind(**kind.trial), seen, torch.Generator().manual_seed(0))
    _, flops = count_flops(lambda: fitted.fuse(seen, torch.Generator()))
    weights = 23_071 - (6 * 64 + 31)  # all but the biases
    assert flops.total == 2 * weights * seen.msi[0].numel()


def test_counting_imports_no_compiler() -> None:
    """The compiler and sympy took a second in every child that counted: most of the time of a run of many short cells."""
    script = (
        "import sys, torch\n"
        "import benchmark.runner.jobs\n"
        "from benchmark.measure.operations import count_flops\n"
        "before = set(sys.modules)\n"
        "assert count_flops(lambda: torch.ones(3, 4) @ torch.ones(4, 5))[1].total == 2 * 3 * 4 * 5\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}), 'torch._dynamo' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["[]", "False"]
