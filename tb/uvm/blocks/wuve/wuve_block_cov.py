# SPDX-License-Identifier: Apache-2.0
"""Tiles that sat_wuve met."""

from __future__ import annotations

from pyuvm import uvm_subscriber

from tb.uvm.blocks.wuve.wuve_bfm import WuveBfm
from tb.uvm.blocks.wuve.wuve_item import SIDE, WuveItem
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.operands import NUMERIC_CLASSES, numeric_classes

MODES = ("copy", "update", "decay")
SIZES = ("one", "part", "whole")


class WuveBlockCov(uvm_subscriber):
    bfm: WuveBfm
    model: CoverageModel

    @staticmethod
    def declare(model: CoverageModel) -> None:
        model.cross("cx_wuve_block_mode_class", MODES, ("gradient", "velocity", "weight"),
                    NUMERIC_CLASSES,
                    unless=lambda mode, tile, kind: mode == "copy" and tile != "weight")
        model.cross("cx_wuve_block_size", SIZES, SIZES)
        model.cross("cx_wuve_block_mode_stall", MODES, ("none", "stalls"))

    def write(self, item: WuveItem) -> None:
        scalars = item.scalars
        mode = ("copy" if not scalars.update else "update" if scalars.decay is None else "decay")
        for name, tile in item.tiles.items():
            if mode != "copy" or name == "weight":
                for kind in numeric_classes(tile):
                    self.model.hit("cx_wuve_block_mode_class", mode, name, kind)
        self.model.hit("cx_wuve_block_size", size_of(item.rows), size_of(item.cols))
        self.model.hit("cx_wuve_block_mode_stall", mode, "stalls" if self.bfm.p_stall else "none")


def size_of(side: int) -> str:
    return "one" if side == 1 else "whole" if side == SIDE else "part"
