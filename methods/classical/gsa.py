"""GSA for hyperspectral images: adaptive component substitution, with one group of bands per channel.

Aiazzi, Baronti, Selva, IEEE TGRS 2007, in the form that Yokoya, Grohnfeldt, Chanussot (IEEE GRSM 2017) gave it for several channels:

1. Every band joins the channel with which it correlates best on the coarse grid.
2. For each channel P with its bands Y (coarse) and U (interpolated), all minus their means, and p the channel on the coarse grid:
       a = argmin |a' Y + a_0 - p|^2          the combination of bands that is most like the channel
       I = a' U                               the same combination on the fine grid: the channel as it looks when it is blurred
       Z_k = U_k + cov(I, U_k) / var(I) (P - I) + mean(U_k)        the missing detail is added with the gain of each band
3. On request, every fused band is replaced by its least-squares regression on all others (Roger 1996), which removes noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from datasets.observation import Observation, PairSizes
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.resample import block_centre, shrink, upsample
from methods.numerics.solvers.subspace import mix


@dataclass(frozen=True)
class Method(FusionMethod):
    """GSA at the pair's own sampling phase. `aligned=False` is the published form, which takes every pair as block-centred."""

    card: ClassVar[Card] = Card(
        name="GSA",
        paper="Aiazzi, Baronti, Selva, Improving component substitution pansharpening through multivariate regression of MS+Pan data, "
        "IEEE TGRS 2007; for HSI and MSI: Yokoya, Grohnfeldt, Chanussot, IEEE GRSM 2017 (10.1109/MGRS.2016.2637824)",
        doi="10.1109/TGRS.2007.901007",
        year=2007,
        random=False,
        implementation="as described",
        fidelity="output of Yokoya's toolbox, with and without its denoising, to 1e-6 on a block-centred pair; aligned for other phases",
    )

    aligned: bool = True  # interpolate and shrink at the pair's own phase, not at the block centre
    denoise: bool = False  # regress every fused band on all others, as the toolbox does

    def memory_estimate(self, sizes: PairSizes) -> int:
        """The cube, and one more MSI."""
        return sizes.cube_bytes + sizes.msi_bytes

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of steps 1 to 3 of the module docstring."""
        phase = seen.phase if self.aligned else block_centre(seen.ratio)
        guide = shrink(seen.msi, seen.ratio, phase, "linear")
        msi = seen.msi.double()
        coarse_msi = shrink(msi - msi.mean((1, 2), keepdim=True), seen.ratio, phase, "cubic")
        group = _best_channel(seen.hsi, guide)
        cube = seen.msi.new_empty((seen.hsi.shape[0], *seen.msi.shape[1:]))
        for channel in range(seen.msi.shape[0]):
            members = (group == channel).nonzero()[:, 0]
            if members.numel():
                hsi = seen.hsi[members]
                intensity = upsample(_intensity(hsi.double(), coarse_msi[channel]), seen.ratio, phase)[0]
                cube[members] = _inject(upsample(hsi, seen.ratio, phase), intensity - intensity.mean(), seen.msi[channel])
        return Estimate(_regress_on_others(cube) if self.denoise else cube)


def _best_channel(hsi: Float[Tensor, "bands h w"], guide: Float[Tensor, "channels h w"]) -> Int[Tensor, " bands"]:
    """The index of the channel with the largest correlation to each band. The correlation with a constant image counts as 0."""
    images = []
    for image in (hsi, guide):
        centred = image.flatten(1) - image.flatten(1).mean(1, keepdim=True)
        length = torch.linalg.vector_norm(centred, dim=1, keepdim=True)
        images.append(centred / torch.where(length > 0, length, 1))
    correlation: Tensor = images[0] @ images[1].T
    return correlation.argmax(1)


def _intensity(hsi: Float[Tensor, "group h w"], coarse_channel: Float[Tensor, "h w"]) -> Float[Tensor, "1 h w"]:
    """The mixture of the group that imitates its channel (step 2), in float64.

    Interpolation commutes with a mixture of bands, so the coarse ones are mixed. Where bands are nearly alike, the weights are large and of
    both signs, and in float32 rounding would be up to some hundredths of the cube.
    """
    weights = _imitate((hsi - hsi.mean((1, 2), keepdim=True)).flatten(1), coarse_channel.flatten())
    return torch.einsum("b,bhw->hw", weights, hsi)[None]


def _inject(fine: Float[Tensor, "group H W"], intensity: Float[Tensor, "H W"], channel: Float[Tensor, "H W"]) -> Float[Tensor, "group H W"]:
    """One group of bands, sharpened by its channel less the intensity (step 2). `fine` is overwritten."""
    mean = fine.mean((1, 2), keepdim=True)
    fine -= mean
    bands = fine.flatten(1)
    low = intensity.flatten().to(bands)
    energy = low @ low
    gain = torch.where(energy > 0, bands @ low / torch.where(energy > 0, energy, 1), 0)
    detail = (channel - channel.mean()).flatten() - low
    return bands.addr_(gain, detail).reshape(-1, *channel.shape).add_(mean)


def _imitate(bands: Float[Tensor, "group pixels"], target: Float[Tensor, " pixels"]) -> Float[Tensor, " group"]:
    """The weights a that minimise |a' bands + a_0 - target|^2, by QR in float64. If several fit equally well, those of smallest norm."""
    design = torch.cat([bands, torch.ones_like(bands[:1])]).T.double()
    orthonormal, triangular = torch.linalg.qr(design)
    fit: Tensor = torch.linalg.pinv(triangular) @ (orthonormal.T @ target.double())
    return fit[:-1]


def _regress_on_others(cube: Float[Tensor, "bands H W"]) -> Float[Tensor, "bands H W"]:
    """Each band replaced by its least-squares fit by all other bands without an intercept (step 3), computed in float64."""
    if cube.shape[0] == 1:
        return cube
    pixels = cube.flatten(1).double()
    gram = pixels @ pixels.T
    weights = torch.zeros_like(gram)
    every = torch.arange(cube.shape[0], device=cube.device)
    for band in range(cube.shape[0]):
        others = every[every != band]
        weights[band, others] = torch.linalg.pinv(gram[others][:, others], hermitian=True) @ gram[others, band]
    return mix(weights, cube)
