"""The network of PSRT, as its authors released it.

    x = conv([u, msi])  (32)         x = P(P(x)),  P = B2(B4(B8(x)))         cube = u + leaky(conv(x))

u is the HSI enlarged to the fine grid by bicubic interpolation, convolutions are 3 x 3, and leaky multiplies what is below 0 by 0.2.

    B_s(x) = x + L3(R(L2(S(L1(x)))))         L1, L2, L3: transformer layers in windows of s x s pixels

S shuffles tiles of d x d pixels, d = s / 2: numbered by rows and columns, the tiles of even row and even column go to the top left quarter
of the image, even row and odd column to the top right, odd and even to the bottom left, odd and odd to the bottom right, in their order. So
a window of L2 holds four tiles of which each was two tiles away from the next. R puts the tiles back.

A layer is the usual one (norm, attention with 8 heads, norm, two dense layers with 128 units and gelu, both residual), except that the
queries are multiplied by 4, where others divide by the root of the width.
"""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.numerics.networks.image_sizes import enlarge, padded

WIDTH, HEADS, HIDDEN, SCALE, SLOPE = 32, 8, 128, 4.0, 0.2
WINDOWS = (8, 4, 2)
PYRAMIDS = 2
PREFIX = "model."
_PARTS = {
    "first_norm": "norm1",
    "to_all": "attn.qkv",
    "project": "attn.proj",
    "second_norm": "norm2",
    "dense.0": "mlp.fc1",
    "dense.2": "mlp.fc2",
}


class PSRT(nn.Module):
    """The network of the module docstring, a function from batches (hsi, msi) to the cube."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.enter = nn.Conv2d(bands + channels, WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(ShuffleBlock(window) for _ in range(PYRAMIDS) for window in WINDOWS))
        self.leave = nn.Conv2d(WIDTH, bands, 3, padding=1)

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube of an HSI and an MSI."""
        return self.refined(enlarge(hsi, self.ratio, "bicubic"), msi)

    def refined(
        self, coarse: Float[Tensor, "batch bands H W"], msi: Float[Tensor, "batch channels H W"]
    ) -> Float[Tensor, "batch bands H W"]:
        """The cube of an HSI that was enlarged already.

        Where 8 does not divide a side of the image, its last row or column is repeated, and what is added is cut off afterwards.
        """
        features = self.blocks(self.enter(padded(torch.cat([coarse, msi], dim=1), max(WINDOWS))))
        change = F.leaky_relu(self.leave(features), SLOPE)
        return coarse + change[..., : msi.shape[-2], : msi.shape[-1]]


class ShuffleBlock(nn.Module):
    """Three layers in windows of one side, the second on shuffled tiles, with a residual around them."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.tile = window // 2
        self.layers = nn.ModuleList(WindowLayer(window) for _ in range(3))

    def forward(self, image: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed image."""
        first, second, third = self.layers
        shuffled = second(shuffle(first(image), self.tile))
        changed: Tensor = third(unshuffle(shuffled, self.tile))
        return image + changed


class WindowLayer(nn.Module):
    """A transformer layer in windows of `window` x `window` neighbouring pixels."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.first_norm, self.second_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.to_all, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH))

    def forward(self, image: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed image."""
        tokens = to_windows(image, self.window)
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.to_all(self.first_norm(tokens)).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(query, key, value, scale=SCALE)
        tokens = tokens + self.project(mixed.transpose(1, 2).flatten(2))
        tokens = tokens + self.dense(self.second_norm(tokens))
        return from_windows(tokens, self.window, *image.shape[-2:])


def shuffle(image: Float[Tensor, "batch width H W"], tile: int) -> Float[Tensor, "batch width H W"]:
    """The image with its tiles of `tile` x `tile` pixels sorted: those of even numbers first, then those of odd ones, along both axes.

    2 `tile` must divide both sides.
    """
    rows, cols = (size // (2 * tile) for size in image.shape[-2:])
    split = image.reshape(*image.shape[:2], rows, 2, tile, cols, 2, tile)  # row, odd, inside, column, odd, inside
    return split.permute(0, 1, 3, 2, 4, 6, 5, 7).reshape(image.shape)


def unshuffle(image: Float[Tensor, "batch width H W"], tile: int) -> Float[Tensor, "batch width H W"]:
    """The image that `shuffle` sorted, as it was before."""
    rows, cols = (size // (2 * tile) for size in image.shape[-2:])
    split = image.reshape(*image.shape[:2], 2, rows, tile, 2, cols, tile)
    return split.permute(0, 1, 3, 2, 4, 6, 5, 7).reshape(image.shape)


def to_windows(image: Float[Tensor, "batch width H W"], window: int) -> Float[Tensor, "windows pixels width"]:
    """The pixels of one window of `window` x `window` pixels after the other."""
    batch, width = image.shape[:2]
    rows, cols = (size // window for size in image.shape[-2:])
    split = image.reshape(batch, width, rows, window, cols, window).permute(0, 2, 4, 3, 5, 1)
    return split.reshape(batch * rows * cols, window * window, width)


def from_windows(tokens: Float[Tensor, "windows pixels width"], window: int, height: int, breadth: int) -> Float[Tensor, "batch width H W"]:
    """The image of `height` x `breadth` pixels that `to_windows` divided."""
    rows, cols, width = height // window, breadth // window, tokens.shape[-1]
    split = tokens.reshape(-1, rows, cols, window, window, width)
    return split.permute(0, 5, 1, 3, 2, 4).reshape(-1, width, height, breadth)


def released_name(ours: str) -> str:
    """The authors' name of the tensor with our name `ours`, without their prefix `model.`."""
    for module, theirs in (("enter.", "w.conv."), ("leave.", "conv.0.")):
        if ours.startswith(module):
            return theirs + ours.removeprefix(module)
    place = re.fullmatch(r"blocks\.(\d+)\.layers\.(\d+)\.(.+)\.(weight|bias)", ours)
    if place is None or place[3] not in _PARTS:
        raise KeyError(f"no tensor of the released network corresponds to {ours!r}")
    pyramid, block = divmod(int(place[1]), len(WINDOWS))
    return f"w.layers.{pyramid}.layers.{block}.WA{int(place[2]) + 1}.{_PARTS[place[3]]}.{place[4]}"
