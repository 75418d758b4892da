"""The number of sources in an image: the virtual dimensionality of Harsanyi, Farrand and Chang.

Chang, Du, IEEE TGRS 2004 (10.1109/TGRS.2003.819189). a_i and b_i are the eigenvalues of the bands' second moments with and without the
mean, in falling order. A source in component i makes a_i > b_i. With noise alone, the difference is a normal variable of the variance 2
(a_i^2 + b_i^2) / n, so

    dimension = number of i with a_i - b_i > quantile(1 - false_alarm) sqrt(2 (a_i^2 + b_i^2) / n)        n pixels
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def virtual_dimension(image: Float[Tensor, "bands h w"], false_alarm: float) -> int:
    """The dimension, between 0 and the number of bands. `false_alarm`, below 1/2, is the probability that noise counts as a source."""
    pixels = image.flatten(1).double()
    count = pixels.shape[1]
    mean = pixels.mean(1, keepdim=True)
    moments = pixels @ pixels.T / count
    with_mean = torch.linalg.eigvalsh(moments)
    without = torch.linalg.eigvalsh(moments - mean @ mean.T)
    spread = (2 * (with_mean.square() + without.square()) / count).sqrt()
    quantile = torch.special.ndtri(torch.tensor(1 - false_alarm, dtype=torch.float64))
    return int((with_mean - without > float(quantile) * spread).sum())
