"""Noise in spectral kriging: its levels from the pair itself, and the coarse pixels without most of it.

A fine pixel brings its colour with the noise of the MSI. A regression on colours without noise finds steep slopes, which magnify that
noise. So the coarse pixels are made as clean as both images together allow, and what is learned from them expects the noise of the
colours to come (`method.py`). Where there is no noise, all of this leaves the images as they are.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpectralResponse

NOTICEABLE = 1e-7  # of the HSI's mean square: less noise than this (70 dB) is none
LEAST_MEDIAN = 0.6  # of n sigma^2: the median squared singular value of a matrix of pure noise with n columns is not below it
MAD_TO_DEVIATION = 1 / 0.6745  # of a Gaussian
BLOCK = 16  # pixels: the side of the squares of which some show noise alone
DIAGONAL_DETAIL = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))  # planes and straight edges along the axes leave nothing
DETAIL_GAIN = 6.0  # the root of the sum of its squares


def hsi_noise(hsi: Float[Tensor, "bands h w"], differences: Float[Tensor, "channels n"], srf: SpectralResponse) -> float:
    """The variance of the HSI's white noise per value, or 0 if it is below what is noticeable.

    `differences` are R hsi - S msi. The scene is not in them, but the HSI's noise e is, as R e, and hardly any of the MSI's, since the
    blur averages it. What wrong responses leave is alike in all channels. So with W the inverse root of R R', the least eigenvalue of the
    covariance of W R e is taken, corrected for being the least of few samples (Marchenko and Pastur 1967). Noise cannot exceed what the
    HSI's own smaller singular values leave room for.
    """
    response, values = srf.weights.double(), differences.double()
    channels, count = values.shape
    inner = response @ response.T
    factor = torch.linalg.cholesky(inner + 1e-9 * inner.diagonal().mean() * torch.eye(channels).to(inner))
    white = torch.linalg.solve_triangular(factor, values, upper=False)
    least = float(torch.linalg.eigvalsh(white @ white.T / count)[0].clamp_min(0)) / max(1 - (channels / count) ** 0.5, 0.1) ** 2
    flat = hsi.double().flatten(1)
    flat = flat if flat.shape[0] <= flat.shape[1] else flat.T
    room = float(torch.linalg.eigvalsh(flat @ flat.T).median().clamp_min(0)) / (LEAST_MEDIAN * flat.shape[1])
    noise = min(least, room)
    return noise if noise > NOTICEABLE * float(flat.square().mean()) else 0.0


def msi_noise(msi: Float[Tensor, "channels H W"], most: float) -> float:
    """The variance of the MSI's white noise per value, as a mean over channels that are at most `most` each.

    Edges and textures are alike in all channels, and noise is not. So the diagonal detail of a channel (Immerkaer, Computer Vision and
    Image Understanding 1996, doi 10.1006/cviu.1996.0060) is predicted from that of the other channels by linear regression, and the
    median of what is left gives the noise, in squares of pixels of which the lower quartile is taken: some have no texture. What is left
    of a channel holds the noise of the others as well, with the squares of the regression's weights. The variance comes out 0.9 to 1.4
    times as large as it is on nine of ten training scenes, and 2.4 times on a cloth whose threads have colours of their own.
    """
    if most <= 0 or min(msi.shape[1:]) < 3:
        return 0.0
    detail = msi.new_zeros(msi.shape[0], msi.shape[1] - 2, msi.shape[2] - 2)
    for row, weights in enumerate(DIAGONAL_DETAIL):
        for col, weight in enumerate(weights):
            detail.add_(msi[:, row : row + detail.shape[1], col : col + detail.shape[2]], alpha=weight / DETAIL_GAIN)
    flat = detail.flatten(1)
    gram = flat.double() @ flat.double().T
    precision = torch.linalg.inv(gram + (1e-12 * gram.diagonal().mean() + 1e-300) * torch.eye(len(gram)).to(gram))
    weights = precision / precision.diagonal()[:, None]
    passed = weights.square().sum(1)  # times the noise, if it is alike in all channels: its own, and what comes with the others
    left = weights.to(flat) @ flat
    levels = _calm_median(left.reshape(detail.shape).abs()).double()
    return float(((levels * MAD_TO_DEVIATION).square() / passed).clamp_max(most).mean())


def _calm_median(detail: Float[Tensor, "channels H W"]) -> Float[Tensor, " channels"]:
    """The lower quartile of the medians of square blocks, channel by channel; the median of all where the image has no whole block."""
    whole = [side - side % BLOCK for side in detail.shape[1:]]
    if min(whole) == 0:
        return detail.flatten(1).median(1).values
    blocks = detail[:, : whole[0], : whole[1]].unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).flatten(3).flatten(1, 2)
    return torch.quantile(blocks.median(2).values, 0.25, dim=1)


def low_rank_part(image: Float[Tensor, "bands h w"], noise: float) -> tuple[Float[Tensor, "bands h w"], float]:
    """The image without most of its white noise of this variance, in float64, and the variance that stays.

    The singular values of the matrix bands x pixels are shrunk as is best for the square error of a low-rank matrix in white noise
    (Gavish and Donoho, IEEE Trans. Information Theory 2017, doi 10.1109/TIT.2017.2653801): with y in units of the noise's own and b the
    ratio of the sides, y becomes sqrt((y^2 - b - 1)^2 - 4 b) / y above 1 + sqrt(b), and 0 below.
    """
    flat = image.double().flatten(1)
    if noise <= 0:
        return flat.reshape(image.shape), 0.0
    left, values, right = torch.linalg.svd(flat, full_matrices=False)
    shorter, longer = sorted(flat.shape)
    ratio = shorter / longer
    scaled = values / (noise * longer) ** 0.5
    kept = ((scaled.square() - ratio - 1).square() - 4 * ratio).clamp_min(0).sqrt() / scaled.square().clamp_min(1e-300)
    kept = torch.where(scaled > 1 + ratio**0.5, kept, 0.0)
    stays = noise * min(float(kept.square().sum()) * (shorter + longer) / (shorter * longer), 1.0)
    return ((left * (values * kept)) @ right).reshape(image.shape), stays


def agreeing(
    hsi: Float[Tensor, "bands h w"], blurred: Float[Tensor, "channels h w"], srf: SpectralResponse, trust: float
) -> Float[Tensor, "bands h w"]:
    """The image x that minimises |x - hsi|^2 + |blurred - R x|^2 / trust, in float64.

    `blurred` is S msi, and `trust` the variance of its noise over that of the HSI's.
    """
    response = srf.weights.double()
    missing = blurred.double().flatten(1) - response @ hsi.double().flatten(1)
    inner = response @ response.T
    moved: Tensor = response.T @ torch.linalg.solve(inner + trust * torch.eye(len(inner)).to(inner), missing)
    return hsi.double() + moved.reshape(hsi.shape)
