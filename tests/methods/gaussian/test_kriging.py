"""Facts on methods/gaussian/kriging.

Oracles: the Gaussian conditional written out sample by sample, refitting with each sample left out, finite differences, and draws from
the model.
"""

from __future__ import annotations

from math import exp, sqrt

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import Example
from methods.gaussian.kriging.coarse_guide import blind_guide, log_error
from methods.gaussian.kriging.coarse_view import CoarseView
from methods.gaussian.kriging.footprints import surroundings
from methods.gaussian.kriging.gaussian_process import (
    condition,
    farthest,
    leave_one_out,
    left_out_predictions,
    matern,
    principal_reduction,
    squared_distance,
)
from methods.gaussian.kriging.gridded_kernel import GriddedKernel
from methods.gaussian.kriging.method import START, Method
from methods.gaussian.kriging.pixel_features import PixelFeatures, Terms, coarse_places, covariance, kernel, noise_variance
from methods.gaussian.kriging.reconciliation import reconcile


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def kernel_by_loops(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    out = torch.zeros(len(a), len(b), dtype=torch.float64)
    for i in range(len(a)):
        for j in range(len(b)):
            reach = sqrt(5 * sum(float(p - q) ** 2 for p, q in zip(a[i], b[j], strict=True)))
            out[i, j] = (1 + reach + reach**2 / 3) * exp(-reach)
    return out


def dense_posterior(
    points: torch.Tensor, noise: torch.Tensor, trend: torch.Tensor, targets: torch.Tensor, query: torch.Tensor, query_trend: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Conditional mean and variance of a joint Gaussian whose trend has a prior of variance 1e5, query by query."""
    wide = 1e5
    joint = kernel_by_loops(points, points) + torch.diag(noise) + wide * trend @ trend.T
    means, variances = [], []
    for q, t in zip(query, query_trend, strict=True):
        column = kernel_by_loops(points, q[None])[:, 0] + wide * trend @ t
        means.append(column @ torch.linalg.solve(joint, targets))
        variances.append(1 + wide * t @ t - column @ torch.linalg.solve(joint, column))
    return torch.stack(means), torch.stack(variances)


def problem(seed: int = 0) -> tuple[torch.Tensor, ...]:
    points, query = draw(seed, 17, 3), draw(seed + 1, 5, 3)
    return points, draw(seed + 2, 17).square() * 0.1 + 0.01, points[:, :2], draw(seed + 3, 17, 4), query, query[:, :2]


def test_mean_and_variance_are_those_of_the_joint_gaussian() -> None:
    points, noise, trend, targets, query, query_trend = problem()
    posterior = condition(kernel_by_loops(points, points), kernel_by_loops(points, points), noise, trend, 1e5, targets)
    mean, variance = dense_posterior(points, noise, trend, targets, query, query_trend)
    columns = kernel_by_loops(query, points)
    torch.testing.assert_close(posterior.mean(columns, query_trend), mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(posterior.variance(columns, query_trend), variance, rtol=1e-3, atol=1e-4)


def test_the_kernel_is_the_loops() -> None:
    a, b = draw(0, 6, 3), draw(1, 4, 3)
    torch.testing.assert_close(matern(squared_distance(a, b)), kernel_by_loops(a, b), rtol=1e-6, atol=1e-6)


def test_leaving_one_out_is_refitting_without_it() -> None:
    points, noise, trend, targets, _, _ = problem(7)
    residual, variance = leave_one_out(kernel_by_loops(points, points) + torch.diag(noise) + 1e5 * trend @ trend.T, targets)
    for left in range(len(points)):
        rest = torch.arange(len(points)) != left
        mean, spread = dense_posterior(points[rest], noise[rest], trend[rest], targets[rest], points[left][None], trend[left][None])
        torch.testing.assert_close(targets[left] - mean[0], residual[left], rtol=1e-3, atol=1e-4)
        assert float(variance[left]) == pytest.approx(float(spread[0] + noise[left]), rel=1e-3)


def test_fewer_supports_than_samples_is_the_projected_process() -> None:
    points, noise, trend, targets, query, _ = problem(3)
    support = points[:6]
    small, across = kernel_by_loops(support, support), kernel_by_loops(points, support)
    projected = across @ torch.linalg.solve(small, across.T) + torch.diag(noise) + 1e5 * trend @ trend.T
    column = kernel_by_loops(query, support) @ torch.linalg.solve(small, across.T) + 1e5 * query[:, :2] @ trend.T
    expected = column @ torch.linalg.solve(projected, targets)
    got = condition(small, across, noise, trend, 1e5, targets).mean(kernel_by_loops(query, support), query[:, :2])
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("terms", ["colour", "colour+position"])
def test_the_slope_of_the_leave_one_out_error_is_its_finite_difference(terms: Terms) -> None:
    guide = draw(5, 2, 4, 6).square() + 0.1
    place = torch.rand(24, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    pixels = PixelFeatures.of(guide, place, 1.0, guide.flip(1), draw(8, 24).square())
    targets = draw(6, 24, 5)

    def loss(numbers: torch.Tensor) -> torch.Tensor:
        noise = noise_variance(pixels, numbers, dark=True)
        residual, _ = leave_one_out(covariance(pixels, pixels, numbers, terms) + torch.diag(noise), targets)
        return log_error(residual * pixels.brightness[:, None])

    at = torch.tensor([-1.0, 0.3, -1.2, 0.4, -3.0, -4.0, 0.2, -1.5, 0.3], dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(loss(at), at)[0]
    for number in range(9):
        step = torch.zeros(9, dtype=torch.float64)
        step[number] = 1e-5
        numeric = (loss(at.detach() + step) - loss(at.detach() - step)) / 2e-5
        assert float(slope[number]) == pytest.approx(float(numeric), rel=1e-3, abs=1e-6)


def test_supports_are_distinct_and_far_apart() -> None:
    points = draw(2, 50, 3)
    index = farthest(points, 10)
    assert len(set(index.tolist())) == 10
    apart = torch.cdist(points[index], points[index]) + 1e9 * torch.eye(10, dtype=torch.float64)
    covered = torch.cdist(points, points[index]).amin(1).max()
    assert float(apart.min()) >= float(covered)  # a greedy cover: the next point would be nearer than any chosen pair


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize(("rows", "cols", "supports"), [(5, 7, 9), (3, 600, 300)], ids=["small", "several blocks"])
def test_the_kernel_to_a_grid_of_pixels_is_the_kernel_pixel_by_pixel(placed: bool, rows: int, cols: int, supports: int) -> None:
    numbers = torch.tensor([-0.4, 0.3, -1.2, 0.4, -3.0, -4.0, 0.2, -1.5, 0.3], dtype=torch.float64)
    guide = draw(1, 2, rows, cols).square() + 0.1
    grid = torch.cartesian_prod(torch.arange(rows), torch.arange(cols)).double() / cols
    pixels = PixelFeatures.of(guide, grid, 1.0, guide.flip(2))
    support = PixelFeatures.of(
        draw(2, 2, supports, 1).square() + 0.1,
        torch.rand(supports, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64),
        1.0,
        draw(5, 2, supports, 1).square() + 0.1,
    )
    weights = draw(4, supports, 3)
    scale = float(numbers[2].exp())
    whole = GriddedKernel.prepare(
        (rows, cols),
        support.colour(numbers),
        support.place / scale if placed else None,
        1 / (cols * scale),
        float(torch.sigmoid(numbers[3])),
        weights,
    )
    colour = pixels.colour(numbers)
    parts = [
        whole.products(row, min(row + whole.step(), rows), colour[row * cols : min(row + whole.step(), rows) * cols])
        for row in range(0, rows, whole.step())
    ]
    expected = kernel(pixels, support, numbers, "colour+position" if placed else "colour") @ weights
    torch.testing.assert_close(torch.cat(parts), expected, rtol=1e-5, atol=1e-5)


def test_a_reduction_of_low_rank_is_never_more_than_the_whole_and_is_the_whole_at_full_rank() -> None:
    points, noise, trend, targets, query, _ = problem(11)
    posterior = condition(kernel_by_loops(points, points), kernel_by_loops(points, points), noise, trend, 1e5, targets)
    columns = kernel_by_loops(query, points)
    whole = ((columns @ posterior.reduction) * columns).sum(1)
    for rank in (1, 4, 17):
        taken = (columns @ principal_reduction(posterior, kernel_by_loops(points, points), rank)).square().sum(1)
        assert bool((taken <= whole * (1 + 1e-6) + 1e-9).all())
        assert (float((taken - whole).abs().max()) < 1e-5) == (rank == 17)


def linear_pair(channels: int, scale: float = 1.0, bands: int = 7, linear: bool = True, ratio: int = 4) -> tuple[Observation, torch.Tensor]:
    """A 32 x 48 scene through a lopsided kernel, its spectra a linear map of the MSI (or of twice as many materials); and the truth."""
    rng = torch.Generator().manual_seed(4)
    materials = channels if linear else 2 * channels
    maps = torch.rand(materials, 32, 48, generator=rng, dtype=torch.float64) + 0.1
    cube = scale * torch.einsum("be,ehw->bhw", torch.rand(bands, materials, generator=rng, dtype=torch.float64) / materials, maps)
    taps = torch.rand(5, 4, generator=rng, dtype=torch.float64)
    psf = SpatialResponse(taps / taps.sum(), ratio, 1)
    weights = torch.rand(channels, bands, generator=rng, dtype=torch.float64)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, bands), ratio, psf.centre, Known(psf, srf)), cube


def fused(seen: Observation, method: Method) -> torch.Tensor:
    return method.fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator()).cube


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_spectra_that_are_a_linear_map_of_the_msi_are_recovered(channels: int) -> None:
    seen, cube = linear_pair(channels)
    assert float((fused(seen, Method(knows="psf+srf", samples=64)) - cube).abs().max()) < 1e-5


def test_scaling_both_images_scales_the_estimate() -> None:
    method = Method(knows="psf+srf", samples=40, tuning_samples=40)
    small, _ = linear_pair(2, linear=False)
    large, _ = linear_pair(2, scale=64.0, linear=False)
    torch.testing.assert_close(fused(large, method), 64 * fused(small, method), rtol=1e-6, atol=1e-7)


def test_the_last_step_agrees_with_both_images() -> None:
    seen, _ = linear_pair(2, linear=False)
    with_step, without = (fused(seen, Method(knows="psf+srf", consistency=step)) for step in (True, False))
    assert float((seen.psf(with_step) - seen.hsi).norm()) < 0.5 * float((seen.psf(without) - seen.hsi).norm())
    assert float((seen.srf(with_step) - seen.msi).abs().max()) < 1e-3


@pytest.mark.parametrize(
    ("knows", "tier"), [("nothing", "told nothing"), ("srf", "told the colour response"), ("psf+srf", "told blur and colour response")]
)
def test_what_it_is_told_decides_the_tier_and_suffices(knows: str, tier: str) -> None:
    method = Method(knows=knows, samples=48, tuning_samples=48)  # type: ignore[arg-type]
    seen, cube = linear_pair(2)
    card = method.describe()
    assert card.tier == tier
    given = seen.withhold(psf=not card.needs_psf, srf=not card.needs_srf)
    assert fused(given, method).shape == cube.shape


@pytest.mark.parametrize(
    "method",
    [
        Method(terms="linear"),
        Method(terms="colour"),
        Method(dark_noise=False),
        Method(tune=False),
        Method(uncertainty=False),
        Method(embedding=False),
        Method(samples=7, tuning_samples=2),
    ],
    ids=["linear", "colour", "flat noise", "not tuned", "no deviation", "no embedding", "few samples"],
)
def test_every_part_can_be_left_out(method: Method) -> None:
    seen, cube = linear_pair(2)
    got = fused(seen, method)
    assert bool(torch.isfinite(got).all())
    assert float((got - cube).square().mean().sqrt()) < 1e-2  # the linear part alone is exact here, but for its prior


def test_one_channel_and_black_pixels_are_finite() -> None:
    seen, _ = linear_pair(1, linear=False)
    msi = seen.msi.clone()
    msi[:, :3] = 0
    dark = Observation(seen.hsi, msi, seen.wavelengths, seen.ratio, seen.phase, seen.known)
    estimate = Method().fit([Example(dark)], torch.Generator().manual_seed(0)).fuse(dark, torch.Generator())
    assert estimate.std is not None
    assert bool(torch.isfinite(estimate.cube).all())
    assert bool((estimate.std >= 0).all())


def test_the_deviation_is_a_number_where_more_channels_than_bands_leave_the_trend_free() -> None:
    """8 channels of 2 bands: the trend's covariance is as good as singular, and float32 must not make its variance negative."""
    rng = torch.Generator().manual_seed(1)
    cube = torch.rand(2, 16, 24, generator=rng)
    psf = SpatialResponse(torch.full((4, 4), 1 / 16), 4, 1)
    weights = torch.rand(8, 2, generator=rng)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    seen = Observation(psf(cube), srf(cube), torch.linspace(400, 700, 2), 4, psf.centre, Known(psf, srf))
    estimate = Method(knows="psf+srf").fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())
    assert estimate.std is not None
    assert bool((torch.isfinite(estimate.std) & (estimate.std >= 0)).all())


def test_places_of_coarse_pixels_follow_the_registration() -> None:
    seen, _ = linear_pair(2)
    row, col = seen.phase
    assert coarse_places(seen)[12 + 3].tolist() == pytest.approx([(row + 4) / 48, (col + 12) / 48])


def test_the_standard_deviation_covers_scenes_drawn_from_the_model() -> None:
    """Targets y / s drawn from the process at START's kernel: the estimate's error, over its deviation, is near a unit Gaussian's."""
    rng = torch.Generator().manual_seed(9)
    bands, rows, cols, ratio = 5, 24, 32, 2
    smooth = (
        torch.nn.functional.interpolate(torch.rand(1, 2, 4, 6, generator=rng, dtype=torch.float64), size=(rows, cols), mode="bicubic")[0]
        + 0.2
    )
    numbers = torch.tensor(START, dtype=torch.float64)
    grid = torch.cartesian_prod(torch.arange(rows), torch.arange(cols)).double() / cols
    pixels = PixelFeatures.of(smooth, grid, float(smooth.sum(0).mean()), surroundings(smooth))
    root = torch.linalg.cholesky(kernel(pixels, pixels, numbers, "colour+position") + 1e-6 * torch.eye(rows * cols, dtype=torch.float64))
    values = 3 + 0.3 * (root @ torch.randn(rows * cols, bands, generator=rng, dtype=torch.float64))
    values = values + 0.3 * exp(START[4] / 2) * torch.randn(rows * cols, bands, generator=rng, dtype=torch.float64)
    drawn = (values * pixels.brightness[:, None]).T.reshape(bands, rows, cols)
    cube = torch.cat([smooth, drawn])  # the first two bands are what the MSI sees
    srf = SpectralResponse(torch.eye(2, 2 + bands, dtype=torch.float64))
    psf = SpatialResponse(torch.ones(1, 1, dtype=torch.float64), ratio, 0)
    seen = Observation(psf(cube), srf(cube), torch.linspace(400, 700, 2 + bands), ratio, psf.centre, Known(psf, srf))
    fitted = Method(knows="psf+srf", tune=False, consistency=False).fit([Example(seen)], torch.Generator().manual_seed(0))
    estimate = fitted.fuse(seen, torch.Generator())
    assert estimate.std is not None
    unseen = torch.ones(rows, cols, dtype=torch.bool)
    unseen[::ratio, ::ratio] = False
    score = ((estimate.cube - cube) / estimate.std.clamp_min(1e-12))[2:, unseen]
    assert 0.8 < float(score.square().mean().sqrt()) < 1.25
    assert 0.6 < float((score.abs() < 1).double().mean()) < 0.78


def test_a_setting_out_of_range_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match="samples: expected at least 1, got 0"):
        Method(samples=0)
    with pytest.raises(ValueError, match="expected 1 example, got 0"):
        Method().fit([], torch.Generator())


