"""Gaussian process regression of many outputs that share one kernel: kriging with a trend, in closed form.

    targets = trend b + g + noise,     g ~ N(0, kernel) for every output,  noise ~ N(0, diag(noise)),  b ~ N(0, prior I)

With C = kernel + prior trend trend' + diag(noise) and P = inv(C), the prediction of sample i from all other samples has the error

    residual_i = (P targets)_i / P_ii          with variance 1 / P_ii          (Dubrule, Mathematical Geology 1983)

So all leave-one-out errors need one factorisation, and their gradient one more product, since dP = -P dC P. At another place than its
own, with the covariances c of that place and all samples, sample i's value is predicted from the others as
c' P targets - (P c)_i residual_i.

For many samples, g is represented by m of them, the supports Z: kernel = K_nz inv(K_zz) K_zn, which is exact if Z is all samples
(deterministic training conditional, Quinonero-Candela and Rasmussen, JMLR 2005). In the whitened basis V = inv(L) K_zn, with L L' = K_zz,
the posterior of a query with the kernel column k is

    mean = t' b + k' weights           variance = k(q, q) - |u|^2 + |inv(F) u|^2,   u = inv(L) k,  F F' = I + V inv(diag(noise)) V'

and the uncertainty of b is added to the variance. Everything is in float64, since kernels of smooth functions are badly conditioned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

JITTER = 1e-8  # is added to a kernel of diagonal 1, so that it can be factored even if samples coincide


def matern(squared: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The Matern kernel of smoothness 5/2, (1 + r + r^2 / 3) exp(-r), where r^2 is 5 times the squared distance in length scales."""
    reach = (5 * squared.clamp_min(0) + 1e-12).sqrt()  # the root's slope stays finite at 0
    return (1 + reach + reach * reach / 3) * torch.exp(-reach)


def squared_distance(a: Float[Tensor, "n features"], b: Float[Tensor, "m features"]) -> Float[Tensor, "n m"]:
    """|a_i - b_j|^2, in one matrix product."""
    return torch.addmm(a.square().sum(1)[:, None] + b.square().sum(1)[None, :], a, b.T, alpha=-2).clamp_min(0)


def leave_one_out(
    covariance: Float[Tensor, "n n"], targets: Float[Tensor, "n outputs"]
) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, " n"]]:
    """The error of predicting each sample from all other samples, and the variance that the model expects for it.

    `covariance` is C of the module docstring, with the noise and the trend in it.
    """
    precision: Tensor = _Inverse.apply(_with_jitter(covariance))  # type: ignore[no-untyped-call]
    variance = 1 / torch.diagonal(precision)
    return precision @ targets * variance[:, None], variance


def left_out_predictions(
    covariance: Float[Tensor, "n n"], across: Float[Tensor, "n n"], targets: Float[Tensor, "n outputs"]
) -> Float[Tensor, "n outputs"]:
    """The prediction of each sample's value from all other samples, at another place than its own.

    `across` has the covariances of these places (rows) and the samples (columns): kernel and trend, without the noise.
    """
    precision = torch.cholesky_inverse(torch.linalg.cholesky(_with_jitter(covariance)))
    residual = precision @ targets / torch.diagonal(precision)[:, None]
    weights = across @ precision
    predicted: Tensor = weights @ targets - torch.diagonal(weights)[:, None] * residual
    return predicted


def _with_jitter(covariance: Tensor) -> Tensor:
    return covariance + JITTER * torch.eye(len(covariance)).to(covariance)


class _Inverse(torch.autograd.Function):
    """P of the module docstring from C. Its gradient needs only P: three times as fast as the gradients of the factorisation."""

    @staticmethod
    def forward(ctx: Any, covariance: Tensor) -> Tensor:
        precision = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
        ctx.save_for_backward(precision)
        return precision

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (precision,) = ctx.saved_tensors
        change: Tensor = -(precision @ slope @ precision)
        return change


