"""Non-local similarity: for every pixel of an image, the pixels around it with the most similar neighbourhoods. Dong et al., IEEE TIP 2016.

    distance(p, q) = mean over the 3 x 3 neighbourhood and the channels of (255 image(p + .) - 255 image(q + .))^2

with the image mirrored at the border, the edge pixel included. Of the pixels in a square window the `count` nearest are kept, with weights
proportional to exp(-distance / 90). p itself is one of them; its distance, 0, is replaced by that of the nearest other pixel.

The distances are differences of shifted images, squared and summed over the neighbourhood, for a block of rows at a time. There is no loop
over pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

SOFTNESS = 90.0  # in squared grey levels
AT_ONCE = 3 << 20  # distances that are in memory at a time


@dataclass(frozen=True, eq=False)
class Similar:
    """The most similar pixels of each pixel, the nearest first, as pixel numbers row * cols + col."""

    pixels: Int[Tensor, "n count"]
    weights: Float[Tensor, "n count"]  # they sum to 1 for each pixel

    def mean(self, image: Float[Tensor, "bands rows cols"]) -> Float[Tensor, "bands rows cols"]:
        """The image in which every pixel is replaced by the weighted mean of its similar pixels."""
        rows = image.flatten(1).T.contiguous()
        means = F.embedding_bag(self.pixels, rows, per_sample_weights=self.weights, mode="sum")
        return means.T.reshape(image.shape)


def most_similar(image: Float[Tensor, "channels rows cols"], count: int = 10, reach: int = 18) -> Similar:
    """The `count` pixels most similar to each pixel in the window of 2 `reach` + 1 pixels around it; fewer if the image is smaller."""
    rows, cols = image.shape[1:]
    down, across = min(reach, rows - 1), min(reach, cols - 1)
    row = torch.arange(-1, rows + 1, device=image.device).clamp(0, rows - 1)
    col = torch.arange(-1, cols + 1, device=image.device).clamp(0, cols - 1)
    padded = (255 * image)[:, row][:, :, col]
    far = F.pad(padded, (across, across, down, down))
    inside = F.pad(torch.ones(rows, cols, dtype=torch.bool, device=image.device), (across, across, down, down))
    wide, tall = 2 * across + 1, 2 * down + 1
    pixels, distances = [], []
    block = max(1, AT_ONCE // (wide * tall * cols))
    for first in range(0, rows, block):
        last = min(first + block, rows)
        here = padded[:, first : last + 2, None, :]
        apart_by_shift = image.new_empty(last - first, cols, tall, wide)
        for step in range(tall):
            apart = here - far[:, first + step : last + step + 2].unfold(2, cols + 2, 1)
            apart.square_()
            square = apart.sum(0) if len(apart) != 3 else apart[0].add_(apart[1]).add_(apart[2])
            lines = square[:-2] + square[1:-1] + square[2:]
            total = lines[..., :-2] + lines[..., 1:-1] + lines[..., 2:]
            there = inside[first + step : last + step].unfold(1, cols, 1)
            apart_by_shift[:, :, step] = total.masked_fill_(~there, torch.inf).transpose(1, 2)
        nearest = apart_by_shift.flatten(2).topk(min(count, rows * cols), dim=2, largest=False)
        row, col = (torch.arange(begin, end, device=image.device) for begin, end in ((first, last), (0, cols)))
        down_by, across_by = nearest.indices // wide - down, nearest.indices % wide - across
        there_row, there_col = (row[:, None, None] + down_by).clamp(0, rows - 1), (col[None, :, None] + across_by).clamp(0, cols - 1)
        pixels.append((there_row * cols + there_col).flatten(0, 1))
        distances.append(nearest.values.flatten(0, 1))
    distance = torch.cat(distances) / (9 * image.shape[0])
    if distance.shape[1] > 1:
        distance[:, 0] = distance[:, 1]
    return Similar(torch.cat(pixels), torch.softmax(-distance / SOFTNESS, 1))