def test_a_sample_left_out_is_predicted_elsewhere_as_by_a_fit_without_it() -> None:
    points, noise, trend, targets, query, query_trend = problem(11)
    points, noise, trend, targets = points[:5], noise[:5], trend[:5], targets[:5]  # one query for each sample
    covered = kernel_by_loops(points, points) + torch.diag(noise) + 1e5 * trend @ trend.T
    across = kernel_by_loops(query, points) + 1e5 * query_trend @ trend.T
    predicted = left_out_predictions(covered, across, targets)
    for left in range(5):
        rest = torch.arange(5) != left
        mean, _ = dense_posterior(points[rest], noise[rest], trend[rest], targets[rest], query[left][None], query_trend[left][None])
        torch.testing.assert_close(predicted[left], mean[0], rtol=1e-3, atol=1e-3)


def guided(noise: float, srf_is_right: bool) -> str:
    """Which coarse image `blind_guide` takes on a scene of mixed materials, for HSI noise of this deviation and a right or a wrong SRF."""
    rng = torch.Generator().manual_seed(4)
    maps = torch.nn.functional.interpolate(torch.rand(1, 4, 9, 7, generator=rng, dtype=torch.float64), size=(72, 56), mode="bicubic")[0]
    band = torch.linspace(0, 1, 24, dtype=torch.float64)
    spectra = torch.stack([0.2 + torch.exp(-(((band - place) / 0.2) ** 2)) for place in (0.1, 0.4, 0.6, 0.95)])
    cube = torch.einsum("kb,khw->bhw", spectra, maps.clamp_min(0.02))
    weights = torch.zeros(3, 24, dtype=torch.float64)
    for channel, part in enumerate(torch.arange(24).tensor_split(3)):
        weights[channel, part] = 1 / len(part)
    psf = SpatialResponse(torch.full((4, 4), 1 / 16, dtype=torch.float64), 4, 1)
    srf = SpectralResponse(weights)
    hsi = psf(cube) + noise * torch.randn(24, 18, 14, generator=rng, dtype=torch.float64)
    seen = Observation(hsi, srf(cube), torch.linspace(400, 700, 24), 4, psf.centre, Known(psf, srf))
    wrong = torch.zeros_like(weights)
    wrong[torch.arange(3), torch.tensor([3, 11, 20])] = 1  # one noisy band stands for each channel
    used = srf if srf_is_right else SpectralResponse(wrong)
    inside = torch.ones(18, 14, dtype=torch.bool)
    integrated, blurred = used(seen.hsi), psf(seen.msi)
    numbers = torch.tensor(START, dtype=torch.float64)
    chosen = blind_guide(seen, integrated, blurred, psf(surroundings(seen.msi)), inside, numbers, "colour+position", dark=True)
    assert chosen is blurred or chosen is integrated
    return "S msi" if chosen is blurred else "R hsi"


