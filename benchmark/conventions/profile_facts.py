"""The rules of each convention profile, and where they are written: repository, file and line. Nothing heavy is imported.

A profile scores an estimate as the code of one project does, with its defects, which are named. Where it is not known how a project
computes something, that is left out, and said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricName = Literal["psnr", "ssim", "sam", "ergas", "uiqi", "rmse"]
METRIC_LABELS: dict[MetricName, str] = {"psnr": "PSNR", "ssim": "SSIM", "sam": "SAM", "ergas": "ERGAS", "uiqi": "UIQI", "rmse": "RMSE"}
DIGITS: dict[MetricName, int] = {"psnr": 2, "ssim": 4, "sam": 4, "ergas": 4, "uiqi": 4, "rmse": 5}
UNDOCUMENTED = "measured on one image pair; no line is known"


@dataclass(frozen=True)
class Rule:
    """How one metric is computed."""

    metric: MetricName
    unit: str  # empty where it has none
    definition: str
    source: str  # file and line in the profile's repository, or how it is known


@dataclass(frozen=True, kw_only=True)
class ProfileFacts:
    """One project's conventions."""

    name: str
    label: str  # in tables
    repository: str
    rules: tuple[Rule, ...]
    defects: tuple[str, ...] = ()  # that the profile reproduces, in sentences
    left_out: tuple[str, ...] = ()  # what the project's code does and the profile does not, in sentences

    def rule(self, metric: str) -> Rule | None:
        """The rule of a metric; None where the profile has none."""
        return next((rule for rule in self.rules if rule.metric == metric), None)


_SEWAR_UIQI = (
    "UIQI puts window means where the formula has window sums: two independent images score 0.7 to 0.9, and noise hardly lowers it "
    "(sewar/full_ref.py:73-99)."
)
_UIQI_OF_MEANS = "sewar's uqi, window 8: means where Wang and Bovik's formula has sums; the mean of bands"
_BAND_PEAK = "mean of bands of 10 log10(peak^2 / MSE), the peak being the maximum of the reference's band"
_SAM = "mean angle in degrees"
_LIVE = "bands constant in the reference left out"

