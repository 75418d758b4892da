"""The facts on each metric: label, unit, whether higher is better, definition, paper. Nothing is imported, so that reports can read them.

TEXTBOOK has the metrics that compare the estimate with the truth, NO_REFERENCE those that compare it with the two images of the
observation, RESPONSES the scores of an estimated PSF and SRF, UNCERTAINTY those of a stated standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One column of the tables; `name` is its key in a record's `metrics`."""

    name: str
    label: str  # in tables
    unit: str  # empty where it has none
    higher_is_better: bool | None  # None: neither; the figure says how to read another one
    definition: str
    paper: str = ""  # empty where the metric is common knowledge
    doi: str = ""  # empty where the paper has none
    digits: int  # after the point, in tables


TEXTBOOK: tuple[Metric, ...] = (
    Metric(
        name="psnr",
        label="PSNR",
        unit="dB",
        higher_is_better=True,
        definition="mean over bands of -10 log10(MSE of the band), peak 1; bands constant in the reference left out",
        digits=2,
    ),
    Metric(
        name="psnr_cube",
        label="PSNR cube",
        unit="dB",
        higher_is_better=True,
        definition="-10 log10(MSE of the whole cube), peak 1",
        digits=2,
    ),
    Metric(
        name="ssim",
        label="SSIM",
        unit="",
        higher_is_better=True,
        definition="mean over bands; Gaussian window of sigma 1.5 (11 taps), population statistics, data range 1, valid region; bands "
        "constant in the reference left out",
        paper="Wang, Bovik, Sheikh, Simoncelli, IEEE Transactions on Image Processing 13(4), 2004",
        doi="10.1109/TIP.2003.819861",
        digits=4,
    ),
    Metric(
        name="sam",
        label="SAM",
        unit="deg",
        higher_is_better=False,
        definition="mean over pixels of the angle between the two spectra; pixels with a zero reference left out",
        paper="Kruse et al., Remote Sensing of Environment 44, 1993",
        doi="10.1016/0034-4257(93)90013-N",
        digits=2,
    ),
    Metric(
        name="ergas",
        label="ERGAS",
        unit="",
        higher_is_better=False,
        definition="100 / ratio * sqrt(mean over bands of MSE / (mean of the reference)^2), ratio = fine pixels per coarse pixel; bands "
        "whose reference has the mean zero left out",
        paper="Wald, Fusion of Earth Data, 2000",
        digits=3,
    ),
    Metric(
        name="uiqi",
        label="UIQI",
        unit="",
        higher_is_better=True,
        definition="mean over bands of Q in every 8 x 8 window inside the image; bands constant in the reference left out",
        paper="Wang, Bovik, IEEE Signal Processing Letters 9(3), 2002",
        doi="10.1109/97.995823",
        digits=4,
    ),
    Metric(
        name="q2n",
        label="Q2n",
        unit="",
        higher_is_better=True,
        definition="Q of hypercomplex pixels (bands padded with zeros to 2^n), mean over 32 x 32 blocks side by side",
        paper="Garzelli, Nencini, IEEE Geoscience and Remote Sensing Letters 6(4), 2009",
        doi="10.1109/LGRS.2009.2022650",
        digits=4,
    ),
    Metric(
        name="rmse",
        label="RMSE",
        unit="",
        higher_is_better=False,
        definition="square root of the MSE of the whole cube, values of 0..1",
        digits=5,
    ),
    Metric(
        name="cc",
        label="CC",
        unit="",
        higher_is_better=True,
        definition="mean over bands of Pearson's correlation of estimate and reference; bands constant in the reference left out",
        digits=4,
    ),
    Metric(
        name="out_of_range",
        label="Out of 0..1",
        unit="",
        higher_is_better=False,
        definition="share of the estimate's values below 0 or above 1; nothing is clipped before scoring",
        digits=4,
    ),
    Metric(
        name="sam_pixels_left_out",
        label="SAM pixels left out",
        unit="pixels",
        higher_is_better=None,
        definition="number of pixels whose reference spectrum is zero, which SAM leaves out",
        digits=0,
    ),
    Metric(
        name="bands_left_out",
        label="Bands left out",
        unit="bands",
        higher_is_better=None,
        definition="number of bands that are constant in the reference, which PSNR, SSIM, UIQI and CC leave out",
        digits=0,
    ),
    Metric(
        name="ergas_bands_left_out",
        label="ERGAS bands left out",
        unit="bands",
        higher_is_better=None,
        definition="number of bands whose reference has the mean zero (at most 1e-6 of its root mean square), which ERGAS leaves out",
        digits=0,
    ),
    Metric(
        name="pixels_left_out",
        label="Pixels left out",
        unit="pixels",
        higher_is_better=None,
        definition="number of pixels that the scene's mask leaves out of all scores by the truth",
        digits=0,
    ),
)