def test_an_srf_that_misleads_is_noticed_and_a_right_one_is_kept() -> None:
    assert guided(0.0, srf_is_right=True) == "R hsi"
    assert guided(0.02, srf_is_right=True) == "R hsi"
    assert guided(0.02, srf_is_right=False) == "S msi"


def test_the_last_step_takes_the_border_as_the_psf_says() -> None:
    """A cube that is wrong alike everywhere is mended beside a mirrored border as well as far from it, whatever lies opposite."""
    rng = torch.Generator().manual_seed(2)
    truth = torch.zeros(6, 40, 56, dtype=torch.float64)
    truth[:, :20], truth[:, 20:] = 0.2, 0.9  # top and bottom differ, so that a periodic border would mix them
    truth += 0.05 * torch.rand(truth.shape, generator=rng, dtype=torch.float64)
    line = torch.exp(-((torch.arange(13, dtype=torch.float64) - 6) ** 2) / 18)
    psf = SpatialResponse((line[:, None] * line) / line.sum() ** 2, 4, 1, "reflect")
    srf = SpectralResponse(torch.tensor([[0.5, 0.5, 0, 0, 0, 0], [0, 0, 0.25, 0.25, 0.25, 0.25]], dtype=torch.float64))
    seen = Observation(psf(truth), srf(truth), torch.linspace(400, 700, 6), 4, psf.centre, Known(psf, srf))
    shape = torch.tensor([0.03, -0.03, 0.02, -0.02, 0.01, -0.01], dtype=torch.float64)  # no channel sees it
    errors = shape * torch.randn(200, 1, generator=rng, dtype=torch.float64)
    wrong = truth + shape[:, None, None]
    exact = torch.zeros(2, dtype=torch.float64)
    view = CoarseView(psf, srf, seen.hsi, srf(seen.hsi), True, 0.0, exact, 0.0, 0.0, 0.0)
    mended = reconcile(wrong.clone(), seen, errors, view)
    left = (psf(mended) - seen.hsi).abs().amax((0, 2))  # of each coarse row
    assert float(left.max()) < 0.001


