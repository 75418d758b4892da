"""How the detail of a spectrum follows from the detail of its colour: a regression on coarse pixels, for the first weights of MossFuse.

A fine pixel has a colour z, its channels of the MSI, and a smooth spectrum v, interpolated from the HSI. With the estimated SRF R, the
leading eigenvectors E of the spectra, c = E' v and d = z - R E c, the colour that the smooth spectrum lacks, the spectrum is

    y0 = c + L d                                              linear
    y1 = y0 + A1 [y0_j d_i / s],  y2 = y1 + A2 [y1_j d_i / s]      products of a coordinate of the spectrum and one of the lacking colour
    E (y2 + C (z - R E y2))                                   what is still missing of the colour, by the ridge regression on colours

A product says that the same lacking colour means another spectrum on another material. s is the variance of the values that a layer norm
of the network sees (`Fit.scale`): y, z, d, +CONSTANT, -CONSTANT, and zeros.

L, A1 and A2 are fitted where all is known: a coarse pixel has its spectrum and with it its colour R hsi, and what the smooth spectrum would
be there is said by the mean of its four diagonal neighbours. This is Wald's idea, a fusion learned at a coarser scale. Observations are all
that it takes. A pixel's weight is 1 / brightness, its root mean square over the bands: the losses are absolute differences, and errors grow
with the brightness, so this is nearer to what they ask for than equal weights, by which the brightest pixels decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from methods.unsupervised.mossfuse.blocks import NORM_EPS

LEAST_BRIGHTNESS = 0.01  # of a pixel, when its weight is computed
COLOUR_RIDGE = 1e-6  # of the mean second moment of a channel, in C
PRODUCT_RIDGE = 1e-3  # of the second moment of each product, in A1 and A2
CONSTANT = 0.7  # keeps s away from 0; about the brightness at which products begin to grow linearly, over the root of the width
STAGES = 2
REACH = 2.0  # how much further than those of the coarse pixels the coordinates of fine pixels may lie


@dataclass(frozen=True, eq=False)
class Fit:
    """The matrices of the module docstring, in float64."""

    srf: Float[Tensor, "channels bands"]  # R
    basis: Float[Tensor, "bands rank"]  # E; the sum over the bands of each vector is positive
    linear: Float[Tensor, "rank channels"]  # L
    products: Sequence[Float[Tensor, "rank products"]]  # A1, A2; product number j * channels + i is y_j d_i
    colour: Float[Tensor, "rank channels"]  # C
    reach: Float[Tensor, " rank"]  # the largest |y_k| / y_0 that is expected
    width: int

    @property
    def partners(self) -> int:
        """The number of coordinates of y that have products."""
        return partners(self.width, *self.colour.shape)

    def lacking(self, colour: Float[Tensor, "channels pixels"], smooth: Float[Tensor, "rank pixels"]) -> Float[Tensor, "channels pixels"]:
        """The colours d that the smooth spectra with coordinates c lack."""
        return colour - self.srf @ self.basis @ smooth

    def scale(
        self, y: Float[Tensor, "rank pixels"], z: Float[Tensor, "channels pixels"], d: Float[Tensor, "channels pixels"]
    ) -> Float[Tensor, " pixels"]:
        """The variance s of a pixel's `width` values: y, z, d, +CONSTANT, -CONSTANT, and zeros."""
        values = torch.cat([y, z, d])
        return (values.square().sum(0) + 2 * CONSTANT**2) / self.width - (values.sum(0) / self.width) ** 2 + NORM_EPS

    def multiplied(
        self, y: Float[Tensor, "rank pixels"], z: Float[Tensor, "channels pixels"], d: Float[Tensor, "channels pixels"]
    ) -> Float[Tensor, "products pixels"]:
        """The products y_j d_i / s, coordinate by coordinate."""
        return (y[: self.partners, None] * d[None]).flatten(0, 1) / self.scale(y, z, d)


