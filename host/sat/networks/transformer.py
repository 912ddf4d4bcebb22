# SPDX-License-Identifier: Apache-2.0
"""Transformers: ViT-small, and a block of GPT-2-small.

Blocks are those of sat.nn.TransformerBlock: a ReLU in the MLP, attention between all tokens,
softmax and layer norm on the host.
"""

from __future__ import annotations

from .description import NM, Dense, Encoder, Network


def vit_small(nm: NM) -> Network:
    """ViT-S/16 on ImageNet. The host lays an image out as 14x14 patches of 768 values, which makes
    the embedding's 16x16 convolution one of 1x1; it adds positions and the class token."""
    dim, patches = 384, 14 * 14
    tokens = patches + 1
    return Network("vit-small", 64, [
        Dense("patches", patches, 16 * 16 * 3, dim, input_gradient=False),
        Encoder(tokens, dim, heads=6, hidden=4 * dim, nm=nm, count=12),
        Dense("head", 1, dim, 1000, input_gradient=True)],
        host_parameters=tokens * dim + dim + 2 * dim)


def gpt2_block(nm: NM) -> Network:
    """One of the twelve blocks of GPT-2-small, on sequences of 1024 tokens."""
    return Network("gpt2-block", 4, [Encoder(1024, 768, heads=12, hidden=3072, nm=nm, count=1)])
