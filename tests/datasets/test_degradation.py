"""Laws of the spatial and spectral responses, on lopsided kernels and non-square grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from datasets.degradation import BOUNDARIES, Boundary, ResponseError, SpatialResponse, SpectralResponse


def lopsided(rows: int, cols: int, seed: int = 0) -> Tensor:
    """A random kernel without any symmetry, summing to 1."""
    kernel = torch.rand(rows, cols, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return kernel / kernel.sum()


def cube(bands: int, rows: int, cols: int, seed: int = 1) -> Tensor:
    return torch.randn(bands, rows, cols, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loops(psf: SpatialResponse, x: Tensor) -> Tensor:
    """The definition, pixel by pixel, with numpy's own border handling as the second route."""
    rows, cols = psf.kernel.shape
    pad = max(rows, cols) + psf.ratio
    mode = {"circular": "wrap", "reflect": "reflect", "replicate": "edge", "valid": "constant"}[psf.boundary]
    padded = np.pad(x.numpy(), ((0, 0), (pad, pad), (pad, pad)), mode=mode)  # type: ignore[call-overload]
    y = torch.zeros(x.shape[0], x.shape[1] // psf.ratio, x.shape[2] // psf.ratio, dtype=x.dtype)
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            for u in range(rows):
                for v in range(cols):
                    row = i * psf.ratio + psf.phase + u - (rows - 1) // 2 + pad
                    col = j * psf.ratio + psf.phase + v - (cols - 1) // 2 + pad
                    y[:, i, j] += psf.kernel[u, v] * torch.from_numpy(padded[:, row, col])
    return y


@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate"])
@pytest.mark.parametrize(("taps", "ratio", "phase"), [((3, 5), 4, 1), ((4, 3), 2, 0), ((7, 8), 4, 3), ((1, 1), 3, 2), ((9, 2), 1, 0)])
def test_equals_the_definition_written_as_loops(boundary: Boundary, taps: tuple[int, int], ratio: int, phase: int) -> None:
    psf = SpatialResponse(lopsided(*taps), ratio, phase, boundary)
    x = cube(2, 12 * ratio // ratio * ratio, 16 * ratio // ratio * ratio)
    torch.testing.assert_close(psf(x), by_loops(psf, x), rtol=0, atol=1e-12)


def test_valid_equals_the_loops_and_touches_no_border() -> None:
    psf = SpatialResponse(lopsided(3, 3), 4, 1, "valid")
    x = cube(3, 16, 24)
    torch.testing.assert_close(psf(x), by_loops(psf, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate"])
def test_large_kernels_take_the_fourier_route_to_the_same_values(boundary: Boundary) -> None:
    psf = SpatialResponse(lopsided(13, 12), 1, 0, boundary)  # 156 taps a pixel at ratio 1: more than two FFTs cost
    x = cube(2, 15, 22)
    torch.testing.assert_close(psf(x), by_loops(psf, x), rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    boundary=st.sampled_from(BOUNDARIES),
    k_rows=st.integers(1, 9),
    k_cols=st.integers(1, 9),
    ratio=st.integers(1, 5),
    h=st.integers(1, 5),
    w=st.integers(1, 6),
    data=st.data(),
)
def test_adjoint_is_the_exact_transpose(
    boundary: Boundary, k_rows: int, k_cols: int, ratio: int, h: int, w: int, data: st.DataObject
) -> None:
    phase = data.draw(st.integers(0, ratio - 1))
    psf = SpatialResponse(lopsided(k_rows, k_cols), ratio, phase, boundary)
    x, y = cube(2, h * ratio, w * ratio), cube(2, h, w, seed=2)
    try:
        forward = psf(x)
    except ResponseError:
        assert boundary == "valid"
        return
    torch.testing.assert_close((forward * y).sum(), (x * psf.adjoint(y)).sum(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate"])
def test_adjoint_holds_on_the_fourier_route(boundary: Boundary) -> None:
    psf = SpatialResponse(lopsided(14, 11), 1, 0, boundary)
    x, y = cube(2, 16, 24), cube(2, 16, 24, seed=3)
    torch.testing.assert_close((psf(x) * y).sum(), (x * psf.adjoint(y)).sum(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate"])
def test_a_constant_scene_stays_constant(boundary: Boundary) -> None:
    psf = SpatialResponse(lopsided(6, 5), 4, 2, boundary)
    y = psf(torch.full((2, 16, 24), 0.7, dtype=torch.float64))
    torch.testing.assert_close(y, torch.full((2, 4, 6), 0.7, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("taps", "phase"), [((5, 4), 1), ((2, 7), 0), ((3, 3), 3)])
def test_centre_is_where_a_ramp_is_sampled(taps: tuple[int, int], phase: int) -> None:
    psf = SpatialResponse(lopsided(*taps), 4, phase, "replicate")
    rows = torch.arange(40, dtype=torch.float64)[:, None].expand(40, 48)
    cols = torch.arange(48, dtype=torch.float64)[None, :].expand(40, 48)
    y = psf(torch.stack([rows, cols]))
    assert float(y[0, 4, 4]) - 16 == pytest.approx(psf.centre[0], abs=1e-10)
    assert float(y[1, 4, 4]) - 16 == pytest.approx(psf.centre[1], abs=1e-10)


def test_circular_kernel_sampled_at_zero_is_the_response() -> None:
    psf = SpatialResponse(lopsided(5, 8), 4, 3, "circular")
    x = cube(2, 16, 24)
    spectrum = torch.fft.fft2(x) * torch.fft.fft2(psf.circular_kernel(16, 24))
    torch.testing.assert_close(psf(x), torch.fft.ifft2(spectrum).real[:, ::4, ::4], rtol=0, atol=1e-12)


def test_circular_kernel_wraps_a_kernel_larger_than_the_image() -> None:
    psf = SpatialResponse(lopsided(19, 30), 2, 1, "circular")
    x = cube(1, 8, 12)
    spectrum = torch.fft.fft2(x) * torch.fft.fft2(psf.circular_kernel(8, 12))
    torch.testing.assert_close(psf(x), torch.fft.ifft2(spectrum).real[:, ::2, ::2], rtol=0, atol=1e-12)


def test_a_footprint_inside_its_block_knows_no_border() -> None:
    kernel, x = lopsided(7, 7), cube(2, 32, 48)
    images = [SpatialResponse(kernel, 8, 3, boundary)(x) for boundary in BOUNDARIES]
    for image in images[1:]:
        torch.testing.assert_close(image, images[0], rtol=0, atol=1e-14)


def test_valid_names_the_crop_that_would_do() -> None:
    with pytest.raises(ResponseError, match=r"coarse rows 1\.\.2, that is fine rows 4\.\.11"):
        SpatialResponse(lopsided(9, 3), 4, 1, "valid")(cube(1, 16, 24))


def test_a_side_that_the_ratio_does_not_divide_is_refused_with_the_crop() -> None:
    with pytest.raises(ResponseError, match="crop it to 16 x 20"):
        SpatialResponse(lopsided(3, 3), 4, 1)(cube(1, 18, 23))


@pytest.mark.parametrize(
    ("change", "text"),
    [({"phase": 4}, r"phase: expected 0\.\.3"), ({"ratio": 0}, "ratio: expected"), ({"kernel": torch.ones(2, 2)}, "sum to 1, got 4")],
)
def test_a_wrong_response_is_refused(change: dict[str, object], text: str) -> None:
    good: dict[str, object] = {"kernel": lopsided(3, 3), "ratio": 4, "phase": 1}
    with pytest.raises(ResponseError, match=text):
        SpatialResponse(**{**good, **change})  # type: ignore[arg-type]


def test_spectral_response_integrates_and_its_adjoint_is_exact() -> None:
    weights = torch.rand(3, 7, dtype=torch.float64)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    x, y = cube(7, 4, 5), cube(3, 4, 5, seed=5)
    expected = torch.stack([sum(srf.weights[c, b] * x[b] for b in range(7)) for c in range(3)])  # type: ignore[misc]
    torch.testing.assert_close(srf(x), expected)
    torch.testing.assert_close((srf(x) * y).sum(), (x * srf.adjoint(y)).sum())


def test_spectral_rows_must_sum_to_one() -> None:
    with pytest.raises(ResponseError, match="divide each row by its sum"):
        SpectralResponse(torch.full((2, 4), 0.3))
