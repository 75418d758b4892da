"""The pictures of the built-in scenes: where which material lies, how it is lit, where it shines.

Three layouts of different character, each painted on a `Canvas` (`datasets/synthetic_canvas.py`): `still_life`, objects before a dark
background with highlights and cast shadows; `fields`, farmland from above; `textiles`, dense fine patterns with near-metamers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from datasets.synthetic_canvas import Canvas, Image, noise, step


def still_life(rows: int, cols: int, materials: Sequence[str], texture: float, rng: np.random.Generator) -> Canvas:
    """Fruit, a vase, beads and a colour chart on a table before dark velvet."""
    c = Canvas(rows, cols, materials, "black velvet")
    grain = noise(rng, rows, cols, 0.05, 1.0)
    c.colourant = 0.7 * noise(rng, rows, cols, 0.3) + 0.5 * noise(rng, rows, cols, 0.04, 1.5)
    c.shading[:] = 0.35 + 0.25 * (1 - c.x)
    table = c.cover(0.53 + 0.02 * c.x - c.y)
    rings = np.sin(2 * np.pi * (9 * c.y + 1.2 * c.x + 0.35 * noise(rng, rows, cols, 0.4)) * 2)
    c.paint("wood", table)
    c.paint("black paint", table * np.clip(0.22 + 0.22 * rings, 0, 1))
    c.relight(table, 0.75 - 0.25 * c.x + 0.35 * (c.y - 0.5))
    cloth = c.cover(np.maximum(np.abs(c.x - 0.78 + 0.25 * (c.y - 0.8)) - 0.19, np.abs(c.y - 0.80) - 0.14))
    c.paint("grey cloth", cloth)
    c.paint("violet dye", cloth * (np.sin(2 * np.pi * (c.x + 0.25 * c.y) / 0.06) > 0.35))
    c.paint("white ceramic", cloth * (np.sin(2 * np.pi * c.y / 0.07) > 0.8))
    _chart(c)
    c.relight(cloth, 0.72 + 0.12 * np.sin(2 * np.pi * (c.x * 1.5 + c.y * 2)))
    c.cast(0.80, 0.63, 0.16, 0.07)
    profile = 0.045 + 0.075 * np.exp(-(((c.y - 0.44) / 0.12) ** 2)) + 0.03 * np.exp(-(((c.y - 0.12) / 0.05) ** 2))
    vase = c.turned("white ceramic", 0.72, 0.12, 0.63, profile, gloss=0.75)
    for band in (0.20, 0.32, 0.50, 0.56):
        c.paint("blue glaze", vase * c.cover(np.abs(c.y - band - 0.35 * (c.x - 0.72) ** 2) - 0.014))
    c.paint("cyan paint", vase * (np.sin(2 * np.pi * c.x / 0.05) * np.sin(2 * np.pi * c.y / 0.06) > 0.3) * (np.abs(c.y - 0.42) < 0.06))
    c.ball("blue glaze", 0.52, 0.52, 0.062, 0.062, gloss=0.95)
    c.ball("red dye", 0.31, 0.60, 0.115, 0.105, gloss=0.55)
    c.paint("green leaf", c.cover(np.hypot((c.x - 0.335) / 1.8 - (c.y - 0.5) * 0.4, c.y - 0.50) - 0.018))
    c.ball("green paint", 0.13, 0.66, 0.095, 0.125, turn=-0.25, gloss=0.5)
    c.ball("red lacquer", 0.46, 0.70, 0.105, 0.098, gloss=0.7)
    orange, radius = c.ball("orange peel", 0.66, 0.70, 0.10, 0.10, gloss=0.35)
    c.shading *= 1 + 0.10 * texture * orange * noise(rng, rows, cols, 0.02, 1.5) * (radius < 0.95)
    c.ball("yellow peel", 0.87, 0.68, 0.105, 0.072, turn=0.45, gloss=0.45)
    beads = ("pink dye", "cyan paint", "yellow peel", "violet dye", "green leaf", "white ceramic", "red dye", "black paint", "blue glaze")
    for k in range(15):
        c.ball(beads[k % len(beads)], 0.05 + 0.042 * k, 0.90 + 0.025 * np.sin(1.3 * k), 0.024, 0.024, gloss=0.8)
    c.shading *= np.clip(1 + 0.05 * texture * grain, 0.2, None)
    return c


def _chart(c: Canvas) -> None:
    """A colour chart of 4 x 6 patches on a white board, the last row a grey scale of white and black paint."""
    board = c.cover(np.maximum(np.abs(c.x - 0.25) - 0.205, np.abs(c.y - 0.235) - 0.145))
    c.paint("black paint", board)
    c.relight(board, 0.80)
    colours = (
        *("wood", "pink dye", "cyan paint", "green leaf", "violet dye", "yellow peel"),
        *("orange peel", "blue glaze", "red lacquer", "grey cloth", "green paint", "red dye"),
        *("blue glaze", "green leaf", "red dye", "yellow peel", "pink dye", "cyan paint"),
    )
    for k in range(24):
        row, col = divmod(k, 6)
        patch = c.cover(np.maximum(np.abs(c.x - 0.083 - 0.067 * col) - 0.026, np.abs(c.y - 0.137 - 0.066 * row) - 0.026))
        if row < 3:
            c.paint(colours[k], patch)
        else:
            c.paint("white ceramic", patch * (1 - col / 5))


def fields(rows: int, cols: int, materials: Sequence[str], texture: float, rng: np.random.Generator) -> Canvas:
    """Farmland from above: parcels with rows and tramlines, a wood, a river, roads, a village, the shadow of a cloud."""
    c = Canvas(rows, cols, materials, "meadow")
    vigour, patches, crowns = (noise(rng, rows, cols, size) for size in (0.35, 0.12, 0.03))
    c.colourant = 0.8 * noise(rng, rows, cols, 0.3) + 0.4 * noise(rng, rows, cols, 0.03, 1.5)
    turn, wide = 0.31, cols / rows
    p = np.cos(turn) * c.x * wide + np.sin(turn) * c.y
    q = -np.sin(turn) * c.x * wide + np.cos(turn) * c.y
    kinds = ("crop", "wheat", "beet", "bright soil", "meadow", "crop", "dark soil", "rape", "wheat", "beet")
    for k, (left, right, low, high) in enumerate(_split(rng, (-0.1, 1.7, -0.6, 1.1), 0.20)):
        parcel = c.cover(
            np.maximum(np.abs(p - (left + right) / 2) - (right - left) / 2, np.abs(q - (low + high) / 2) - (high - low) / 2) + 0.006
        )
        kind, along = kinds[k % len(kinds)], p if (right - left) < (high - low) else q
        growth, light = rng.uniform(0.45, 0.95), rng.uniform(0.85, 1.1)
        c.paint("dark soil" if kind in ("crop", "wheat", "beet", "rape") and k % 3 else "bright soil", parcel)
        tram = 0.75 * (np.abs((along / (9 * c.fine) + 0.5) % 1 - 0.5) < 0.06) if kind in ("crop", "wheat", "beet") else 0.0
        rows_seen = 0.10 * np.sin(2 * np.pi * along / (3.1 * c.fine))
        c.paint(kind, parcel * np.clip(growth + 0.16 * vigour + 0.07 * patches + rows_seen, 0, 1) * (1 - tram))
        c.relight(parcel, light + 0.05 * texture * np.sin(2 * np.pi * along / (4.3 * c.fine)))
    wood = c.cover(0.035 * (1.1 - noise(rng, rows, cols, 0.25) - 2.2 * (c.x - 0.55) - 1.6 * (0.45 - c.y)))
    c.paint("forest", wood * np.clip(0.88 + 0.06 * crowns, 0, 1))
    c.relight(wood, np.clip(0.85 + 0.28 * texture * crowns, 0.25, 1.5))
    middle = 0.23 + 0.07 * np.sin(2 * np.pi * (c.y * 0.9 + 0.1)) + 0.03 * np.sin(2 * np.pi * c.y * 2.3)
    off = np.abs(c.x - middle) * wide
    c.paint("meadow", c.cover(off - 0.075 - 0.01 * patches))
    c.paint("water", c.cover(off - 0.036 - 0.008 * np.sin(7 * c.y)))
    c.relight(c.cover(off - 0.036 - 0.008 * np.sin(7 * c.y)), 1.0 + 0.03 * vigour)
    for x, y in zip(*rng.uniform(0, 1, (2, 60)), strict=True):  # trees along the river and in the meadows
        bank = 0.23 + 0.07 * np.sin(2 * np.pi * (y * 0.9 + 0.1)) + 0.03 * np.sin(2 * np.pi * y * 2.3)
        _tree(c, bank + (0.075 + 0.02 * x) * (1 if x > 0.5 else -1) / wide, y, rng.uniform(1.0, 2.0) * c.fine, wide)
    for distance, material, half in (
        (np.abs(q - 0.28 - 0.03 * np.sin(3 * p)), "asphalt", 1.1),
        (np.abs(p - 0.93), "asphalt", 0.9),
        (np.abs(q + 0.12 - 0.05 * np.sin(4 * p)), "bright soil", 0.6),
    ):
        road = c.cover(distance - half * c.fine)
        c.paint(material, road)
        c.relight(road, 1.0)
    for a, b in zip(rng.normal(0.93, 0.16, 34), rng.normal(0.29, 0.10, 34), strict=True):
        _house(c, p - a, q - b, rng)
    cloud = noise(rng, rows, cols, 0.5)
    c.shadow = np.maximum(c.shadow, 0.65 * step(4 * (0.6 * cloud + 4.5 * (c.y - 0.82) - 2.5 * (c.x - 0.35))))
    c.shading *= np.clip(1 + 0.05 * texture * noise(rng, rows, cols, 0.02, 1.0), 0.2, None)
    return c


def _tree(c: Canvas, x: float, y: float, size: float, wide: float) -> None:
    """A crown seen from above, with its shadow to the lower right."""
    c.cast(x + 1.1 * size / wide, y + 1.1 * size, size / wide, size, 0.7)
    crown = c.cover(np.hypot((c.x - x) * wide, c.y - y) - size)
    c.paint("forest", crown)
    c.relight(crown, 1.0 - 0.3 * np.clip((c.x - x) * wide + c.y - y, -size, size) / size)


def _house(c: Canvas, p: Image, q: Image, rng: np.random.Generator) -> None:
    """A gabled roof, one side in less light, the shadow beside it."""
    long, short = rng.uniform(1.5, 3.2) * c.fine, rng.uniform(1.1, 2.0) * c.fine
    if rng.uniform() < 0.5:
        p, q = q, p
    metal = rng.uniform() < 0.3
    away = 1.0 * c.fine
    c.shadow = np.maximum(c.shadow, 0.85 * c.cover(np.maximum(np.abs(p - away) - long, np.abs(q - away) - short)))
    roof = c.cover(np.maximum(np.abs(p) - long, np.abs(q) - short))
    c.paint("metal roof" if metal else "roof tile", roof)
    brightness, shine = rng.uniform(0.85, 1.15), rng.uniform(0.0, 0.35)
    lit = (q < 0).astype(np.float64)  # the side that faces the sun
    c.relight(roof, brightness * (0.72 + 0.43 * lit), shine * metal * lit)


def textiles(rows: int, cols: int, materials: Sequence[str], texture: float, rng: np.random.Generator) -> Canvas:
    """A quilt of woven, printed and striped cloths with folds; two prints differ by near-metamers, which only a spectrometer sees."""
    c = Canvas(rows, cols, materials, "cream wool")
    c.colourant = 0.6 * noise(rng, rows, cols, 0.2) + 0.7 * noise(rng, rows, cols, 0.015, 1.0)
    prints: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("tartan", ("red dye", "indigo", "black paint", "yellow peel")),
        ("leaves", ("turquoise twin a", "turquoise twin b")),
        ("stripes", ("white ceramic", "indigo")),
        ("check", ("cream wool", "brown wool")),
        ("dots", ("violet dye", "pink dye")),
        ("stripes", ("beige twin a", "beige twin b")),
        ("leaves", ("olive", "green paint", "yellow peel")),
        ("dots", ("turquoise twin a", "white ceramic")),
        ("tartan", ("olive", "brown wool", "cream wool", "red dye")),
        ("check", ("beige twin b", "red dye")),
        ("stripes", ("pink dye", "turquoise twin b", "black paint")),
    )
    order = rng.permutation(len(prints))
    for k, (left, right, low, high) in enumerate(_split(rng, (0.0, 1.0, 0.0, 1.0), 0.24)):
        inside = np.maximum(np.abs(c.x - (left + right) / 2) - (right - left) / 2, np.abs(c.y - (low + high) / 2) - (high - low) / 2)
        patch, turn = c.cover(inside), rng.uniform(-0.6, 0.6)
        p = (np.cos(turn) * c.x + np.sin(turn) * c.y) / c.fine + 0.8 * noise(rng, rows, cols, 0.3)
        q = (-np.sin(turn) * c.x + np.cos(turn) * c.y) / c.fine
        kind, dyes = prints[order[k % len(prints)]]
        c.paint(dyes[0], patch)
        for dye, share in zip(dyes[1:], _print(kind, p, q, len(dyes) - 1, rng, rows, cols), strict=True):
            c.paint(dye, patch * share)
        thread = np.sin(2 * np.pi * p / 2.7) * np.sin(2 * np.pi * q / 3.1)
        c.relight(patch, rng.uniform(0.75, 1.0) * (1 + 0.16 * texture * thread))
        seam = c.cover(np.abs(inside) - 0.5 * c.fine)
        c.paint("black paint", 0.55 * seam)
        c.paint("white ceramic", 0.8 * c.cover(np.abs(inside + 2 * c.fine) - 0.4 * c.fine) * (np.sin(1.6 * (p + q)) > 0))
    folds = noise(rng, rows, cols, 0.35, 2.5)
    c.shading *= np.clip(0.78 + 0.17 * folds, 0.25, 1.2) * np.clip(1 + 0.06 * texture * noise(rng, rows, cols, 0.01, 0.5), 0.3, None)
    c.shadow = 0.6 * step(-5 * (folds + 1.4))
    return c


def _print(kind: str, p: Image, q: Image, count: int, rng: np.random.Generator, rows: int, cols: int) -> list[Image]:
    """The shares of the second, third and further dyes of a printed or woven pattern; p and q in pixels of a picture of 96 rows."""
    period = float(rng.uniform(5.0, 9.0))
    if kind == "stripes":
        return [_soft(np.sin(2 * np.pi * (p / period + 0.31 * k)) - 0.1 - 0.6 * k) for k in range(count)]
    if kind == "check":
        return [_soft(np.sin(2 * np.pi * p / period) * np.sin(2 * np.pi * q / period)) for _ in range(count)]
    if kind == "dots":
        return [_soft(np.cos(2 * np.pi * p / period) + np.cos(2 * np.pi * q / period) - 0.8) for _ in range(count)]
    if kind == "tartan":
        ways = [p if k % 2 else q for k in range(count)]
        return [0.75 * _soft(np.cos(2 * np.pi * way / (period * (1.9 - 0.3 * k))) - 0.1 - 0.38 * k) for k, way in enumerate(ways)]
    return [_soft(4 * (noise(rng, rows, cols, 0.09, 2.5) - 0.35 - 0.3 * k)) for k in range(count)]


def _soft(height: Image) -> Image:
    """1 where `height` is above 0, 0 below, mixed over about a pixel."""
    return np.clip(0.5 + 1.6 * height, 0, 1)


def _split(rng: np.random.Generator, box: tuple[float, float, float, float], smallest: float) -> list[tuple[float, float, float, float]]:
    """Rectangles (left, right, low, high) that tile a box, by random cuts across the longer side until none is above 2 x smallest."""
    left, right, low, high = box
    if max(right - left, high - low) < 2 * smallest:
        return [box]
    share = float(rng.uniform(0.36, 0.64))
    if right - left > high - low:
        cut = left + share * (right - left)
        return _split(rng, (left, cut, low, high), smallest) + _split(rng, (cut, right, low, high), smallest)
    cut = low + share * (high - low)
    return _split(rng, (left, right, low, cut), smallest) + _split(rng, (left, right, cut, high), smallest)


Layout = Callable[[int, int, Sequence[str], float, np.random.Generator], Canvas]
LAYOUTS: Mapping[str, Layout] = {"still_life": still_life, "fields": fields, "textiles": textiles}