def fit_details(hsis: Sequence[Float[Tensor, "bands h w"]], srf: Float[Tensor, "channels bands"], width: int) -> Fit:
    """The regression of the module docstring, from the coarse pixels of observed HSIs.

    Args:
        hsis: HSIs of at least 3 x 3 pixels.
        srf: the SRF R, estimated or known.
        width: the number of features of the network.

    Raises:
        ValueError: there is no HSI, one is smaller than 3 x 3 pixels, or the width is too small for the channels.
    """
    channels, bands = srf.shape
    rank = min(width // 2, bands, width - 2 * channels - 3)
    if not hsis or min(min(hsi.shape[1:]) for hsi in hsis) < 3 or rank < 1 or width // channels < 1:
        raise ValueError(
            f"closed-form start: expected patches of at least 3 x 3 coarse pixels, and a width of at least 2 x channels + 4, got "
            f"{len(hsis)} patches{', the smallest of ' + _smallest(hsis) if hsis else ''}, {channels} channels and width {width}; take "
            "larger patches, or start at random"
        )
    srf = srf.double()
    spectra = torch.cat([hsi[:, 1:-1, 1:-1].flatten(1) for hsi in hsis], dim=1).to(srf)
    smooth = torch.cat([_diagonal_mean(hsi).flatten(1) for hsi in hsis], dim=1).to(srf)
    share = 1 / brightness(spectra) / spectra.shape[1]
    moment = (spectra * share) @ spectra.T
    basis = torch.linalg.eigh(moment)[1].flip(1)[:, :rank]
    basis = basis * torch.where(basis.sum(0) < 0, -1.0, 1.0)
    target, z, c = basis.T @ spectra, srf @ spectra, basis.T @ smooth
    d = z - srf @ basis @ c
    linear = _ridge(d, target - c, share, COLOUR_RIDGE)
    bright = target[:, brightness(spectra) > LEAST_BRIGHTNESS]
    reach = REACH * (bright[1:] / bright[:1].clamp_min(LEAST_BRIGHTNESS)).abs().amax(1) if bright.numel() else target.new_zeros(rank - 1)
    fit = Fit(srf, basis, linear, (), basis.T @ spectrum_from_channels(moment, srf), torch.cat([reach.new_zeros(1), reach]), width)
    products: list[Tensor] = []
    y = c + linear @ d
    for _ in range(STAGES):
        terms = fit.multiplied(y, z, d)
        products.append(_ridge(terms, target - y, share, PRODUCT_RIDGE))
        y = y + products[-1] @ terms
    return Fit(srf, basis, linear, products, fit.colour, fit.reach, width)


def partners(width: int, rank: int, channels: int) -> int:
    """The number of coordinates that have products with every channel: a feed forward of 2 x `width` gated units has room for `width`
    products, each of which takes two units.
    """
    return min(rank, width // channels)


def brightness(spectra: Float[Tensor, "bands pixels"]) -> Float[Tensor, " pixels"]:
    """The root mean square of each spectrum, at least `LEAST_BRIGHTNESS`."""
    return spectra.square().mean(0).sqrt().clamp_min(LEAST_BRIGHTNESS)


def spectrum_from_channels(moment: Float[Tensor, "bands bands"], srf: Float[Tensor, "channels bands"]) -> Float[Tensor, "bands channels"]:
    """The ridge regression of spectra on their colours, S R' (R S R' + ridge I)^-1 with the second moment S of the spectra."""
    inner = srf @ moment @ srf.T
    ridge = COLOUR_RIDGE * inner.diagonal().mean() * torch.eye(len(inner), dtype=inner.dtype, device=inner.device)
    solved: Tensor = torch.linalg.solve(inner + ridge, srf @ moment)
    return solved.T


def _diagonal_mean(hsi: Float[Tensor, "bands h w"]) -> Float[Tensor, "bands h2 w2"]:
    """The mean of the four diagonal neighbours of each inner pixel."""
    return (hsi[:, :-2, :-2] + hsi[:, :-2, 2:] + hsi[:, 2:, :-2] + hsi[:, 2:, 2:]) / 4


def _ridge(
    terms: Float[Tensor, "terms pixels"], target: Float[Tensor, "rank pixels"], share: Float[Tensor, " pixels"], ridge: float
) -> Float[Tensor, "rank terms"]:
    """The weighted ridge regression of the target on the terms; the ridge is in units of each term's second moment."""
    moment = (terms * share) @ terms.T
    least = torch.finfo(moment.dtype).tiny + moment.diagonal().max() * 1e-12  # of a term that is 0 everywhere
    solved: Tensor = torch.linalg.solve(moment + torch.diag(ridge * moment.diagonal() + least), (terms * share) @ target.T)
    return solved.T


def _smallest(hsis: Sequence[Tensor]) -> str:
    rows, cols = min((tuple(hsi.shape[1:]) for hsi in hsis), key=min)
    return f"{rows} x {cols}"
