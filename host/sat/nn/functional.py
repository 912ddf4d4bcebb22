# SPDX-License-Identifier: Apache-2.0
"""What the host computes of a network: float64, on whole matrices, row by row."""

from __future__ import annotations

import numpy as np

EPSILON = 1e-5  # of layer norm


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax in float64."""
    with np.errstate(invalid="ignore"):
        exps = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return exps / exps.sum(axis=1, keepdims=True)


def softmax_backward(shares: np.ndarray, d_shares: np.ndarray) -> np.ndarray:
    """Gradient by the scores, from their row-wise softmax and the gradient at it."""
    product = shares * d_shares
    return product - shares * product.sum(axis=1, keepdims=True)


def _normalized(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with mean 0 and variance 1, and what they were divided by."""
    centred = x - x.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + EPSILON)
    return centred / deviation, deviation


def layer_norm(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Layer norm of each row of x [rows][cols]; scale and shift [1][cols]."""
    return _normalized(x)[0] * scale + shift


def layer_norm_backward(x: np.ndarray, scale: np.ndarray, d_out: np.ndarray
                        ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients by x, scale and shift."""
    normalized, deviation = _normalized(x)
    d_normalized = d_out * scale
    along = (d_normalized * normalized).mean(axis=1, keepdims=True)
    gradient = (d_normalized - d_normalized.mean(axis=1, keepdims=True)
                - normalized * along) / deviation
    return (gradient, (d_out * normalized).sum(axis=0, keepdims=True),
            d_out.sum(axis=0, keepdims=True))
