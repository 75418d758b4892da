"""The pictures of docs/gallery/products.md: tables as TeX and Typst set them and figures, out of the reports of finished runs.

    python docs/gallery/products.py docs/gallery NAME=RUN_DIR/report/PATH ...

NAME is the picture's, without suffix. A .tex is compiled (pdflatex, bibtex with the methods.bib beside it, pdftoppm), a .typ likewise (the
Python package typst); a .png is shrunk.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import typst
from PIL import Image, ImageChops

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reports.typeset.latex import latex_document
from reports.typeset.typst import typst_document

WIDEST = 1100  # pixels


def typeset(table: Path, work: Path) -> Image.Image:
    """The table's page, cut to what is on it."""
    (work / "methods.bib").write_bytes((table.parent / "methods.bib").read_bytes())
    text = table.read_text(encoding="utf-8")
    if table.suffix == ".typ":
        (work / "t.typ").write_text(typst_document([text], "methods"), encoding="utf-8")
        typst.compile(str(work / "t.typ"), output=str(work / "t.pdf"), ignore_system_fonts=True)
    else:
        document = latex_document([text], "methods").replace(r"\begin{document}", r"\pagestyle{empty}\begin{document}")
        (work / "t.tex").write_text(document, encoding="utf-8")
        latex = ["pdflatex", "-interaction=nonstopmode", "t"]
        for command in (latex, ["bibtex", "t"], latex, latex):
            subprocess.run(command, cwd=work, capture_output=True, check=command[0] != "bibtex")
    subprocess.run(["pdftoppm", "-r", "130", "-png", "-f", "1", "-l", "1", "-singlefile", "t.pdf", "t"], cwd=work, check=True)
    page = Image.open(work / "t.png").convert("RGB")
    left, top, right, bottom = ImageChops.difference(page, Image.new("RGB", page.size, "white")).getbbox() or (0, 0, *page.size)
    return page.crop((max(left - 12, 0), max(top - 12, 0), right + 12, bottom + 12))


def main(folder: Path, wanted: list[str]) -> None:
    """Every picture as a PNG of at most 256 colours, photographs as JPEG."""
    for each in wanted:
        name, _, path = each.partition("=")
        with tempfile.TemporaryDirectory() as work:
            source = Path(path)
            picture = typeset(source, Path(work)) if source.suffix in (".tex", ".typ") else Image.open(source).convert("RGB")
        if picture.width > WIDEST:
            picture = picture.resize((WIDEST, round(picture.height * WIDEST / picture.width)), Image.Resampling.LANCZOS)
        if picture.getcolors(20_000) is None:
            picture.save(folder / f"{name}.jpg", quality=85)
        else:
            picture.quantize(256, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
