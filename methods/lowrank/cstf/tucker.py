"""The Tucker model of a cube, X = core x1 W x2 H x3 S, and the linear algebra it needs.

    X[b, i, j] = sum over s, p, q of  S[b, s] W[i, p] H[j, q] core[s, p, q]

with W (rows, n_rows), H (cols, n_cols) and S (bands, n_spectra). The core has the axes of a cube: (n_spectra, n_rows, n_cols).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse
from methods.numerics.solvers.subspace import mix

NEGLIGIBLE = 1e-12  # directions whose eigenvalue is below this share of the largest are outside the range of a Gram matrix


def tucker(
    core: Float[Tensor, "n_s n_r n_c"], rows: Float[Tensor, "H n_r"], cols: Float[Tensor, "W n_c"], spectra: Float[Tensor, "bands n_s"]
) -> Float[Tensor, "bands H W"]:
    """The cube of the model, in the dtype of the core. The transposed factors give its adjoint.

    S is applied first if it makes the bands fewer, and last if it makes them more.
    """
    fewer = spectra.shape[0] < spectra.shape[1]
    narrow = mix(spectra, core) if fewer else core
    cube: Tensor = rows.to(core) @ (narrow @ cols.to(core).T)
    return cube if fewer else mix(spectra, cube)


def leading_vectors(image: Float[Tensor, "bands H W"], axis: int, count: int) -> Float[Tensor, "size n"]:
    """The leading min(count, size) left singular vectors of the image unfolded along `axis`, in float64 (as in the HOSVD)."""
    unfolded = image.movedim(axis, 0).flatten(1).double()
    vectors: Tensor = torch.linalg.eigh(unfolded @ unfolded.T).eigenvectors
    return vectors.flip(1)[:, :count]


def separate(psf: SpatialResponse, rows: int, cols: int) -> tuple[Float[Tensor, "h H"], Float[Tensor, "w W"]]:
    """The matrices P and Q, on the CPU in float64, so that the PSF maps each band x to P x Q'.

    The PSF is taken as periodic, and its kernel as the product of its row and column sums. For a separable kernel this is exact. For any
    other the sums and the centre stay as they are, and with them the registration.
    """
    kernel = psf.kernel.double().cpu()
    matrices = []
    for size, taps in ((rows, kernel.sum(1)), (cols, kernel.sum(0))):
        first = psf.ratio * torch.arange(size // psf.ratio)
        place = (first[:, None] + torch.arange(len(taps)) + psf.phase - (len(taps) - 1) // 2) % size
        matrix = torch.zeros(size // psf.ratio, size, dtype=torch.float64)
        matrices.append(matrix.scatter_add_(1, place, taps.expand(len(place), -1)))
    return matrices[0], matrices[1]


def damped_solver(
    rows: Float[Tensor, "a n_r"], cols: Float[Tensor, "b n_c"], spectra: Float[Tensor, "c n_s"], damping: float
) -> Callable[[Tensor], Tensor]:
    """A function of a core that gives the solution Y of T'(T Y) + damping Y = core; T is the Tucker product of the three factors.

    T'T is diagonal in the eigenvectors of the three small Gram matrices, and its eigenvalues are products of theirs. A direction outside
    the range of one of them has the eigenvalue 0. So it is enough to correct core / damping inside the ranges, which needs only narrow
    matrices if a, b or c is small. The matrices are computed in float64 and applied in the dtype of the core.
    """
    values, bases = [], []
    for factor in (spectra, rows, cols):
        wide = factor.double()
        decomposed = torch.linalg.eigh(wide.T @ wide)
        inside = min(wide.shape)
        kept = decomposed.eigenvalues[-inside:].clamp_min(0)
        values.append(torch.where(kept > NEGLIGIBLE * kept[-1], kept, 0))
        bases.append(decomposed.eigenvectors[:, -inside:])
    products = values[0][:, None, None] * values[1][:, None] * values[2]
    change = 1 / (products + damping) - 1 / damping

    def solve(core: Tensor) -> Tensor:
        inside = tucker(core, bases[1].T, bases[2].T, bases[0].T)
        return tucker(inside * change.to(core), bases[1], bases[2], bases[0]).add_(core, alpha=1 / damping)

    return solve
