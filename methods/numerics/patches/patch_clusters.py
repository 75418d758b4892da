"""Overlapping patches of an image, and the image put together again: each pixel is the mean of its values in all patches that hold it.

Patches are lists of pixel numbers, row * cols + col. So to take them out, rows of a (pixels, bands) matrix are gathered; and for the mean,
each pixel gathers its own list (`embedding_bag`). Nothing is scattered, so on one machine with one number of threads the result has the
same bits each time, on a GPU as well. The last patch of an axis ends at the border.

Clusters of nearly equal size are put into one stack, so that linear algebra runs in batches. A cluster that is smaller than the largest of
its stack is padded with the pixel number `rows * cols`, which is the row of zeros that `as_rows` appends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

FILL = 0.8  # size of the smallest cluster of a stack over that of its largest, at least


def patch_pixels(shape: tuple[int, int], side: int, stride: int, *, repeat_last: bool = False) -> Int[Tensor, "patches tall wide"]:
    """The pixel numbers of all patches of `side` x `side` pixels in an image of `shape` rows and columns; patches in the order of the rows.

    An axis that is shorter than `side` has one patch, of its own length. Where the grid of patches does not end at the border, one more
    patch does. With `repeat_last` that patch is added in any case.
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
    """The spectra as rows, followed by a row of zeros, which the padding refers to."""
    return F.pad(image.flatten(1).T, (0, 0, 0, 1))


@dataclass(frozen=True, eq=False)
class ClusteredPatches:
    """The pixel numbers of clusters of patches, in stacks (clusters, patches, area), and for each pixel the list of its places in them."""

    stacks: Sequence[Int[Tensor, "_ _ _"]]
    clusters: Sequence[Int[Tensor, " _"]]  # for each stack, the clusters in it
    sizes: Sequence[Int[Tensor, " _"]]  # for each stack, the number of patches of each cluster without the padding
    entries: Int[Tensor, " covered"]  # the lists of all pixels, one after the other: places in all stacks laid end to end
    starts: Int[Tensor, " pixels"]  # where each pixel's list begins in `entries`

    @classmethod
    def sort(
        cls, pixels: Int[Tensor, "patches area"], labels: Int[Tensor, " patches"], count: int, *, area_first: bool
    ) -> ClusteredPatches:
        """The clusters that `labels` gives, in stacks, for an image of `count` pixels. With `area_first` a stack is (clusters, area,
        patches).

        Every pixel must be in a patch.
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
        """The patches of an image, stack by stack, with the bands as the last axis; `rows` is `as_rows(image)`."""
        for stack in self.stacks:
            yield rows.index_select(0, stack.flatten()).view(*stack.shape, -1)

    def mean(self, stacks: Sequence[Float[Tensor, "_ _ _ bands"]], shape: tuple[int, int]) -> Float[Tensor, "bands H W"]:
        """The image in which each pixel is the mean over all patches that hold it."""
        table = torch.cat([stack.reshape(-1, stack.shape[-1]) for stack in stacks])
        rows = F.embedding_bag(self.entries, table, self.starts, mode="mean")
        return rows.T.reshape(-1, *shape)


def _groups(sizes: Int[Tensor, " clusters"]) -> list[Int[Tensor, " group"]]:
    """The clusters that have members, from large to small, in groups whose sizes are at least FILL of the largest in the group."""
    order = sizes.argsort(descending=True, stable=True)
    listed = sizes[order].tolist()
    starts: list[int] = []
    for position, size in enumerate(listed):
        if size > 0 and (not starts or size < FILL * listed[starts[-1]]):
            starts.append(position)
    ends = [*starts[1:], sum(size > 0 for size in listed)]
    return [order[begin:end] for begin, end in zip(starts, ends, strict=True)]
