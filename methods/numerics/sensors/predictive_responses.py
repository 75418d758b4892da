"""Both sensor responses from the pair itself, by predictability.

    B_theta = S_theta msi              the MSI as the coarse sensor would see it if its blur were theta
    R hsi   = B_theta                  for the true theta, with R the spectral response

So for the right blur B_theta is a linear function of the HSI. With X the HSI's pixels (n x bands) and the ridge smoother
A = X inv(X'X + ridge) X', the error of predicting each pixel from the others is (I - A) B / (1 - diag A). This matrix is the same for all
candidates, so hundreds of blurs are tried by one matrix product. The SRF is the non-negative regression for the best blur. If the SRF is
known, the error is R hsi - B_theta itself.

The blurs are Gaussians, cut to a window of `taps` pixels and centred by the pair's registration. Their covariance is
exp(2 width) expm([[e1, e2], [e2, -e1]]), which covers all rotations smoothly. A wide Gaussian in a small window is nearly a box.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation

RIDGES = (1e-10, 1e-8, 1e-6, 1e-4, 1e-2)  # in units of the HSI's mean energy per band
SAMPLES = 400  # coarse pixels that the search uses
RING_SIZES = (6, 16)  # if the shorter side has this many coarse pixels, one more ring along the border is left out
ROUNDS = 60  # of the pattern search, at most
FIRST_STEP, ROUGH_STEP, LAST_STEP, SHRINK = 0.2, 0.02, 1e-3, 0.35  # in logarithm of the width and in ellipticity
SMOOTHING = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)  # of the SRF's rows, in units of the HSI's mean energy per band
GAP = 3  # a step between bands of more than this many median steps is a gap, across which an SRF need not be smooth
NEGLIGIBLE = 1e-9  # taps below this share of the largest tap are left out of the search, and rings of them out of the result


@dataclass(frozen=True, eq=False)
class PredictiveFit:
    """The result of `predictive_responses`."""

    psf: SpatialResponse
    srf: SpectralResponse
    inside: Bool[Tensor, "h w"]  # coarse pixels so far from the border that its unknown treatment does not matter
    residual: float  # root of (held-out error over variance of the blurred MSI): 0 if the blur explains everything


def predictive_responses(seen: Observation, srf: SpectralResponse | None = None) -> PredictiveFit:
    """The PSF and the SRF under which the blurred MSI and the HSI agree best. A known `srf` is kept, and makes the search more exact.

    Only the images, the ratio and the registration are used; no random numbers are drawn. The PSF is in the dtype of the images, with the
    boundary "replicate".
    """
    search = _Search.prepare(seen, srf)
    rough = [search.refine(*search.isotropic(taps), ROUGH_STEP) for taps in _window_sides(seen.ratio)]
    error, taps, theta = search.refine(*min(rough, key=lambda outcome: outcome[0]), LAST_STEP)
    psf = _response(theta, taps, seen)
    inside = _inside(seen)
    if srf is None:
        srf = SpectralResponse(_smooth_rows(seen.hsi[:, inside], psf(seen.msi)[:, inside], seen.wavelengths).to(seen.hsi))
    return PredictiveFit(psf, srf, inside, max(error, 0.0) ** 0.5)


def _inside(seen: Observation) -> Bool[Tensor, "h w"]:
    """All coarse pixels except the outermost rings: two rings of a large image, one of a small image, none of a tiny image."""
    rows, cols = seen.hsi.shape[1:]
    ring = sum(min(rows, cols) >= size for size in RING_SIZES)
    inside = torch.zeros(rows, cols, dtype=torch.bool, device=seen.hsi.device)
    inside[ring : rows - ring, ring : cols - ring] = True
    return inside


def _window_sides(ratio: int) -> list[int]:
    """The window sides that are tried: smaller than a block, about as large, and larger."""
    return sorted({max(ratio - 1, 1), ratio, ratio + 1, 2 * ratio, 4 * ratio})


@dataclass(frozen=True, eq=False)
class _Search:
    """Patches of the MSI around the sampled coarse pixels, and the matrices that turn blurred values into held-out errors."""

    seen: Observation
    patches: Float[Tensor, "n_channels taps_taps"]  # of the widest window; the channels of a pixel are neighbours
    reach: int  # half of the side of the widest window
    smoothers: Sequence[Tensor]  # n x n matrices that give the errors, one per ridge
    target: Tensor | None  # R hsi (n, channels), if R is known

    @classmethod
    def prepare(cls, seen: Observation, srf: SpectralResponse | None) -> _Search:
        """The search for this pair: its patches, and the smoothers, which are computed once."""
        bands, cols = seen.hsi.shape[0], seen.hsi.shape[2]
        pick = _inside(seen).cpu().flatten().nonzero()[:, 0]
        if len(pick) > SAMPLES:
            pick = pick[torch.linspace(0, len(pick) - 1, SAMPLES).round().long()]
        reach = 2 * seen.ratio + 1
        first = [round(centre) for centre in seen.phase]
        offset = torch.arange(-reach, reach + 1)
        row = ((pick // cols * seen.ratio + first[0])[:, None] + offset).clamp(0, seen.msi.shape[1] - 1)
        col = ((pick % cols * seen.ratio + first[1])[:, None] + offset).clamp(0, seen.msi.shape[2] - 1)
        msi = seen.msi.float().cpu()
        patches = torch.stack([channel[row[:, :, None], col[:, None, :]].flatten(1) for channel in msi], 1)
        pixels = seen.hsi.flatten(1).T.double().cpu()[pick]
        if srf is not None:
            return cls(seen, patches.flatten(0, 1), reach, [], pixels @ srf.weights.double().cpu().T)
        vectors, values, _ = torch.linalg.svd(pixels, full_matrices=False)
        energy = values.square().sum() / bands
        smoothers = []
        for ridge in RIDGES:
            shrunk = values.square() / (values.square() + ridge * energy + 1e-300)
            smoother = (vectors * shrunk) @ vectors.T
            left = 1 - torch.diagonal(smoother)
            smoothers.append((torch.eye(len(pick), dtype=torch.float64) - smoother) / left.clamp_min(1e-6)[:, None])
        return cls(seen, patches.flatten(0, 1), reach, smoothers, None)

    def errors(self, thetas: Float[Tensor, "k 3"], taps: int) -> Float[Tensor, " k"]:
        """The held-out error of each candidate over the variance to be explained, as a mean over channels; the best ridge for each."""
        row, col = (place - round(place) for place in self.seen.phase)
        near = min(self.reach, _far(thetas), ceil(taps / 2))
        kernels = _kernels(thetas, taps, near, (row, col)).flatten(1)
        used = (kernels > NEGLIGIBLE * kernels.amax(1, keepdim=True)).any(0)
        window = slice(self.reach - near, self.reach + near + 1)
        columns = torch.arange(self.patches.shape[1]).view(2 * self.reach + 1, -1)[window, window].flatten()[used]
        channels = self.seen.msi.shape[0]
        blurred = (self.patches[:, columns].double() @ kernels[:, used].T).reshape(-1, channels, len(thetas))
        if self.target is not None:
            spread = self.target.var(0)[:, None].clamp_min(1e-300)
            return ((blurred - self.target[:, :, None]).square().mean(0) / spread).mean(0)
        spread = blurred.var(0).clamp_min(1e-300)  # that of the candidate, so that a wide blur does not win because it is flat
        flat = blurred.reshape(len(blurred), -1)
        options = [((smoother @ flat).reshape(blurred.shape).square().mean(0) / spread).mean(0) for smoother in self.smoothers]
        return torch.stack(options).amin(0)

    def isotropic(self, taps: int) -> tuple[float, int, Tensor]:
        """The best (error, taps, theta) of one window among round blurs of fixed widths."""
        widths = torch.linspace(log(0.3), log(1.5 * self.seen.ratio + 1), 14, dtype=torch.float64)
        thetas = torch.nn.functional.pad(widths[:, None], (0, 2))
        errors = self.errors(thetas, taps)
        return float(errors.min()), taps, thetas[int(errors.argmin())]

    def refine(self, error: float, taps: int, theta: Tensor, last_step: float) -> tuple[float, int, Tensor]:
        """The best (error, taps, theta) of a pattern search from `theta` in width and ellipticity.

        When none of the 26 neighbours is better, the step is made smaller, until it is below `last_step`.
        """
        moves = torch.tensor(list(itertools.product((-1.0, 0.0, 1.0), repeat=3)), dtype=torch.float64)
        step = FIRST_STEP
        for _ in range(ROUNDS):
            candidates = theta + step * moves
            errors = self.errors(candidates, taps)
            place = int(errors.argmin())
            if float(errors[place]) < error:
                error, theta = float(errors[place]), candidates[place]
            else:
                step *= SHRINK
            if step < last_step:
                break
        return error, taps, theta


def _kernels(thetas: Float[Tensor, "k 3"], taps: int, reach: int, centre: tuple[float, float]) -> Float[Tensor, "k side side"]:
    """The Gaussians of the module docstring around `centre` (in pixels from the middle of the grid), cut to `taps`; each sums to 1."""
    width, e1, e2 = thetas.unbind(1)
    shear = torch.stack([torch.stack([e1, e2], 1), torch.stack([e2, -e1], 1)], 1)
    precision = torch.linalg.matrix_exp(-shear) * torch.exp(-2 * width)[:, None, None]
    place = torch.arange(-reach, reach + 1, dtype=torch.float64)
    row, col = place - centre[0], place - centre[1]
    power = (
        precision[:, 0, 0, None, None] * row[:, None] ** 2
        + 2 * precision[:, 0, 1, None, None] * row[:, None] * col
        + precision[:, 1, 1, None, None] * col**2
    )
    inside = (row.abs() <= taps / 2 - 0.25)[:, None] & (col.abs() <= taps / 2 - 0.25)
    power = torch.where(inside, power, torch.inf)
    kernel = torch.exp(-(power - power.amin((1, 2), keepdim=True)) / 2)
    return kernel / kernel.sum((1, 2), keepdim=True)


def _far(thetas: Float[Tensor, "k 3"]) -> int:
    """A distance in pixels beyond which every tap of every candidate is negligible."""
    turn = thetas[:, 1:].square().sum(1).sqrt() / 2
    wide, narrow = torch.exp(thetas[:, 0] + turn), torch.exp(thetas[:, 0] - turn)
    nearest = (
        0.5 / narrow.square()
    )  # of the squared distance in deviations, at most: a centre is half a pixel from a tap, in both directions
    return ceil(float((wide * (nearest - 2 * log(NEGLIGIBLE)).sqrt()).max())) + 1


def _response(theta: Tensor, taps: int, seen: Observation) -> SpatialResponse:
    """The candidate as a response with a valid phase; the rest of the registration is in the kernel."""
    middle = [round(place) for place in seen.phase]
    phase = min(max(middle[0], 0), seen.ratio - 1)
    moved = [place - phase for place in middle]
    reach = ceil(taps / 2) + max(abs(move) for move in moved) + 1
    centre = (seen.phase[0] - phase, seen.phase[1] - phase)
    kernel = _trimmed(_kernels(theta[None], taps, reach, centre)[0])
    return SpatialResponse(kernel.to(seen.hsi), seen.ratio, phase, "replicate")


def _trimmed(kernel: Float[Tensor, "side side"]) -> Float[Tensor, "small small"]:
    """The kernel without its outermost rings of negligible taps, which keeps its middle; it sums to 1.

    With them, a footprint would seem to cross the border where it does not, and a blur would take longer.
    """
    middle = len(kernel) // 2
    far = (kernel > NEGLIGIBLE * kernel.max()).nonzero().sub(middle).abs().max()
    used = kernel[middle - int(far) : middle + int(far) + 1, middle - int(far) : middle + int(far) + 1]
    return used / used.sum()


def _smooth_rows(
    hsi: Float[Tensor, "bands n"], blurred: Float[Tensor, "channels n"], wavelengths: Float[Tensor, " bands"]
) -> Float[Tensor, "channels bands"]:
    """The rows r >= 0 that minimise |r' hsi - channel|^2 + weight |curvature of r|^2, divided by their sums.

    The weight of a channel is the one of SMOOTHING with the least held-out error, (I - A) channel / (1 - diag A), of the same regression
    without the bound. The bound is by Lawson and Hanson 1974, on the normal equations.
    """
    pixels, values = hsi.double(), blurred.double()
    gram = pixels @ pixels.T
    scale = torch.diagonal(gram).mean().clamp_min(1e-300)
    bend = _curvature(wavelengths.double().to(gram))
    options = [gram + scale * (weight * bend + 1e-9 * torch.eye(len(gram)).to(gram)) for weight in SMOOTHING]
    errors = []
    for option in options:
        solved = torch.linalg.solve(option, pixels)
        left = 1 - (pixels * solved).sum(0)
        errors.append(((values - values @ solved.T @ pixels) / left.clamp_min(1e-6)).square().mean(1))
    best = torch.stack(errors).argmin(0).tolist()
    rows = torch.stack([_non_negative_on_gram(options[which], pixels @ channel) for which, channel in zip(best, values, strict=True)])
    sums = rows.sum(1, keepdim=True)
    return torch.where(sums > 0, rows / sums.clamp_min(1e-300), torch.full_like(rows, 1 / rows.shape[1]))


def _curvature(wavelengths: Float[Tensor, " bands"]) -> Float[Tensor, "bands bands"]:
    """D'D, where D takes second differences along increasing wavelength, and none across a gap of more than GAP median steps."""
    order = wavelengths.argsort()
    eye = torch.eye(len(order)).to(wavelengths)[order]
    steps = wavelengths[order].diff()
    near = torch.maximum(steps[1:], steps[:-1]) <= GAP * steps.median() if len(steps) > 1 else torch.zeros(0, dtype=torch.bool)
    bends = (eye[2:] - 2 * eye[1:-1] + eye[:-2])[near]
    return bends.T @ bends


def _non_negative_on_gram(gram: Float[Tensor, "bands bands"], right: Float[Tensor, " bands"]) -> Float[Tensor, " bands"]:
    """The x >= 0 that minimises x' gram x / 2 - right' x."""
    x = torch.zeros_like(right)
    active = torch.zeros_like(right, dtype=torch.bool)
    for _ in range(3 * len(right)):
        slope = torch.where(active, -torch.inf, right - gram @ x)
        if float(slope.max()) <= 1e-10 * float(right.abs().max()):
            break
        active[int(slope.argmax())] = True
        while bool(active.any()):
            trial = torch.zeros_like(x)
            trial[active] = torch.linalg.solve(gram[active][:, active], right[active])
            below = active & (trial <= 0)
            if not bool(below.any()):
                x = trial
                break
            ratio = torch.where(below, x / (x - trial).clamp_min(1e-300), torch.inf)
            x = torch.clamp(x + float(ratio.min()) * (trial - x), min=0)
            active &= (x > 0) & (torch.arange(len(x), device=x.device) != int(ratio.argmin()))
            x = torch.where(active, x, 0.0)
    return x
