"""SISAL: the simplex of least volume around the pixels of an image, with a cost for outliers. Bioucas-Dias, WHISPERS 2009
(10.1109/WHISPERS.2009.5289072).

In p dimensions, with p endmembers and Y (p x n) the reduced pixels, the abundances are Q Y, with Q the inverse of the endmember matrix:

    min  -log|det Q| + w sum of max(-Q Y, 0)      with 1'Q = q',  q = inv(Y Y') Y 1        the abundances sum to 1 as nearly as a plane can

The logarithm is replaced by its tangent at the last Q plus a small quadratic term, c/2 |Q - Q_last|^2. The hinge is split off by Z = Q Y:

    Q (c + m Y Y') = c Q_last + inv(Q_last)' + m (Z + D) Y'      then  Q += 1 (q' - 1'Q) / p
    Z = the Z that minimises  w max(-Z, 0) + m/2 (Q Y - D - Z)^2,   D = D - (Q Y - Z)

A step that increases the cost is halved towards Q_last until it does not. The reduction is to the plane of p - 1 dimensions through the
mean that is nearest to the pixels. The first simplex is that of VCA, enlarged about its centre.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from methods.numerics.unmixing.vca import vca

CURVATURE = 1e-6  # c
INNER, LAST_INNER = 4, 100  # splitting steps per tangent, and for the last tangent
HALVINGS = 30  # of a step that increases the cost, at most


def sisal(
    pixels: Float[Tensor, "bands pixels"], endmembers: int, rng: torch.Generator, hinge: float = 0.006, tangents: int = 80
) -> Float[Tensor, "bands endmembers"]:
    """The endmember spectra, in float64; their values may be in any range. `hinge` is w; `rng` is on the CPU.

    An image that fills fewer than endmembers - 1 dimensions has no simplex of positive volume; for it the spectra of VCA are returned.

    Raises:
        ValueError: there are more endmembers than bands, or fewer than one.
    """
    spectra = pixels.double()
    plane = _plane(spectra, endmembers)
    if plane is None:
        return vca(spectra, endmembers, rng)
    reduced = plane.T @ spectra
    reduced = _flattened(reduced, plane, spectra)
    corners = vca(reduced, endmembers, rng)
    centre = corners.mean(1, keepdim=True)
    inverse, problem = torch.linalg.inv_ex(corners + endmembers * (corners - centre))
    if int(problem) or not bool(torch.isfinite(inverse).all()):
        return torch.mm(plane, corners)
    moment = reduced @ reduced.T
    total = torch.linalg.solve(moment, reduced.sum(1))
    step = endmembers * 1000 / reduced.shape[1]
    metric = torch.linalg.inv(CURVATURE * torch.eye(endmembers).to(moment) + step * moment)
    split = inverse @ reduced
    dual = torch.zeros_like(split)
    for turn in range(tangents):
        last = inverse
        pull = CURVATURE * last + torch.linalg.inv(last).T
        for _ in range(LAST_INNER if turn == tangents - 1 else INNER):
            inverse = (pull + step * (split + dual) @ reduced.T) @ metric
            inverse = inverse + (total - inverse.sum(0)) / endmembers
            abundances = inverse @ reduced
            split = _soft_negative(abundances - dual, hinge / step)
            dual = dual - (abundances - split)
        before, now = _cost(last, reduced, hinge), _cost(inverse, reduced, hinge)
        halvings = 0
        while not now <= before and halvings < HALVINGS:
            inverse, halvings = (inverse + last) / 2, halvings + 1
            now = _cost(inverse, reduced, hinge)
        if not now <= before:
            inverse = last
    return torch.mm(plane, torch.linalg.inv(inverse))


def _plane(spectra: Tensor, size: int) -> Tensor | None:
    """Orthonormal directions (bands, size) that span the mean and the size - 1 leading directions of deviation; None if there are fewer."""
    mean = spectra.mean(1, keepdim=True)
    centred = spectra - mean
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    leading, strength = vectors.flip(1)[:, : size - 1], values.flip(0)[: size - 1]
    away = mean - leading @ (leading.T @ mean)
    scale = float(spectra.square().sum())
    if size > spectra.shape[1] or float(away.square().sum()) * spectra.shape[1] <= 1e-12 * scale or scale == 0:
        return None
    if size > 1 and float(strength[-1]) <= 1e-12 * scale:
        return None
    return torch.cat([leading, away / away.norm()], 1)


def _flattened(reduced: Tensor, plane: Tensor, spectra: Tensor) -> Tensor:
    """The reduced pixels, moved onto the plane: their last coordinate becomes that of the mean."""
    flat = reduced.clone()
    flat[-1] = plane[:, -1] @ spectra.mean(1)
    return flat


def _soft_negative(values: Tensor, threshold: float) -> Tensor:
    """The Z that minimises threshold max(-Z, 0) + (Z - value)^2 / 2."""
    return torch.where(values >= 0, values, (values + threshold).clamp_max(0))


def _cost(inverse: Tensor, reduced: Tensor, hinge: float) -> float:
    """-log|det Q| + w sum of max(-Q Y, 0)."""
    return float(-torch.linalg.slogdet(inverse).logabsdet + hinge * (-(inverse @ reduced)).clamp_min(0).sum())
