"""Overlapping patches of an image, and the image back as the mean of what all patches say of a pixel.

Patches are lists of pixel numbers, row * cols + col, so taking them out is one gather of rows of a (pixels, bands) matrix, and the mean is
one gather too: every pixel averages its own list (`embedding_bag`). Nothing is scattered, so the result has the same bits each time on one
machine and one number of threads, on a GPU as well. The last patch of an axis is anchored at the border.

Clusters of patches become a few stacks of clusters of nearly equal size, so that linear algebra runs in batches: a smaller cluster is
padded with the pixel number `rows * cols`, the row of zeros that `as_rows` appends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

FILL = 0.8  # a stack holds clusters of at least this share of its largest


def patch_pixels(shape: tuple[int, int], side: int, stride: int, *, repeat_last: bool = False) -> Int[Tensor, "patches tall wide"]:
    """Pixel numbers of all patches of `side` x `side` pixels in an image of `shape` rows and columns, counted along the rows.

    An axis shorter than `side` has one patch, of its own length. Where the grid does not end at the border, a last patch does;
    with `repeat_last` it is added even where the grid ends there already.
    """
    axes = []
    for size in shape:
        reach = min(side, size)
        first = list(range(0, size - reach + 1, stride))
        if repeat_last or first[-1] != size - reach:
            first.append(size - reach)
        axes.append(torch.tensor(first)[:, None] + torch.arange(reach))
    tall, wide = axes[0].shape[1], axes[1].shape[1]
    return (axes[0][:, None, :, None] * shape[1] + axes[1][None, :, None, :]).reshape(-1, tall, wide)


def as_rows(image: Float[Tensor, "bands rows cols"]) -> Float[Tensor, "pixels_and_zero bands"]:
    """The spectra as rows, then a row of zeros for the padding to point at."""
    return F.pad(image.flatten(1).T, (0, 0, 0, 1))


@dataclass(frozen=True, eq=False)
class ClusteredPatches:
    """Pixel numbers of clusters of patches in stacks (clusters, patches, area), and each pixel's list among all their entries."""

    stacks: Sequence[Int[Tensor, "_ _ _"]]
    clusters: Sequence[Int[Tensor, " _"]]  # which ones a stack holds
    sizes: Sequence[Int[Tensor, " _"]]  # patches of each cluster, the padding not counted
    entries: Int[Tensor, " covered"]  # positions in the stacks laid end to end, pixel by pixel
    starts: Int[Tensor, " pixels"]  # where each pixel's list begins

    @classmethod
    def sort(
        cls, pixels: Int[Tensor, "patches area"], labels: Int[Tensor, " patches"], count: int, *, area_first: bool
    ) -> ClusteredPatches:
        """Stacks of the clusters that `labels` says, of an image of `count` pixels; with `area_first`, (clusters, area, patches).

        Every pixel must lie in a patch.
        """
        order = labels.argsort(stable=True)
        sizes = labels.bincount()
        begin = sizes.cumsum(0) - sizes
        padded = torch.cat([pixels, torch.full_like(pixels[:1], count)])
        stacks, groups = [], _groups(sizes)
        for group in groups:
            widest = int(sizes[group].max())
            place = torch.arange(widest, device=labels.device)
            real = place < sizes[group, None]
            members = torch.where(real, order[(begin[group, None] + place).clamp_max(len(order) - 1)], len(pixels))
            stack = padded[members]
            stacks.append(stack.transpose(1, 2).contiguous() if area_first else stack)
        flat = torch.cat([stack.flatten() for stack in stacks])
        entries = flat.argsort(stable=True)
        lengths = flat.bincount(minlength=count + 1)[:count]
        return cls(stacks, groups, [sizes[group] for group in groups], entries[: int(lengths.sum())], lengths.cumsum(0) - lengths)

    def take(self, rows: Float[Tensor, "pixels_and_zero bands"]) -> Iterator[Float[Tensor, "_ _ _ bands"]]:
        """The patches of `as_rows(image)`, stack by stack, their last axis the bands."""
        for stack in self.stacks:
            yield rows.index_select(0, stack.flatten()).view(*stack.shape, -1)

    def mean(self, stacks: Sequence[Float[Tensor, "_ _ _ bands"]], shape: tuple[int, int]) -> Float[Tensor, "bands H W"]:
        """The image in which each pixel is the mean over all patches that hold it."""
        table = torch.cat([stack.reshape(-1, stack.shape[-1]) for stack in stacks])
        rows = F.embedding_bag(self.entries, table, self.starts, mode="mean")
        return rows.T.reshape(-1, *shape)


def _groups(sizes: Int[Tensor, " clusters"]) -> list[Int[Tensor, " group"]]:
    """Clusters with members, largest first, cut where the size falls below FILL of the group's largest."""
    order = sizes.argsort(descending=True, stable=True)
    listed = sizes[order].tolist()
    starts: list[int] = []
    for position, size in enumerate(listed):
        if size > 0 and (not starts or size < FILL * listed[starts[-1]]):
            starts.append(position)
    ends = [*starts[1:], sum(size > 0 for size in listed)]
    return [order[begin:end] for begin, end in zip(starts, ends, strict=True)]
