# SPDX-License-Identifier: Apache-2.0
"""Training with BDWP: layers, and networks made of them (docs/reference/host.md, "Training").

loss       softmax cross-entropy
optim      scalars of SGD, loss scale
gradients  weight gradients and updates as jobs for the two engines
layers     Linear, Conv2d, BatchNorm, AveragePool, MaxPool
script     programs with work of the host between them
mlp        Mlp: fully connected layers
blocks     what residual networks are made of
cnn        ResNet: a residual network
"""

from .cnn import ResNet
from .gradients import WORTH_A_CUT
from .layers import DENSE, AveragePool, BatchNorm, Conv2d, ConvSpec, LayerSpec, Linear, MaxPool
from .loss import cross_entropy, softmax
from .mlp import Mlp, mlp
from .optim import LossScale, Sgd, TrainingDiverged
from .script import Measure, Script, StepResult

__all__ = ["DENSE", "WORTH_A_CUT", "AveragePool", "BatchNorm", "Conv2d", "ConvSpec", "LayerSpec",
           "Linear", "LossScale", "MaxPool", "Measure", "Mlp", "ResNet", "Script", "Sgd",
           "StepResult", "TrainingDiverged", "cross_entropy", "mlp", "softmax"]