@dataclass(frozen=True, eq=False)
class Posterior:
    """The fitted process: `weights` are for kernel columns, `coefficients` for trend rows, and the rest is for the variance."""

    weights: Float[Tensor, "m outputs"]
    coefficients: Float[Tensor, "p outputs"]
    reduction: Float[Tensor, "m m"]  # D: k' D k is the variance that the samples remove
    cross: Float[Tensor, "m p"]  # G: G' k is the part of the trend that kernel columns explain
    trend_covariance: Float[Tensor, "p p"]

    def mean(self, columns: Float[Tensor, "q m"], trend: Float[Tensor, "q p"]) -> Float[Tensor, "q outputs"]:
        """The posterior mean for queries with these kernel columns and trend rows."""
        return torch.addmm(trend @ self.coefficients, columns, self.weights)

    def variance(self, columns: Float[Tensor, "q m"], trend: Float[Tensor, "q p"]) -> Float[Tensor, " q"]:
        """The posterior variance for a kernel with k(q, q) = 1, without the noise."""
        unexplained = trend - columns @ self.cross
        taken = (columns @ self.reduction).mul_(columns).sum(1)
        return (1 - taken + (unexplained @ self.trend_covariance * unexplained).sum(1)).clamp_min(0)

    def to(self, like: Tensor) -> Posterior:
        """The same posterior on the device and in the dtype of `like`."""
        parts = (self.weights, self.coefficients, self.reduction, self.cross, self.trend_covariance)
        return Posterior(*(part.to(like) for part in parts))


def condition(
    support: Float[Tensor, "m m"],
    columns: Float[Tensor, "n m"],
    noise: Float[Tensor, " n"],
    trend: Float[Tensor, "n p"],
    prior: float,
    targets: Float[Tensor, "n outputs"],
    trend_noise: Float[Tensor, " n"] | None = None,
) -> Posterior:
    """The posterior given n samples, where `support` is K_zz (of diagonal 1) and `columns` is K_nz.

    `noise` holds variances above 0, and `prior` is the prior variance of the trend's coefficients.
    `trend_noise`, if any, is the variance d_i of white noise that the trend's rows will have at queries and do not have here. The
    coefficients are then those for the expected information: trend' inv(C) trend + tr(inv(C) diag(d)) I in place of trend' inv(C) trend.
    """
    eye = torch.eye(support.shape[0]).to(support)
    factor = torch.linalg.cholesky(support + JITTER * eye)
    root = noise.sqrt()[:, None]
    white = torch.linalg.solve_triangular(factor, columns.T, upper=False).div_(root.T)
    information = torch.linalg.cholesky(eye + white @ white.T)
    scaled_trend, scaled_targets = trend / root, targets / root

    def solve(values: Tensor) -> Tensor:  # inv(I + V'V) values
        explained: Tensor = white.T @ torch.cholesky_solve(white @ values, information)
        return values - explained

    against = solve(scaled_trend)
    precision = scaled_trend.T @ against
    if trend_noise is not None:
        explained = torch.linalg.solve_triangular(information, white, upper=False).square().sum(0)  # diagonal of V' inv(I + V V') V
        precision = precision + ((1 - explained).clamp_min(0) / noise * trend_noise).sum() * torch.eye(len(precision)).to(precision)
    covariance = torch.linalg.inv(precision + torch.eye(len(precision)).to(precision) / prior)
    coefficients = covariance @ (against.T @ scaled_targets)

    def weights(values: Tensor) -> Tensor:
        solved: Tensor = torch.linalg.solve_triangular(factor.T, torch.cholesky_solve(white @ values, information), upper=True)
        return solved

    inverse_factor = torch.linalg.solve_triangular(factor, eye, upper=False)
    inner = torch.linalg.solve_triangular(information, inverse_factor, upper=False)
    return Posterior(
        weights(scaled_targets - scaled_trend @ coefficients),
        coefficients,
        inverse_factor.T @ inverse_factor - inner.T @ inner,
        weights(scaled_trend),
        covariance,
    )


def principal_reduction(posterior: Posterior, columns: Float[Tensor, "n m"], rank: int) -> Float[Tensor, "m r"]:
    """M with |M' k|^2 <= k' D k, D the posterior's `reduction`: as close as r = min(rank, m) directions allow for these columns."""
    against = posterior.reduction @ columns.T  # D K'; a projection in the metric D: D K' v / sqrt(v' K D K' v)
    values, vectors = torch.linalg.eigh(columns @ against)
    kept = values[-rank:] > 1e-9 * values[-1]
    directions: Tensor = against @ (vectors[:, -rank:][:, kept] / values[-rank:][kept].sqrt())
    return directions


def farthest(points: Float[Tensor, "n features"], count: int) -> Int[Tensor, " m"]:
    """The indices of m = min(count, n) points. The first is the one nearest the mean; each other is the farthest from those before it."""
    if count >= points.shape[0]:
        return torch.arange(points.shape[0], device=points.device)
    current = (points - points.mean(0)).square().sum(1).argmin()
    nearest = torch.full_like(points[:, 0], torch.inf)
    chosen = [current]
    for _ in range(count - 1):
        nearest = torch.minimum(nearest, (points - points[current]).square().sum(1))
        current = nearest.argmax()
        chosen.append(current)
    return torch.stack(chosen)
