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
    Formula(
        "|Q in the estimate - Q in the HSI|",
        r"$|Q_{\mathrm{estimate}}-Q_{\mathrm{HSI}}|$",
        '$|Q_upright("estimate") - Q_upright("HSI")|$',
    ),
    Formula(
        "|Q(estimate, MSI) - Q(HSI, MSI blurred and decimated by the true PSF)|",
        r"$|Q(\mathrm{estimate},\mathrm{MSI})-Q(\mathrm{HSI},\mathrm{MSI}_{\downarrow})|$ (the MSI blurred and decimated by the true PSF)",
        '$|Q(upright("estimate"), upright("MSI")) - Q(upright("HSI"), upright("MSI")_arrow.b)|$ '
        "(the MSI blurred and decimated by the true PSF)",
    ),
    Formula(
        "|(estimated - true) X| / |true X|",
        r"$\|(\hat{R}-R)X\|/\|RX\|$ ($\hat{R}$ estimated, $R$ true)",
        "$||(hat(R) - R) X|| \\/ ||R X||$ ($hat(R)$ estimated, $R$ true)",
    ),
    Formula(
        "|estimated - true| / |true|",
        r"$\|\hat{r}-r\|/\|r\|$ ($\hat{r}$ estimated, $r$ true)",
        "$||hat(r) - r|| \\/ ||r||$ ($hat(r)$ estimated, $r$ true)",
    ),
    Formula(
        "|sigma - true sigma|", r"$|\hat{\sigma}-\sigma|$ ($\hat{\sigma}$ estimated)", "$|hat(sigma) - sigma|$ ($hat(sigma)$ estimated)"
    ),
    Formula(
        "(2 cov_c + C2) / (var_b + var'_b + C2)",
        r"$(2\,\mathrm{cov}_{c}+C_{2})/(\mathrm{var}_{b}+\mathrm{var}'_{b}+C_{2})$",
        """$(2 upright("cov")_c + C_2) \\/ (upright("var")_b + upright("var")'_b + C_2)$""",
    ),
)
HEADS = (  # labels of metrics that are formulas, whole or in part; those of the distortions are above
    Formula("Q2n", "Q$2^{n}$", "Q$2^n$"),
    Formula("Out of 0..1", "Out of $[0,1]$", "Out of $[0, 1]$"),
)
_BY_PLAIN = {each.plain: each for each in (*FORMULAS, *HEADS)}
_BY_LABEL = {each.plain: each for each in HEADS}
_PATTERN = re.compile(
    "|".join(re.escape(each.plain) for each in sorted(FORMULAS, key=lambda each: -len(each.plain)))
    + r"|(?P<rows>\d+) x (?P<cols>\d+)"
    + r"|(?<![\w.])(?P<low>\d+)\.\.(?P<high>\d+)(?![\w.])"
    + r"|(?<![\w.])(?P<factor>\d+(?:\.\d+)?)e(?P<power>[+-]?\d+)\b"
    + r"|(?<![\w.)\]-])-(?P<less>\d+(?:\.\d+)?|∞)(?![\w-])"
    + r"|(?P<times>(?<=\s)\*(?=\s))"
    + r"|(?<=[A-Za-z)])\^(?P<exponent>\d+)"
)


def split_formulas(text: str) -> list[str | Formula]:
    """The text in pieces: formulas, and what stands between them, with single spaces.

    Formulas are those of `FORMULAS`, ranges (0..1), products and sizes (a * b, 8 x 8), powers (x^2, 1e-6) and numbers below zero, whose
    sign is no hyphen.
    """
    pieces: list[str | Formula] = []
    line, start = " ".join(text.split()), 0
    for found in _PATTERN.finditer(line):
        pieces += [line[start : found.start()], _BY_PLAIN.get(found[0]) or _arithmetic(found)]
        start = found.end()
    return [piece for piece in (*pieces, line[start:]) if piece != ""]


def split_head(label: str) -> list[str | Formula]:
    """The label of a column in pieces, likewise."""
    whole = _BY_LABEL.get(label)
    return [whole] if whole is not None else split_formulas(label)


def _arithmetic(found: re.Match[str]) -> Formula:
    """A size, a power of ten, a number below zero, a product or an exponent."""
    plain = found[0]
    if found["rows"]:
        return Formula(plain, rf"${found['rows']}\times{found['cols']}$", f"${found['rows']} times {found['cols']}$")
    if found["low"]:
        return Formula(plain, rf"${found['low']}\ldots{found['high']}$", f"${found['low']} dots {found['high']}$")
    if found["factor"]:
        power = int(found["power"])
        one = found["factor"] == "1"
        latex, typst = ("", "") if one else (rf"{found['factor']}\times", f"{found['factor']} times ")
        return Formula(plain, f"${latex}10^{{{power}}}$", f"${typst}10^({power})$")
    if found["less"]:
        size = found["less"]
        return Formula(plain, rf"$-{size.replace('∞', chr(92) + 'infty')}$", f"$-{size.replace('∞', 'oo')}$")
    if found["times"]:
        return Formula(plain, r"$\cdot$", "$dot.c$")
    return Formula(plain, f"$^{{{found['exponent']}}}$", f"$zws^{found['exponent']}$")