NO_REFERENCE: tuple[Metric, ...] = (
    Metric(
        name="d_lambda",
        label="D_lambda",
        unit="",
        higher_is_better=False,
        definition="mean over pairs of bands of |Q in the estimate - Q in the HSI|, Q in blocks of 32 x 32 pixels of each grid (16 x 16 "
        "where the HSI has fewer than 32 rows or columns); bands constant in the HSI left out; not defined below 16",
        paper="Alparone et al., Photogrammetric Engineering and Remote Sensing 74(2), 2008",
        doi="10.14358/PERS.74.2.193",
        digits=4,
    ),
    Metric(
        name="d_s",
        label="D_s",
        unit="",
        higher_is_better=False,
        definition="mean over bands and channels of |Q(estimate, MSI) - Q(HSI, MSI blurred and decimated by the true PSF)|, blocks and "
        "bands left out as in D_lambda",
        paper="Alparone et al., Photogrammetric Engineering and Remote Sensing 74(2), 2008",
        doi="10.14358/PERS.74.2.193",
        digits=4,
    ),
    Metric(
        name="qnr",
        label="QNR",
        unit="",
        higher_is_better=True,
        definition="(1 - D_lambda) (1 - D_s)",
        paper="Alparone et al., Photogrammetric Engineering and Remote Sensing 74(2), 2008",
        doi="10.14358/PERS.74.2.193",
        digits=4,
    ),
    Metric(
        name="d_lambda_filtered",
        label="D_lambda^K",
        unit="",
        higher_is_better=False,
        definition="1 - Q2n(HSI, S x): the estimate as the sensor of the HSI would see it against the HSI; the PSF stands for its MTF",
        paper="Khan, Alparone, Chanussot, IEEE Transactions on Geoscience and Remote Sensing 47(11), 2009",
        doi="10.1109/TGRS.2009.2029094",
        digits=4,
    ),
    Metric(
        name="hqnr",
        label="HQNR",
        unit="",
        higher_is_better=True,
        definition="(1 - D_lambda^K) (1 - D_s)",
        paper="Aiazzi et al., Proceedings of SPIE 9244, 2014",
        digits=4,
    ),
    Metric(
        name="hsi_bands_left_out",
        label="HSI bands left out",
        unit="bands",
        higher_is_better=None,
        definition="number of bands that are constant in the HSI, which D_lambda and D_s leave out",
        digits=0,
    ),
    Metric(
        name="consistency_hsi",
        label="HSI residual",
        unit="",
        higher_is_better=False,
        definition="RMSE between the estimate, blurred and decimated by the true PSF, and the HSI; that of the truth is the noise level",
        digits=5,
    ),
    Metric(
        name="consistency_msi",
        label="MSI residual",
        unit="",
        higher_is_better=False,
        definition="RMSE between the estimate, integrated by the true SRF, and the MSI; that of the truth is the noise level",
        digits=5,
    ),
)

RESPONSES: tuple[Metric, ...] = (
    Metric(
        name="psf_error",
        label="PSF error",
        unit="",
        higher_is_better=False,
        definition="|estimated - true| / |true| over the taps of both kernels at their places on the fine grid, phase included",
        digits=4,
    ),
    Metric(
        name="psf_centre_offset",
        label="PSF offset",
        unit="px",
        higher_is_better=False,
        definition="distance of the two kernels' centroids, phase included, in fine pixels",
        digits=3,
    ),
    Metric(
        name="psf_sigma_error",
        label="PSF width error",
        unit="px",
        higher_is_better=False,
        definition="|sigma - true sigma| in fine pixels, sigma^2 being half the kernel's second moment about its centroid",
        digits=3,
    ),
    Metric(
        name="srf_error",
        label="SRF error",
        unit="",
        higher_is_better=False,
        definition="|estimated - true| / |true| over all weights",
        digits=4,
    ),
    Metric(
        name="srf_scene_error",
        label="SRF error on the scene",
        unit="",
        higher_is_better=False,
        definition="|(estimated - true) X| / |true X|, X being the spectra of the reference: the effect of the error on this scene",
        digits=5,
    ),
)

UNCERTAINTY: tuple[Metric, ...] = (
    Metric(
        name="std_within_1",
        label="Within 1 std",
        unit="",
        higher_is_better=None,
        definition="share of errors within one stated standard deviation; 0.683 where errors are Gaussian and the deviation is right",
        digits=3,
    ),
    Metric(
        name="std_within_2",
        label="Within 2 std",
        unit="",
        higher_is_better=None,
        definition="share of errors within two stated standard deviations; 0.954 where errors are Gaussian and the deviation is right",
        digits=3,
    ),
    Metric(
        name="std_rms_z",
        label="Error over std",
        unit="",
        higher_is_better=None,
        definition="root mean square of the error divided by the stated standard deviation; 1 where that is right, above 1 where it is "
        "too small, infinite where a value with the stated standard deviation 0 is wrong",
        digits=3,
    ),
    Metric(
        name="std_crps",
        label="CRPS",
        unit="",
        higher_is_better=False,
        definition="continuous ranked probability score of a Gaussian around the estimate, mean over values; the mean absolute error where "
        "the stated deviation is 0",
        paper="Gneiting, Raftery, Journal of the American Statistical Association 102, 2007",
        doi="10.1198/016214506000001437",
        digits=5,
    ),
)

METRICS: tuple[Metric, ...] = TEXTBOOK + NO_REFERENCE + RESPONSES + UNCERTAINTY

HEADLINE = ("psnr", "ssim", "sam", "ergas", "uiqi")
HEADLINE_WITHOUT_TRUTH = ("hqnr", "d_lambda_filtered", "d_s", "qnr", "consistency_hsi", "consistency_msi")


def find_metric(name: str) -> Metric:
    """The facts of the metric of that name.

    Raises:
        LookupError: there is none; the text names all.
    """
    for metric in METRICS:
        if metric.name == name:
            return metric
    raise LookupError(f"unknown metric {name!r}; valid: {', '.join(metric.name for metric in METRICS)}")