def with_unexplained(noise: float, texture: float) -> tuple[torch.Tensor, Observation]:
    """A scene at ratio 8, and its pair, with noise on the HSI, and with a white texture in the scene that no channel sees."""
    rng = torch.Generator().manual_seed(6)
    cube = torch.nn.functional.interpolate(torch.rand(1, 8, 12, 10, generator=rng, dtype=torch.float64), size=(96, 80), mode="bicubic")[0]
    cube = cube[[0, 0, 0, 0, 4, 4, 4, 4]]  # two materials, so that the channels say everything but the texture
    weights = torch.tensor([[0.25] * 4 + [0.0] * 4, [0.0] * 4 + [0.25] * 4], dtype=torch.float64)
    white = texture * torch.randn(8, 96, 80, generator=rng, dtype=torch.float64)
    hidden = torch.eye(8, dtype=torch.float64) - torch.linalg.pinv(weights) @ weights
    cube = cube + torch.einsum("ab,bhw->ahw", hidden, white)
    psf, srf = SpatialResponse(torch.full((8, 8), 1 / 64, dtype=torch.float64), 8, 3), SpectralResponse(weights)
    hsi = psf(cube) + noise * torch.randn(8, 12, 10, generator=rng, dtype=torch.float64)
    return cube, Observation(hsi, srf(cube), torch.linspace(400, 700, 8), 8, psf.centre, Known(psf, srf))


