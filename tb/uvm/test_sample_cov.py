# SPDX-License-Identifier: Apache-2.0
"""SatSampleTest hits every bin of its cover points, with any seed. No simulator."""

from __future__ import annotations

import pytest

from sat.config import SatConfig
from tb.common.rng import make_rng
from tb.top.expect import Expected
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.sample_cov import SampleCov
from tb.uvm.env.prediction import Prediction
from tb.uvm.env.run import End, Run
from tb.uvm.seq_lib.sample_vseq import sample_programs

pytestmark = [pytest.mark.quick, pytest.mark.uvm]


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_closes_its_points(seed):
    collector = SampleCov(f"sample{seed}", None)
    collector.model = CoverageModel()
    SampleCov.declare(collector.model, SatConfig.from_name("2x2"))
    for program in sample_programs(make_rng("sample", seed)):
        prediction = Prediction(program.address, program.length, Expected(program),
                                program.descriptors, cycle=0, watchdog=0, knobs=AxiMemKnobs())
        collector.write(Run(prediction, end=End.DONE))
    assert {point: collector.model.holes(point) for point in collector.model.counts} == {
        "cx_prune_nm_mode_class": [], "cx_sample_seed_step_layer": []}
