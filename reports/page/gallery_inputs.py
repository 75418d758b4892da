"""The pictures of what a scene gives to the methods: the reference and the two images, each with the channels that it shows."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from benchmark.run_folder.folder import RunFolder
from datasets.cube_file import CubeFile
from reports.page.drawn_picture import Picture, drawn_picture
from reports.scene.pictures import block_means, displayed, false_colour, fitting_gain
from reports.scene.reduced_estimates import SceneReference, read_stored_cube
from reports.scene.sensor_responses import shown_channels


def input_pictures(run: RunFolder, observation: str, reference: SceneReference) -> tuple[Picture, ...]:
    """The reference and the two images; of a real pair as it was taken the two images, the HSI by its own pixels on the fine grid."""
    recipe, detail, pair = reference.recipe, reference.detail, reference.pair
    if reference.cube is not None:
        return (
            drawn_picture("Truth", false_colour(reference.cube, recipe, detail.longest), detail.most, recipe.channels.text),
            *_observed(run, observation, reference),
        )
    if pair is None:
        return ()
    hsi = displayed(_shrunk(pair.on_fine_grid(list(recipe.bands)), detail.longest), recipe.gain)
    shown = shown_channels(run.responses(observation), len(pair.msi.cube), pair.hsi.wavelengths_nm)
    channels = _shrunk(shown.of(pair.msi.cube), detail.longest)
    msi = displayed(channels, fitting_gain(channels))  # another sensor: it has a gain of its own
    return (
        drawn_picture("HSI, as taken", hsi, detail.most, recipe.channels.text),
        drawn_picture("MSI, as taken, with a gain of its own", msi, detail.most, shown.text),
    )


def _observed(run: RunFolder, digest: str, reference: SceneReference) -> tuple[Picture, ...]:
    """The HSI by the recipe of the scene, and the MSI by its own channels and the gain of that recipe."""
    if not digest:
        return ()
    file, recipe, longest = run.observation(digest), reference.recipe, reference.detail.longest
    hsi, msi = read_stored_cube(file, "hsi"), read_stored_cube(file, "msi")
    coarse = (
        drawn_picture("HSI, as observed", false_colour(hsi.cube, recipe, longest), note=recipe.channels.text)
        if not isinstance(hsi, str) and len(hsi.cube) > max(recipe.bands)
        else _absent("HSI, as observed", hsi)
    )
    if isinstance(msi, str):
        return coarse, _absent("MSI, as observed", msi)
    shown = shown_channels(run.responses(digest), len(msi.cube), reference.wavelengths_nm)
    sharp = displayed(_shrunk(shown.of(msi.cube), longest), recipe.gain)
    return coarse, drawn_picture("MSI, as observed", sharp, reference.detail.most, shown.text)


def _shrunk(bands: Float[np.ndarray, "3 H W"], longest: int) -> Float[np.ndarray, "3 h w"]:
    return np.stack([block_means(band, longest) for band in bands])


def _absent(title: str, why: CubeFile | str) -> Picture:
    """A missing picture with the reason."""
    return Picture(title, missing=why if isinstance(why, str) else f"{len(why.cube)} bands, other than the reference's")
