"""The floating-point operations of one call; one multiply-add counts as two.

Counted by the formulas of torch: convolutions, matrix products, and attention (without the fused fast path, which hides its operations).
Counted by the formulas below:

    attention on the CPU                                       2 q k (d + d') per head, for q queries, k keys, d and d' features
    FFT of n points (complex, along all transformed axes)      5 n log2 n per transform; half of that where one side is real
    Cholesky, LU and triangular solves of k x k                k^3 / 3, 2 k^3 / 3, k^2 per right-hand side
    eigenvalues (symmetric) of k x k, and SVD of m x k         9 k^3, 4 m k^2 + 8 k^3   (Golub and Van Loan, Matrix Computations)

Elementwise operations, reductions, indexing and interpolation have no formula. The operators without a formula that a call uses are listed
by name, and the figure is then a lower bound. Work outside torch (numpy) is not seen at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log2, prod
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, shape_wrapper

T = TypeVar("T")
Shape = Any  # what the counter passes for a tensor: its size
# Prefixes of operators that move, describe or draw data and do hardly any arithmetic: without them a figure is still complete.
_FREE = (
    "_linalg_check_errors", "_local_scalar", "_to_copy", "_unsafe_view", "alias", "arange", "as_strided", "bernoulli",
    "cat", "chunk", "clone", "constant_pad", "contiguous", "copy", "detach", "diagonal", "empty", "expand", "eye",
    "fill", "flip", "full", "index", "is_", "item", "lift", "movedim", "narrow", "new_", "normal", "ones", "pad",
    "permute", "rand", "repeat", "reshape", "resize", "roll", "scalar_tensor", "select", "set_", "slice", "split",
    "squeeze", "stack", "transpose", "tril", "triu", "unbind", "unfold", "uniform", "unsqueeze", "view", "zeros",
)  # fmt: skip


@dataclass(frozen=True)
class Flops:
    """The operations of one call."""

    total: int
    uncounted: tuple[str, ...]  # operators that do arithmetic and have no formula, by name; not empty: a lower bound


def count_flops(call: Callable[[], T]) -> tuple[T, Flops]:
    """What `call` returns, and the operations that it did."""
    counter = _Counter()
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with counter:
            value = call()
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    left = sorted(name for name in counter.without - {"t"} if not name.startswith(_FREE))
    return value, Flops(counter.total, tuple(left))


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the formulas of the operators that are called, and notes the names of those without a formula.

    The formulas are those of torch and those below. (FlopCounterMode of torch tracks modules as well, and its first operator imports
    torch's compiler and sympy: a second and 70 MB in every process, more than most methods take.)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        ours = {packet: shape_wrapper(formula) for packet, formula in _FORMULAS.items()}  # type: ignore[no-untyped-call]
        self.formulas = {**flop_registry, **ours}
        self.total = 0
        self.without: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: torch need not protect the method below from being compiled, as that protection imports the compiler."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        with self:  # composite operators are taken apart, and their parts pass here in their turn
            parts = func.decompose(*args, **given)
        if parts is not NotImplemented:
            return parts
        value = func(*args, **given)
        packet = func.overloadpacket
        if packet in self.formulas:
            self.total += int(self.formulas[packet](*args, **given, out_val=value))
        else:
            self.without.add(str(packet).removeprefix("aten."))
        return value


def _fft_c2c(shape: Shape, dim: Any, normalization: Any, forward: Any, *, out_shape: Shape = None) -> int:
    points = prod(shape[axis] for axis in dim)
    return int(5 * prod(shape) * log2(max(2, points)))


def _fft_r2c(shape: Shape, dim: Any, normalization: Any, onesided: Any, *, out_shape: Shape = None) -> int:
    points = prod(shape[axis] for axis in dim)
    return int(2.5 * prod(shape) * log2(max(2, points)))


def _fft_c2r(shape: Shape, dim: Any, normalization: Any, last: Any, *, out_shape: Shape = None) -> int:
    axes = [axis % len(shape) for axis in dim]
    full = [last if axis == axes[-1] else size for axis, size in enumerate(shape)]
    return int(2.5 * prod(full) * log2(max(2, prod(full[axis] for axis in axes))))


def _cholesky(shape: Shape, *rest: Any, out_shape: Shape = None, **options: Any) -> int:
    return int(prod(shape[:-2]) * shape[-1] ** 3 / 3)


def _solve(shape: Shape, right: Shape, *rest: Any, out_shape: Shape = None, **options: Any) -> int:
    k = shape[-1]
    columns = 1 if len(right) < len(shape) else right[-1]
    return int(prod(shape[:-2]) * (2 * k**3 / 3 + 2 * k**2 * columns))


def _triangular(shape: Shape, right: Shape, *rest: Any, out_shape: Shape = None, **options: Any) -> int:
    return int(prod(right) * shape[-1])


def _eigh(shape: Shape, *rest: Any, out_shape: Shape = None, **options: Any) -> int:
    return int(prod(shape[:-2]) * 9 * shape[-1] ** 3)


def _svd(shape: Shape, *rest: Any, out_shape: Shape = None, **options: Any) -> int:
    long, short = max(shape[-2:]), min(shape[-2:])
    return int(prod(shape[:-2]) * (4 * long * short**2 + 8 * short**3))


def _attention(query: Shape, key: Shape, value: Shape, *rest: Any, out_shape: Shape = None, **options: Any) -> int:
    return int(2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1]))


_FORMULAS: dict[Any, Any] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._fft_c2c: _fft_c2c,
    torch.ops.aten._fft_r2c: _fft_r2c,
    torch.ops.aten._fft_c2r: _fft_c2r,
    torch.ops.aten.linalg_cholesky_ex: _cholesky,
    torch.ops.aten._linalg_solve_ex: _solve,
    torch.ops.aten.linalg_solve_triangular: _triangular,
    torch.ops.aten._linalg_eigh: _eigh,
    torch.ops.aten._linalg_svd: _svd,
}
