"""The formulas that stand in plain text in definitions, and how LaTeX and Typst set them: the one place that knows both forms."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Formula:
    """A formula in the words of a definition, and as markup of both typesetters."""

    plain: str
    latex: str
    typst: str


FORMULAS = (
    Formula(
        "-10 log10(MSE of the band)",
        r"$-10\log_{10}\mathrm{MSE}$ of the band",
        '$-10 log_10 upright("MSE")$ of the band',
    ),
    Formula(
        "-10 log10(MSE of the whole cube)",
        r"$-10\log_{10}\mathrm{MSE}$ of the whole cube",
        '$-10 log_10 upright("MSE")$ of the whole cube',
    ),
    Formula("-10 log10(MSE)", r"$-10\log_{10}\mathrm{MSE}$", '$-10 log_10 upright("MSE")$'),
    Formula(
        "10 log10(peak^2 / MSE)", r"$10\log_{10}(\mathrm{peak}^{2}/\mathrm{MSE})$", '$10 log_10(upright("peak")^2 \\/ upright("MSE"))$'
    ),
    Formula(
        "100 / ratio * sqrt(mean over bands of MSE / (mean of the reference)^2), ratio = fine pixels per coarse pixel",
        r"$\frac{100}{r}\sqrt{\overline{\mathrm{MSE}/\mu^{2}}}$ (mean over bands; $r$ fine pixels per coarse one, $\mu$ the true mean)",
        '$100 / r sqrt(overline(upright("MSE") \\/ mu^2))$ (mean over bands; $r$ fine pixels per coarse one, $mu$ the true mean)',
    ),
    Formula(
        "100 / 32 sqrt(sum over bands / (bands + 1))",
        r"$\frac{100}{32}\sqrt{\sum_{b}\mathrm{MSE}_{b}/\mu_{b}^{2}/(B+1)}$ over $B$ bands",
        '$100 / 32 sqrt(sum_b upright("MSE")_b \\/ mu_b^2 \\/ (B + 1))$ over $B$ bands',
    ),
    Formula("2^n", "$2^{n}$", "$2^n$"),
    Formula("sigma^2", r"$\sigma^{2}$", "$sigma^2$"),
    Formula("(1 - D_lambda^K) (1 - D_s)", r"$(1-D_{\lambda}^{K})(1-D_{s})$", "$(1 - D_lambda^K) (1 - D_s)$"),
    Formula("D_lambda^K", r"$D_{\lambda}^{K}$", "$D_lambda^K$"),
    Formula("1 - Q2n(HSI, S x)", r"$1-\mathrm{Q2n}(\mathrm{HSI},Sx)$", '$1 - upright("Q2n")(upright("HSI"), S x)$'),
    Formula("(1 - D_lambda) (1 - D_s)", r"$(1-D_{\lambda})(1-D_{s})$", "$(1 - D_lambda) (1 - D_s)$"),
    Formula("D_lambda", r"$D_{\lambda}$", "$D_lambda$"),
    Formula("D_s", "$D_{s}$", "$D_s$"),
)
_BY_PLAIN = {each.plain: each for each in FORMULAS}
_PATTERN = re.compile("|".join(re.escape(each.plain) for each in FORMULAS) + r"|(?P<rows>\d+) x (?P<cols>\d+)")


def split_formulas(text: str) -> list[str | Formula]:
    """The text in pieces: formulas, and what stands between them, with single spaces."""
    pieces: list[str | Formula] = []
    line, start = " ".join(text.split()), 0
    for found in _PATTERN.finditer(line):
        rows, cols = found["rows"], found["cols"]
        size = Formula(found[0], rf"${rows}\times{cols}$", f"${rows} times {cols}$") if rows else None
        pieces += [line[start : found.start()], size or _BY_PLAIN[found[0]]]
        start = found.end()
    return [piece for piece in (*pieces, line[start:]) if piece != ""]
