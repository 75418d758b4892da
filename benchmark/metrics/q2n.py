"""Q2n: the quality index of hypercomplex pixels. Garzelli, Nencini, IEEE GRSL 6(4), 2009, doi 10.1109/LGRS.2009.2022650.

The bands of a pixel, padded with zeros to n = a power of two, are the components of one hypercomplex number. With z the
reference and w the estimate, their means and moments over one block, |.| the length and ' the conjugate,

    q = 2 |mean z| |mean w| / (|mean z|^2 + |mean w|^2)  *  2 |s_zw| / (s_z^2 + s_w^2)        s_zw = mean((z - mean z) (w - mean w)')

and Q2n is the mean of q over blocks of 32 x 32 pixels side by side. (Sample statistics, over n - 1, give the same q.) A quotient 0/0
counts as 1, as in UIQI; with one band, q is the absolute value of UIQI's Q over the block. An image whose sides are no multiple of the
block's is mirrored at its lower and right borders, the edge pixel repeated, up to the next multiple.

No band is left out: a pixel is one number, in which a band that is constant in the reference weighs as little as its error and its level.
A last band that is zero in both cubes is like the padding, and changes nothing.

Products follow Cayley and Dickson, (a, b)(c, d) = (a c - d' b, d a + b c'), so that e_i e_j = sign(i, j) e_(i xor j). As they are bilinear,
the mean product is a signed sum of the cross-covariances of the block: one small matrix product per block, not n^2 products of images.

The toolboxes of pansharpening first standardise each band of a block by the mean and the standard deviation of the reference, and add 1
(also to the padding), so that all bands have the same weight; `standardise=True` does that. The paper's equation does not, and the column
Q2n of the suite does not either.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Shaped
from numpy.typing import NDArray

from benchmark.metrics.bands import FLAT, quotient_or_one

BLOCK = 32  # pixels along a side
_BLOCKS = 4  # at a time


def q2n(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "bands H W"],
    *,
    standardise: bool = False,
    mask: Bool[NDArray[np.bool_], "H W"] | None = None,
) -> float:
    """Hypercomplex quality index, 1 for equal cubes: the mean of q over the blocks; the module docstring has the formula.

    NaN where the image is smaller than a block on either axis. The index lies within 0..1 up to 8 bands. The product of two numbers of 16
    and more components can be up to sqrt(2) times as long as the product of their lengths, so that 1 is no strict bound there.
    """
    bands, rows, cols = reference.shape
    if min(rows, cols) < BLOCK:
        return float("nan")
    signs = cayley_dickson_signs(1 << (bands - 1).bit_length())
    signs[:, 1:] *= -1  # the second factor is conjugated
    row_index, col_index = _mirrored(rows), _mirrored(cols)
    values = []
    for top in range(0, row_index.size, BLOCK):
        strip = row_index[top : top + BLOCK]
        for left in range(0, col_index.size, _BLOCKS * BLOCK):
            columns = col_index[left : left + _BLOCKS * BLOCK]
            z, w = (_blocks(_piece(cube, strip, columns)) for cube in (reference, estimate))
            quality = _quality(z, w, signs, standardise)
            values.append(quality if mask is None else quality[_blocks(_piece(mask[None], strip, columns).astype(np.float32)).all((1, 2))])
    counted = np.concatenate(values)
    return float(np.mean(counted)) if counted.size else float("nan")


def cayley_dickson_signs(order: int) -> Float64[NDArray[np.float64], "order order"]:
    """The table sign(i, j) of e_i e_j = sign(i, j) e_(i xor j) in the algebra of that order, a power of two."""
    signs = np.ones((1, 1))
    while len(signs) < order:
        conjugate = np.where(np.arange(len(signs)) == 0, 1.0, -1.0)
        # rows: the first factor in a, then in b; columns: the second factor in c, then in d
        signs = np.block([[signs, signs.T], [signs * conjugate, -signs.T * conjugate]])
    return signs


def _mirrored(size: int) -> Int[NDArray[np.int64], " padded"]:
    """The pixel that each position takes, up to the next multiple of the block: beyond the border the order is reversed."""
    index = np.arange(-(-size // BLOCK) * BLOCK)
    return np.where(index < size, index, 2 * size - 1 - index)


def _piece(
    cube: Shaped[np.ndarray, "bands H W"], strip: Int[NDArray[np.int64], " rows"], columns: Int[NDArray[np.int64], " cols"]
) -> Shaped[np.ndarray, "bands rows cols"]:
    """The pixels of these rows and columns: a view where none is mirrored, which saves half of the time."""
    if np.all(np.diff(strip) == 1) and np.all(np.diff(columns) == 1):
        return cube[:, strip[0] : strip[-1] + 1, columns[0] : columns[-1] + 1]
    return cube[:, strip[:, None], columns]


def _blocks(strip: Float[np.ndarray, "bands block W"]) -> Float64[NDArray[np.float64], "blocks bands pixels"]:
    """The blocks of one strip, the pixels of each along one axis."""
    bands = strip.shape[0]
    apart = strip.reshape(bands, BLOCK, -1, BLOCK).transpose(2, 0, 1, 3)
    return apart.astype(np.float64, order="C").reshape(-1, bands, BLOCK * BLOCK)


def _quality(
    z: Float64[NDArray[np.float64], "blocks bands pixels"],
    w: Float64[NDArray[np.float64], "blocks bands pixels"],
    signs: Float64[NDArray[np.float64], "order order"],
    standardise: bool,
) -> Float64[NDArray[np.float64], " blocks"]:
    """q of each block."""
    mean_z, mean_w = z.mean(2), w.mean(2)
    z -= mean_z[..., None]
    w -= mean_w[..., None]
    if standardise:
        pixels, padded = z.shape[2], ((0, 0), (0, len(signs) - z.shape[1]))
        deviation = np.sqrt(_mean_square(z) * pixels / (pixels - 1))
        deviation[deviation == 0] = np.finfo(np.float64).eps
        z /= deviation[..., None]
        w /= deviation[..., None]
        mean_w = np.pad((mean_w - mean_z) / deviation + 1, padded, constant_values=1)
        mean_z = np.ones_like(mean_w)
    length_z, length_w = np.linalg.norm(mean_z, axis=1), np.linalg.norm(mean_w, axis=1)
    level = length_z**2 + length_w**2
    spread = _mean_square(z).sum(1) + _mean_square(w).sum(1)
    covariance = np.linalg.norm(_mean_product(z, w, signs), axis=1)
    return quotient_or_one(2 * length_z * length_w, level) * quotient_or_one(2 * covariance, spread, FLAT * (level + spread))


def _mean_square(blocks: Float64[NDArray[np.float64], "blocks bands pixels"]) -> Float64[NDArray[np.float64], "blocks bands"]:
    """The mean over the pixels of the squared values."""
    squares: NDArray[np.float64] = np.einsum("kbp,kbp->kb", blocks, blocks) / blocks.shape[2]
    return squares


def _mean_product(
    z: Float64[NDArray[np.float64], "blocks bands pixels"],
    w: Float64[NDArray[np.float64], "blocks bands pixels"],
    signs: Float64[NDArray[np.float64], "order order"],
) -> Float64[NDArray[np.float64], "blocks order"]:
    """The mean over the pixels of the hypercomplex product z w': component k is the signed sum of <z_i, w_j> over i xor j = k."""
    bands, order = z.shape[1], len(signs)
    products = np.zeros((len(z), order, order))
    products[:, :bands, :bands] = np.matmul(z, w.transpose(0, 2, 1)) / z.shape[2]
    products *= signs
    first = np.arange(order)
    components: NDArray[np.float64] = products[:, first[:, None], first ^ first[:, None]].sum(1)  # row i, column k: (i, i xor k)
    return components
