"""Training examples, made when they are asked for: patches of scenes, cut out and augmented as cubes, then observed.

Patch number i depends on (seed, i) alone, so that each can be made again, in any order: a training that is resumed gets the same patches.
A window at a random fine pixel of a random scene is turned and mirrored (the eight symmetries of the square), and observed under the
protocol. Where footprints reach beyond the patch, the window is wider by whole coarse pixels, which are cut off after the observation, so
that no patch has a border. Noise, where a protocol has any, is relative to the power of the window.

The truth is given only to methods whose card says that they learn from it. What they are handed (`HandedExamples`) has no attribute that
leads to the scenes. That guards against accident: the scenes are in the memory of the same process, where a hostile method finds them.

augment     "before"  the cube is turned and mirrored, then observed: every patch is a true observation of some scene
            "after"   the observed pair is turned and mirrored, as the code of MossFuse does: where coarse pixels are not centred on their
                      blocks, they then lie up to one fine pixel away from where the method is told that they lie
            "none"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import numpy as np
from torch import Tensor

from datasets.scene import Scene, SceneError, crop_to_ratio
from datasets.simulation import NoiseSeed, Protocol, observe
from methods.contract import Card, Example

Augment = Literal["before", "after", "none"]
ENDLESS = 10**9  # patches; the budget of the method decides how many it takes


@dataclass(frozen=True, eq=False)
class Patches(Sequence[Example]):
    """`amount` examples of `side` x `side` fine pixels; the module docstring says how they are made."""

    scenes: Sequence[Scene]
    protocol: Protocol
    side: int
    amount: int
    seed: int
    card: Card  # of the method that learns: what it may see
    digests: Sequence[str]  # of the content of each scene; they seed the noise
    augment: Augment = "before"
    device: str = "cpu"  # on which the examples are given to the method

    def __post_init__(self) -> None:
        ratio, width = self.protocol.ratio, self.side + 2 * self.margin * self.protocol.ratio
        if self.protocol.mismatched:
            raise SceneError(f"training: expected a protocol whose sensors are as told, got the mismatch protocol {self.protocol.name}")
        if self.side < 1 or self.side % ratio:
            raise SceneError(f"patch: expected a multiple of the ratio {ratio}, got {self.side}")
        if len(self.digests) != len(self.scenes):
            raise SceneError(f"training: expected a digest for each of {len(self.scenes)} scenes, got {len(self.digests)}")
        if not self.scenes or self.amount < 1:
            raise SceneError(f"training: expected scenes and patches, got {len(self.scenes)} scenes and {self.amount} patches")
        for scene in self.scenes:
            if min(scene.cube.shape[1:]) < width:
                raise SceneError(
                    f"patch: expected scenes of at least {width} x {width} pixels for patches of {self.side} and the reach of the PSF, got "
                    f"{scene.name} of {scene.cube.shape[1]} x {scene.cube.shape[2]}; choose smaller patches"
                )

    @classmethod
    def endless(
        cls,
        scenes: Sequence[Scene],
        protocol: Protocol,
        side: int,
        seed: int,
        card: Card,
        digests: Sequence[str],
        augment: Augment,
        device: str,
    ) -> Patches:
        """Patches without end, of scenes of any size, which are cropped to the protocol's ratio."""
        cropped = [crop_to_ratio(scene, protocol.ratio) for scene in scenes]
        return cls(cropped, protocol, side, ENDLESS, seed, card, digests, augment, device)

    @property
    def margin(self) -> int:
        """The number of coarse pixels by which footprints reach beyond a patch, on the side where they reach further."""
        ratio, phase = self.protocol.ratio, self.protocol.phase
        taps = max(self.protocol.psf.kernel(ratio).shape)
        before, after = (taps - 1) // 2 - phase, phase - (taps - 1) // 2 + taps - ratio
        return max(0, -(-max(before, after) // ratio))

    def __len__(self) -> int:
        return self.amount

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        """Patch number `index`, or a list of patches."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self.amount))]
        if not -self.amount <= index < self.amount:
            raise IndexError(f"expected a patch number below {self.amount}, got {index}")
        return self._example(index % self.amount)

    def _example(self, index: int) -> Example:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, index])))
        place = int(rng.integers(len(self.scenes)))
        scene, noise = self.scenes[place], NoiseSeed(self.seed, self.digests[place], index)
        ratio, margin = self.protocol.ratio, self.margin
        width = self.side + 2 * margin * ratio
        top, left = (int(rng.integers(size - width + 1)) for size in scene.cube.shape[1:])
        turn = int(rng.integers(8)) if self.augment != "none" else 0
        cube = scene.cube[:, top : top + width, left : left + width]
        cube = turned(cube, turn) if self.augment == "before" else cube
        seen = observe(replace(scene, cube=cube.contiguous()), replace(self.protocol, boundary="replicate"), noise)
        seen = replace(seen, hsi=_inner(seen.hsi, margin), msi=_inner(seen.msi, margin * ratio))
        truth = _inner(cube, margin * ratio)
        if self.augment == "after":
            seen, truth = replace(seen, hsi=turned(seen.hsi, turn), msi=turned(seen.msi, turn)), turned(truth, turn)
        seen = self.card.entitle(seen).to(self.device)
        return Example(seen, truth.to(seen.hsi).contiguous() if self.card.supervision == "truth" else None)


class HandedExamples(Sequence[Example]):
    """The examples as a method is given them: they can be asked for, and no attribute leads to the scenes, which have the truth."""

    __slots__ = ("_amount", "_example")

    def __init__(self, patches: Patches) -> None:
        self._amount = len(patches)

        def example(index: Any) -> Any:
            return patches[index]

        self._example = example

    def __len__(self) -> int:
        return self._amount

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        """Example number `index`, or a list of examples."""
        wanted: Example | list[Example] = self._example(index)
        return wanted


def turned(image: Tensor, turn: int) -> Tensor:
    """The image under one of the eight symmetries of the square, 0..7, on its last two axes; 0 leaves it as it is."""
    image = image.flip(-2) if turn & 1 else image
    image = image.flip(-1) if turn & 2 else image
    return (image.transpose(-2, -1) if turn & 4 else image).contiguous()


def _inner(image: Tensor, margin: int) -> Tensor:
    """The image without `margin` pixels at each border."""
    return image[..., margin : image.shape[-2] - margin, margin : image.shape[-1] - margin].contiguous()