def test_a_footprint_hides_what_varies_from_pixel_to_pixel_and_the_stated_deviation_knows() -> None:
    """Two pairs whose HSIs have the same unexplained variance, by noise of the sensor and by a texture of the scene."""
    stated, errors, noise = {}, {}, {}
    for name, (added, texture) in {"noise": (0.01, 0.0), "texture": (0.0, 0.08)}.items():  # 8 x 8 pixels average 0.08 to 0.01
        cube, seen = with_unexplained(added, texture)
        fitted = Method(knows="psf+srf").fit([Example(seen)], torch.Generator().manual_seed(0))
        estimate = fitted.fuse(seen, torch.Generator())
        assert estimate.std is not None
        stated[name] = float(estimate.std.square().mean().sqrt())
        errors[name] = float((estimate.cube - cube).square().mean().sqrt())
        noise[name] = fitted.view.noise**0.5
    assert noise["noise"] == pytest.approx(0.01, rel=0.2)
    assert noise["texture"] < 1e-6
    assert errors["texture"] > 5 * errors["noise"]  # what the deviation is to know
    assert stated["texture"] > 1.25 * stated["noise"]  # 0.9 times as large without the change of support, or if it took in the noise


def test_the_aim_decides_which_error_of_the_samples_is_the_smaller() -> None:
    rng = torch.Generator().manual_seed(9)
    maps = torch.nn.functional.interpolate(torch.rand(1, 7, 10, 14, generator=rng, dtype=torch.float64), size=(64, 96), mode="bicubic")[0]
    cube = maps.clamp_min(0.01) * torch.logspace(-2, 0, 96, dtype=torch.float64)  # dark on the left, bright on the right
    psf = SpatialResponse(torch.full((4, 4), 1 / 16, dtype=torch.float64), 4, 1)
    srf = SpectralResponse(torch.tensor([[0.5, 0.5, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0.25, 0.25, 0.5]], dtype=torch.float64))
    seen = Observation(psf(cube), srf(cube), torch.linspace(400, 700, 7), 4, psf.centre, Known(psf, srf))
    fits = {
        aim: Method(knows="psf+srf", aim=aim, uncertainty=False).fit([Example(seen)], torch.Generator().manual_seed(0))
        for aim in ("error", "angle")
    }
    share = {aim: float(log_error(fitted.residual)) for aim, fitted in fits.items()}
    whole = {aim: float(log_error(fitted.residual * fitted.brightness[:, None])) for aim, fitted in fits.items()}
    assert share["angle"] < share["error"]
    assert whole["error"] < whole["angle"]
