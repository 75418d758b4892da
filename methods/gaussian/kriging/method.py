"""Spectral kriging: spectra regressed on the colours and places of the MSI by a Gaussian process in closed form. A method of this suite.

Every coarse pixel is a sample with a known answer: its spectrum y for the multispectral value m = R y (R is the SRF, known or estimated).
With s the brightness (the sum of m, plus a floor) and c = m / s the chromaticity,

    y / s = B c + g(c, log s, surroundings, place) + noise            universal kriging, one process g for every band

pixel_features.py has the kernel of g, the noise and the prior of B. The linear part B c is exact where spectra are a linear function of
the MSI. Nine numbers describe kernel, noise and prior. They minimise the logarithm of the leave-one-out error of the scene's own coarse
pixels (gaussian_process.py), with a weak pull towards START. `samples` supports represent the process. Where coarse
pixels are few, they are taken as the means over their footprints that they are (footprints.py). Every fine pixel is then a query with its
own colour, brightness, surroundings and place. At the end the cube is made to agree with both images (reconciliation.py). Where R is
estimated, coarse_guide.py chooses what stands for m on the coarse grid (coarse_view.py).

Where the images are noisy (noise_levels.py), most of the noise is taken out of what is learned from, and noise like the MSI's is added to
the colours there: fine pixels will bring such colours, and a regression that does not expect it magnifies it.

`docs/methods/kriging.md` derives all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation, PairSizes
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from methods.gaussian.kriging.coarse_guide import log_error
from methods.gaussian.kriging.coarse_view import CoarseView, Knows
from methods.gaussian.kriging.footprints import Footprints, affordable, choose_supports, chromatic_spread, gridded, surroundings
from methods.gaussian.kriging.gaussian_process import (
    Posterior,
    condition,
    leave_one_out,
    principal_reduction,
)
from methods.gaussian.kriging.gridded_kernel import GriddedKernel
from methods.gaussian.kriging.pixel_features import (
    PixelFeatures,
    Terms,
    coarse_places,
    covariance,
    kernel,
    mixture_noise,
    noise_variance,
    smoothest_spectra,
    trend_variance,
)
from methods.gaussian.kriging.reconciliation import reconcile
from methods.numerics.networks.fitting import minimise
from methods.numerics.networks.scene_learning import only_scene

START = (-1.6, 0.6, -1.6, 1.3, -6.4, -16.0, 0.4, -1.2, -0.9)  # the nine numbers at first, in the order of pixel_features.py
PULL = 0.015  # weight of the squared distance of a number from START, against the mean over the bands of the logarithm of the error
RATES = (0.15,) * 20 + (0.05,) * 20  # of the search for the nine numbers
NOISE_SHARE = 0.6  # of the MSI's deviation of noise, as noise_levels.py finds it, that the colours which are learned from are given
SLOPE_NOISE = 0.7  # of the MSI's variance of noise, that the linear part expects where coarse pixels are embedded
PASSED_ON = 0.5  # of the MSI's variance of noise, that the deviation expects to come through the linear part
SUPPORT = 0.21  # of the pixels in a footprint: what is unexplained varies so many times as much from fine pixel to fine pixel
VARIANCE_RANK = 96  # directions that represent the reduction of the variance; leaving some out makes the variance larger, never smaller


def _card(knows: str, *, random: bool = True) -> Card:
    seen = "" if knows == "psf+srf" else "; Jasper Ridge (a run there showed that the search for the blur must leave the border out)"
    if knows != "nothing":
        seen += "; Pavia Centre (a run there showed that a prior around 0 harms where the SRF is known)"
    return Card(
        name="Spectral kriging (ours)",
        paper="a method of this suite: docs/methods/kriging.md",
        doi="",
        year=2026,
        needs_psf="psf" in knows,
        needs_srf="srf" in knows,
        supervision="self",
        learns="on the scene",
        random=random,
        implementation="as described",
        tuned_on=f"CAVE's 20 training scenes, Samson, HyMap Berlin and Hyperion Paris{seen}",
        fidelity="no other code exists; posterior, leave-one-out errors and gradients are tested against dense definitions",
    )


@dataclass(frozen=True)
class Method(TrainableMethod):
    """Spectral kriging. Responses that are not known are estimated by predictability."""

    card: ClassVar[Card] = _card("srf")
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"samples": 64, "tuning_samples": 64})

    knows: Knows = "srf"  # the known responses; they decide the tier
    samples: int = 768  # supports that represent the process, at most; all coarse pixels are its data
    tuning_samples: int = 256  # coarse pixels on which the nine numbers are tuned
    terms: Terms = "colour+position"  # of the regression; "linear" is B c alone
    dark_noise: bool = True  # the noise term n_1
    tune: bool = True  # False keeps the nine numbers at START
    embedding: bool = True  # take coarse pixels as means over their footprints, where that is affordable
    consistency: bool = True  # make the cube agree with both images at the end
    uncertainty: bool = True  # return the posterior standard deviation
    aim: Literal["error", "angle"] = "error"  # what the tuning minimises: the error in the images' unit, or in shares of the brightness

    def __post_init__(self) -> None:
        for name, value in (("samples", self.samples), ("tuning_samples", self.tuning_samples)):
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")

    def memory_estimate(self, sizes: PairSizes) -> int:
        """Twice the cube, a little less than the peak that was measured at 1,000 rows."""
        return 2 * sizes.cube_bytes

    def describe(self) -> Card:
        """The card for the known responses. The coarse pixels of `tuning_samples` are random, and so is what is computed from them."""
        return _card(self.knows, random=(self.tune and self.terms != "linear") or self.consistency or self.uncertainty)

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FittedKriging:
        """The process, fitted to the one observation in `examples`.

        Raises:
            ValueError: there is not exactly one example.
        """
        seen = only_scene(examples, "spectral kriging", least_ratio=1)
        around = surroundings(seen.msi)
        start = torch.tensor(START, dtype=torch.float64, device=seen.hsi.device)
        view = CoarseView.of(seen, self.knows, start, around, self.terms, dark=self.dark_noise)
        samples = _Samples.prepare(seen, view, around)
        colours = view.guide.double()
        if view.msi_noise > 0:
            draws = torch.randn(colours.shape, generator=rng, dtype=torch.float64).to(colours.device)
            colours = colours + NOISE_SHARE * view.msi_noise**0.5 * draws
        coarse, targets = samples.at(colours)
        order = torch.randperm(len(targets), generator=rng)[: self.tuning_samples].to(targets.device)
        numbers = self._tuned(coarse.pick(order), targets[order], start)
        residual, variance = self._misses(coarse.pick(order), targets[order], numbers)
        embedded = self.embedding and affordable(view.psf, len(targets), self.samples)
        slope_noise = None
        if embedded:  # a footprint's fine pixels have the MSI's noise, so its mean must not be given noise as well
            coarse, targets = samples.at(view.guide.double())
            if self.knows != "nothing":
                slope_noise = SLOPE_NOISE * view.msi_noise / coarse.brightness.square()
        footprints = Footprints.of(seen.msi, around, view.psf, samples.unit) if embedded else None
        support, columns = choose_supports(coarse, footprints, numbers, self.terms, self.samples)
        noise = noise_variance(coarse, numbers, dark=self.dark_noise)
        prior = float(trend_variance(numbers))
        process = kernel(support, support, numbers, self.terms)
        posterior = condition(process, columns, noise, coarse.chromaticity, prior, targets, slope_noise)
        posterior = replace(posterior, coefficients=posterior.coefficients + samples.prior_mean)
        reduction = columns.new_zeros(columns.shape[1], 1)
        if self.uncertainty:
            reduction = principal_reduction(posterior, columns[order], VARIANCE_RANK)
        mixture = mixture_noise(coarse, numbers)
        return FittedKriging(
            self, view, samples.unit, numbers, support, posterior, reduction, residual, variance, coarse.brightness[order], mixture
        )

    def _tuned(self, coarse: PixelFeatures, targets: Tensor, start: Tensor) -> Tensor:
        """The nine numbers that minimise the leave-one-out error, in float64."""
        if not self.tune or self.terms == "linear" or len(targets) < 3:
            return start

        def loss(parameters: Sequence[Tensor]) -> Tensor:
            residual, _ = self._misses(coarse, targets, parameters[0])
            weight = coarse.brightness[:, None] if self.aim == "error" else 1.0
            return log_error(residual * weight) + PULL * (parameters[0] - start).square().sum()

        return minimise(loss, [start], RATES)[0]

    def _misses(self, coarse: PixelFeatures, targets: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        noise = torch.diag(noise_variance(coarse, numbers, dark=self.dark_noise))
        return leave_one_out(covariance(coarse, coarse, numbers, self.terms) + noise, targets)


@dataclass(frozen=True, eq=False)
class _Samples:
    """The coarse pixels as samples of the process, for any colours that they may be given."""

    spectra: Float[Tensor, "n bands"]
    places: Float[Tensor, "n 2"]
    unit: float  # mean brightness of the scene
    around: Float[Tensor, "channels h w"]
    spread: Float[Tensor, " n"]
    prior_mean: Float[Tensor, "channels bands"]  # of the linear part, transposed; zeros where the SRF is not to be relied on

    @classmethod
    def prepare(cls, seen: Observation, view: CoarseView, around: Float[Tensor, "channels H W"]) -> _Samples:
        unit = float(view.guide.double().sum(0).clamp_min(0).mean())
        spread = chromatic_spread(seen.msi, view.psf, unit)
        mean = smoothest_spectra(view.srf, seen.wavelengths) if view.reliable else view.hsi.new_zeros(len(seen.msi), len(seen.hsi))
        return cls(view.hsi.flatten(1).T, coarse_places(seen), unit, view.psf(around).double(), spread, mean)

    def at(self, colours: Float[Tensor, "channels h w"]) -> tuple[PixelFeatures, Float[Tensor, "n bands"]]:
        """The features of the samples with these colours, and y / s less the prior mean of the linear part."""
        pixels = PixelFeatures.of(colours, self.places, self.unit, self.around, self.spread)
        return pixels, self.spectra / pixels.brightness[:, None] - pixels.chromaticity @ self.prior_mean


@dataclass(frozen=True, eq=False)
class FittedKriging(FusionMethod):
    """The process that was fitted to one scene."""

    card: ClassVar[Card] = _card("srf")

    method: Method
    view: CoarseView
    unit: float  # mean brightness of the scene
    numbers: Tensor  # the nine numbers of kernel and noise
    support: PixelFeatures
    posterior: Posterior
    reduction: Tensor  # M, m x rank: |M' k|^2 is the variance that the samples remove
    residual: Tensor  # leave-one-out errors of y / s of the tuning samples
    variance: Tensor  # the variances that the model expects for these errors
    brightness: Tensor  # s of the tuning samples
    mixture: Tensor  # the noise n_2 v of every coarse pixel

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method.describe()

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The posterior mean at every fine pixel, made to agree with both images; with the standard deviation and estimated responses."""
        cube, spread = self._query(seen)
        if self.method.consistency:
            errors = self.residual * self.brightness[:, None]
            cube = reconcile(cube, seen, errors, self.view)
        std = self._deviation(spread) if self.method.uncertainty else None
        knows = self.method.knows
        return Estimate(cube, None if knows == "psf+srf" else self.view.psf, self.view.srf if knows == "nothing" else None, std)

    def _deviation(self, spread: Float[Tensor, "H W"]) -> Float[Tensor, "bands H W"]:
        """The standard deviation of every value, for s times the root of the posterior variance.

        Leave-one-out errors give its scale band by band, on the coarse grid. A footprint averages what is unexplained, and so hides most of
        it: but for the HSI's noise, the variance of a fine pixel is `support` times as large. The MSI's noise is not on the coarse grid.
        The linear part hands it on, as s B c is B m.
        """
        scale = (self.residual.square() / self.variance[:, None]).mean(0)
        noise = self.view.noise_left
        support = max(1.0, SUPPORT / float(self.view.psf.kernel.double().square().sum()))
        passed = PASSED_ON * self.view.msi_noise * self.posterior.coefficients.square().sum(0)
        std = spread.new_empty(len(scale), *spread.shape)
        for band, (share, fine) in enumerate(zip(scale.tolist(), passed.tolist(), strict=True)):
            coarse = share * spread.square()
            std[band] = (support * coarse - (support - 1) * coarse.clamp_max(noise) + fine).sqrt()
        return std

    def parameter_count(self) -> ParameterCount:
        """The number of weights of kernel columns and trend, and the nine numbers of the kernel."""
        total = self.posterior.weights.numel() + self.posterior.coefficients.numel() + self.numbers.numel()
        return ParameterCount(total, total)

    def _query(self, seen: Observation) -> tuple[Float[Tensor, "bands H W"], Float[Tensor, "H W"]]:
        """The posterior mean of every spectrum, and s times the square root of the posterior variance, with the noise n_0 + n_2 v."""
        rows, cols = seen.msi.shape[1:]
        like, bands, longer = seen.msi, seen.hsi.shape[0], max(seen.msi.shape[1:])
        numbers, posterior = self.numbers.to(like), self.posterior.to(like)
        grid, around = self._grid(rows, cols, like), surroundings(like)
        cube = like.new_empty(bands, rows, cols)
        spread = like.new_zeros(rows, cols)
        noise = (numbers[4].exp() + self.mixture.to(like)).reshape(seen.hsi.shape[1:])
        values, vectors = torch.linalg.eigh(self.posterior.trend_covariance)
        root = (vectors * values.clamp(0, 1e30).sqrt()).to(like)  # |x' root|^2 is never below 0, whatever the rounding
        for begin in range(0, rows, grid.step()):
            end = min(begin + grid.step(), rows)
            index = torch.arange(begin * cols, end * cols, device=like.device)
            place = torch.stack([index // cols, index % cols], 1).to(like) / longer
            query = PixelFeatures.of(like[:, begin:end], place, self.unit, around[:, begin:end])
            products = grid.products(begin, end, query.colour(numbers))
            trend = query.chromaticity
            mean = torch.addmm(products[:, :bands], trend, posterior.coefficients) * query.brightness[:, None]
            cube[:, begin:end] = mean.T.reshape(bands, end - begin, cols)
            if self.method.uncertainty:
                left = trend - products[:, bands : bands + trend.shape[1]]
                taken = products[:, bands + trend.shape[1] :].square().sum(1)
                free = (1 - taken).clamp_min(0) + (left @ root).square().sum(1)
                unexplained = noise[begin // seen.ratio : -(-end // seen.ratio)].repeat_interleave(seen.ratio, 0)
                unexplained = unexplained[begin % seen.ratio :][: end - begin].repeat_interleave(seen.ratio, 1)
                spread[begin:end] = ((free + unexplained.flatten()).sqrt() * query.brightness).reshape(end - begin, cols)
        return cube, spread

    def _grid(self, rows: int, cols: int, like: Tensor) -> GriddedKernel:
        """The kernel to every pixel, times the weights of the mean and, if the deviation is wanted, those of the variance."""
        parts = [self.posterior.weights] + ([self.posterior.cross, self.reduction] if self.method.uncertainty else [])
        weights = torch.cat(parts, 1) * (self.method.terms != "linear")
        return gridded(self.support, self.numbers, self.method.terms, (rows, cols), weights.to(like))
