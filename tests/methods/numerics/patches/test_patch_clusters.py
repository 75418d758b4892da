"""Facts on methods/numerics/patches/patch_clusters.py. Oracle: loops over patches and pixels."""

from __future__ import annotations

import pytest
import torch

from methods.numerics.patches.patch_clusters import ClusteredPatches, as_rows, patch_pixels


def anchors(size: int, side: int, stride: int, repeat_last: bool) -> list[int]:
    result, first = [], 0
    while first + side <= size:
        result.append(first)
        first += stride
    if repeat_last or result[-1] + side < size:
        result.append(size - side)
    return result


@pytest.mark.parametrize("repeat_last", [False, True])
@pytest.mark.parametrize(("rows", "cols", "side", "stride"), [(16, 24, 8, 4), (17, 22, 7, 3), (9, 30, 5, 5)])
def test_patches_lie_on_the_grid_and_at_the_border(rows: int, cols: int, side: int, stride: int, repeat_last: bool) -> None:
    pixels = patch_pixels((rows, cols), side, stride, repeat_last=repeat_last)
    expected = [
        [[(r + i) * cols + c + j for j in range(side)] for i in range(side)]
        for r in anchors(rows, side, stride, repeat_last)
        for c in anchors(cols, side, stride, repeat_last)
    ]
    assert pixels.tolist() == expected
    assert len(set(pixels.flatten().tolist())) == rows * cols


def test_an_axis_shorter_than_a_patch_has_one_patch_of_its_length() -> None:
    assert patch_pixels((3, 11), 8, 4).shape == (2, 3, 8)


@pytest.mark.parametrize("area_first", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_taking_and_averaging_agrees_with_loops(area_first: bool, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 10, 13, generator=generator).to(dtype)
    pixels = patch_pixels((10, 13), 4, 3, repeat_last=True).flatten(1)
    labels = torch.randint(0, 6, (len(pixels),), generator=generator)
    labels[labels == 2] = 5  # a cluster without members
    patches = ClusteredPatches.sort(pixels, labels, 130, area_first=area_first)

    gain = torch.rand(len(pixels), 16, generator=generator).to(dtype)  # a patch's own change, so that overlaps disagree
    total, count = torch.zeros(3, 130, dtype=dtype), torch.zeros(130, dtype=dtype)
    for patch, change in zip(pixels, gain, strict=True):
        total[:, patch] += image.flatten(1)[:, patch] * change
        count[patch] += 1

    changed = []
    for stack, clusters, sizes in zip(patches.take(as_rows(image)), patches.clusters, patches.sizes, strict=True):
        new = torch.full_like(stack, 7)  # what the padding says must not matter
        for place, (cluster, size) in enumerate(zip(clusters.tolist(), sizes.tolist(), strict=True)):
            members = (labels == cluster).nonzero()[:, 0]
            assert len(members) == size
            for n, member in enumerate(members.tolist()):
                view = (place, slice(None), n) if area_first else (place, n)
                assert torch.equal(stack[view], image.flatten(1)[:, pixels[member]].T)
                new[view] = stack[view] * gain[member][:, None]
            padding = stack[place, :, size:] if area_first else stack[place, size:]
            assert not bool(padding.any())
        changed.append(new)
    assert torch.allclose(patches.mean(changed, (10, 13)), (total / count).reshape(3, 10, 13), rtol=1e-5)
    assert sum(len(sizes) for sizes in patches.sizes) == len(set(labels.tolist()))


def test_stacks_hold_clusters_of_about_one_size() -> None:
    labels = torch.repeat_interleave(torch.arange(5), torch.tensor([2, 40, 39, 9, 10]))
    pixels = torch.arange(100)[:, None]
    stacks = ClusteredPatches.sort(pixels, labels, 100, area_first=False).stacks
    assert [tuple(stack.shape) for stack in stacks] == [(2, 40, 1), (2, 10, 1), (1, 2, 1)]
