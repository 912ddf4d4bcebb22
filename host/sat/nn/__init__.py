# SPDX-License-Identifier: Apache-2.0
"""Training with BDWP: layers, and networks made of them (docs/guide/training.md).

functional   what the host computes: softmax, layer norm
loss         softmax cross-entropy, mean squared error
optim        scalars of SGD, loss scale
gradients    weight gradients, and the updates by them
sparse_wu    N:M of the output gradients that WU reads
wu_blocks    of how many images at a time WU is made
layers       Linear, Conv2d, BatchNorm
pooling      AveragePool, of Patches, and MaxPool
script       programs with work of the host between them
schedule     the order of a script's commands
temporaries  tensors of a step that share memory
mlp          Mlp: fully connected layers
blocks       what convolutional networks are made of
cnn          ConvNet: a convolutional network, ResNet: a residual one
transformer  TransformerBlock: a pre-norm encoder block
"""

from .blocks import StageSpec
from .cnn import ConvNet, ResNet
from .functional import softmax
from .layers import DENSE, BatchNorm, Conv2d, ConvSpec, LayerSpec, Linear
from .loss import cross_entropy, mean_squared
from .mlp import Mlp, mlp
from .optim import LossScale, Sgd, TrainingDiverged
from .pooling import AveragePool, MaxPool, Patches
from .script import Measure, Script, StepResult
from .sparse_wu import SparseWu
from .temporaries import Temporaries
from .transformer import BlockShape, TransformerBlock

__all__ = ["AveragePool", "BatchNorm", "BlockShape", "Conv2d", "ConvNet", "ConvSpec", "DENSE",
           "LayerSpec", "Linear", "LossScale", "MaxPool", "Measure", "Mlp", "Patches", "ResNet",
           "Script", "Sgd", "SparseWu", "StageSpec", "StepResult", "Temporaries",
           "TrainingDiverged", "TransformerBlock", "cross_entropy", "mean_squared", "mlp",
           "softmax"]