_TEXTBOOK = ProfileFacts(
    name="textbook",
    label="Textbook",
    repository="HMIF-Bench",
    rules=(
        Rule("psnr", "dB", f"mean of bands of -10 log10(MSE), peak 1; {_LIVE}", "benchmark/metrics/pixel.py"),
        Rule(
            "ssim",
            "",
            f"Gaussian window of sigma 1.5, data range 1, valid region, mean of bands; {_LIVE}",
            "benchmark/metrics/structural.py",
        ),
        Rule("sam", "deg", "mean angle; pixels with a zero reference left out", "benchmark/metrics/spectral.py"),
        Rule("ergas", "", "100 / ratio, the reference's band means; bands with the mean zero left out", "benchmark/metrics/spectral.py"),
        Rule("uiqi", "", f"every 8 x 8 window inside the image, mean of bands; {_LIVE}", "benchmark/metrics/structural.py"),
        Rule("rmse", "", "of the whole cube", "benchmark/metrics/pixel.py"),
    ),
)
_MOSSFUSE = ProfileFacts(
    name="mossfuse",
    label="MossFuse",
    repository="MossFuse",
    rules=(
        Rule("psnr", "dB", "estimate clipped to 0..1; mean of bands, peak 1", "utils.py:134,165,239,245"),
        Rule("ssim", "", "estimate clipped to 0..1; uniform 7 x 7 window, sample statistics, data range 1, mean of bands", "utils.py"),
        Rule(
            "sam", "deg", "estimate clipped to 1e-5..1; mean over all pixels, the arccos argument as it comes", "utils.py:134,165,239,245"
        ),
        Rule("ergas", "", "estimate clipped to 0..1; 100 / 32 sqrt(sum over bands / (bands + 1))", "utils.py:127,139-142,170,175"),
        Rule("uiqi", "", f"estimate clipped to 0..1; {_UIQI_OF_MEANS}", "utils.py:212"),
    ),
    defects=(
        "ERGAS takes the ratio 32 whatever the data's (utils.py:127,139-142).",
        "ERGAS divides the sum over bands by bands + 1 (utils.py:170,175).",
        "One zero pixel in the reference, or a cosine rounded above 1, makes SAM NaN; shown as not defined (utils.py:239,245).",
        _SEWAR_UIQI,
    ),
)
_M2U = ProfileFacts(
    name="m2u",
    label="M2U-Net",
    repository="M2U-Net",
    rules=(
        Rule("psnr", "dB", _BAND_PEAK, "model/evaluation.py:39-41,99"),
        Rule(
            "ssim",
            "",
            "uniform 7 x 7 window, sample statistics, data range that of the estimate's band, mean of bands",
            "model/evaluation.py:39-41,99",
        ),
        Rule("sam", "deg", f"{_SAM}; pixels where either spectrum is zero left out", f"model/evaluation.py; {UNDOCUMENTED}"),
        Rule("ergas", "", "100 / ratio, the reference's band means", f"model/evaluation.py; {UNDOCUMENTED}"),
        Rule("uiqi", "", _UIQI_OF_MEANS, f"model/evaluation.py; {UNDOCUMENTED}"),
    ),
    defects=(
        "SSIM takes its data range from the estimate, so that the method under test sets the constants (model/evaluation.py:39-41,99).",
        _SEWAR_UIQI,
    ),
    left_out=("Its SAM was 2e-4 degrees above the textbook's on the one pair measured; the cause is not known.",),
)
_DAEM = ProfileFacts(
    name="daem",
    label="DAEM",
    repository="DAEM",
    rules=(
        Rule("psnr", "dB", f"both cubes times 255; {_BAND_PEAK}", "Utils/utils_image.py:177"),
        Rule(
            "ssim",
            "",
            "both cubes times 255; uniform 7 x 7 window, sample statistics, data range that of the estimate's band, mean of bands",
            "Utils/utils_image.py:177",
        ),
        Rule("sam", "deg", _SAM, f"Utils/utils_image.py; {UNDOCUMENTED}"),
        Rule("ergas", "", "100 / 32, the reference's band means", "model.py:319"),
        Rule("uiqi", "", _UIQI_OF_MEANS, f"Utils/utils_image.py; {UNDOCUMENTED}"),
    ),
    defects=(
        "ERGAS takes the ratio 32 whatever the data's (model.py:319).",
        "SSIM takes its data range from the estimate (Utils/utils_image.py:177).",
        _SEWAR_UIQI,
    ),
)
_YOKOYA = ProfileFacts(
    name="yokoya",
    label="Yokoya 2017",
    repository="Yokoya's comparison toolbox, QualityIndices, as users' copies keep it",
    rules=(
        Rule("psnr", "dB", _BAND_PEAK, "QualityIndices; no line is known"),
        Rule("sam", "deg", _SAM, "QualityIndices; no line is known"),
        Rule("ergas", "", "100 / ratio, the band means of the fused image", "ERGAS(I_HS, I_REF); no line is known"),
    ),
    defects=("ERGAS divides by the mean of the fused image, so that a bright estimate scores better (ERGAS(I_HS, I_REF)).",),
    left_out=("Some copies also crop the border; by how much is not known.",),
)
_HYSURE = ProfileFacts(
    name="hysure",
    label="HySure",
    repository="HySure",
    rules=(
        Rule("sam", "deg", f"{_SAM}; a border of `ratio` pixels cropped", "src/utils/quality_assessment.m:46-47,73"),
        Rule(
            "ergas", "", "100 times h/l, the inverse ratio; a border of `ratio` pixels cropped", "src/utils/quality_assessment.m:46-47,73"
        ),
        Rule("rmse", "", "of the whole cube; a border of `ratio` pixels cropped", "src/utils/quality_assessment.m:46-47,73"),
    ),
    left_out=(
        "UIQI is taken over the full image while the rest is cropped; its window is not known here.",
        "The border's width is the caller's there; one coarse pixel is taken.",
    ),
)
_CNNFUS = ProfileFacts(
    name="cnnfus",
    label="CNN-FUS",
    repository="CNN-FUS",
    rules=(
        Rule("sam", "deg", f"{_SAM}; the full image", "quality_assessment.m:46-47,64-81"),
        Rule(
            "ergas", "", "100 / ratio, the reference's band means; a border of `ratio` pixels cropped", "quality_assessment.m:46-47,64-81"
        ),
        Rule("rmse", "", "of the whole cube; a border of `ratio` pixels cropped", "quality_assessment.m:46-47,64-81"),
    ),
    defects=("Half of the metrics see the border and half do not (quality_assessment.m:46-47,64-81).",),
    left_out=(
        "PSNR, SSIM and UIQI are taken over the full image; their peak and windows are not known here.",
        "The border's width is the caller's there; one coarse pixel is taken.",
    ),
)
_HYPERBENCH = ProfileFacts(
    name="hyperbench",
    label="HyperBench",
    repository="HyperBench, with sewar 0.4.10",
    rules=(
        Rule("psnr", "dB", "clipped to 0..1, times 255, cut to whole numbers; of the whole cube, peak 255", "metrics/core.py:42-50"),
        Rule("ssim", "", "clipped to 0..1, times 255, cut to whole numbers; uniform 11 x 11 window, range 255", "metrics/core.py:42-50"),
        Rule("sam", "deg", f"{_SAM}; pixels where either spectrum is zero left out", f"metrics/core.py; {UNDOCUMENTED}"),
        Rule("ergas", "", "100 / 4 whatever the ratio, the reference's band means", "metrics/core.py:118"),
        Rule("uiqi", "", _UIQI_OF_MEANS, f"metrics/core.py; {UNDOCUMENTED}"),
    ),
    defects=(
        "PSNR and SSIM see values cut (not rounded) to 8 bits: 60.0 dB becomes 55.0, 70.5 becomes 60.2 (metrics/core.py:42-50).",
        "ERGAS is called without the ratio, so that sewar's default of 1/4 holds: twice the value at a ratio of 8 (metrics/core.py:118).",
        _SEWAR_UIQI,
    ),
)
_TORCHMETRICS = ProfileFacts(
    name="torchmetrics",
    label="torchmetrics",
    repository="torchmetrics 1.9.0, defaults but data_range = 1",
    rules=(
        Rule("psnr", "dB", "of the whole cube, peak 1", "functional/image/psnr.py:53-54"),
        Rule(
            "ssim",
            "",
            "Gaussian window of sigma 1.5 over the image mirrored at its borders, mean over the full image and the bands",
            "functional/image/ssim.py:142,170,186",
        ),
        Rule("sam", "rad", "mean over all pixels in radians", "functional/image/sam.py:77"),
        Rule("ergas", "", "100 / 4, the default, the reference's band means", "functional/image/ergas.py:80"),
        Rule(
            "uiqi",
            "",
            "Gaussian window of sigma 1.5 and 11 x 11 taps, 1.2e-7 added to the denominator",
            "functional/image/uqi.py:90,112-114",
        ),
    ),
    defects=(
        "One zero pixel makes SAM NaN; shown as not defined (functional/image/sam.py:77).",
        "ERGAS's default ratio is 4, and its text calls it high to low while the code wants low to high (functional/image/ergas.py:80).",
        "UIQI has neither the window nor the scale invariance of Wang and Bovik's index (functional/image/uqi.py:90,112-114).",
    ),
)
_SEWAR = ProfileFacts(
    name="sewar",
    label="sewar",
    repository="sewar 0.4.10, defaults",
    rules=(
        Rule("psnr", "dB", "of the whole cube, peak 1", "sewar/full_ref.py:54-71"),
        Rule(
            "ssim", "", "uniform 11 x 11 window, population statistics, range 1, valid region, mean of bands", "sewar/full_ref.py:148-149"
        ),
        Rule("sam", "rad", "mean angle in radians; pixels where either spectrum is zero left out", "sewar/full_ref.py:251-274"),
        Rule("ergas", "", "100 r with r = 1/4, the default, the reference's band means", "sewar/full_ref.py:162-184"),
        Rule("uiqi", "", _UIQI_OF_MEANS, "sewar/full_ref.py:73-111"),
        Rule("rmse", "", "of the whole cube", "sewar/full_ref.py:18-27"),
    ),
    defects=(
        _SEWAR_UIQI,
        "ERGAS forgets the ratio unless r is given: twice the value at a ratio of 8 (sewar/full_ref.py:162-184).",
    ),
)
_HIFTOOL = ProfileFacts(
    name="hiftool",
    label="HIFtool",
    repository="HIFtool",
    rules=(
        Rule("psnr", "dB", "mean of bands, peak 1", f"utils.py; {UNDOCUMENTED}"),
        Rule(
            "ssim",
            "",
            "one window, the whole band: mean over every band b and c of (2 cov_c + C2) / (var_b + var'_b + C2); "
            "the means cancel, since both are the first image's",
            "utils.py:39-49",
        ),
    ),
    defects=(
        "SSIM takes the second image's mean from the first, so that adding a constant to the estimate changes nothing (utils.py:39-49).",
        "SSIM mixes the covariance of each band with the variances of every other, so that identical cubes score above 1 (utils.py:39-49).",
    ),
    left_out=(
        "SAM and ERGAS swap reference and estimate between calls, and the ratio with it (fusion_mode.py:40,136,161-193).",
        "Truth and inputs are each divided by their own maximum before fusion, which no scoring can undo (fusion_mode.py:27-29).",
    ),
)
_MATCIOTOLA = ProfileFacts(
    name="matciotola",
    label="matciotola",
    repository="matciotola/hyperspectral_pansharpening_toolbox",
    rules=(
        Rule(
            "sam",
            "deg",
            "crop [10:-11] of both axes, estimate clipped; sum of the angles that exist over all pixels",
            "Metrics/evaluation.py:8-14; Metrics/metrics_rr.py:164-165,238",
        ),
        Rule(
            "ergas",
            "",
            "crop [10:-11] of both axes, estimate clipped; 100 / ratio, the reference's band means",
            "Metrics/evaluation.py:8-14; Metrics/metrics_rr.py:164-165,238",
        ),
    ),
    defects=(
        "The crop takes one pixel more from the far side (Metrics/evaluation.py:8-14).",
        "The estimate is clipped to 0..2^16 and the reference is not (Metrics/evaluation.py:8-14); 1 stands for 2^16 here.",
        "SAM counts pixels without an angle as 0 degrees (Metrics/metrics_rr.py:164-165,238).",
    ),
    left_out=("Q2n, whose input is rounded to whole numbers first, in units that are not known here.",),
)

FACTS: tuple[ProfileFacts, ...] = (
    _TEXTBOOK,
    _MOSSFUSE,
    _M2U,
    _DAEM,
    _YOKOYA,
    _HYSURE,
    _CNNFUS,
    _HYPERBENCH,
    _TORCHMETRICS,
    _SEWAR,
    _HIFTOOL,
    _MATCIOTOLA,
)
