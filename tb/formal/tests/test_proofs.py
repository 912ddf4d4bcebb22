# SPDX-License-Identifier: Apache-2.0
"""Every quick proof gives its expected verdict; mutated designs are refuted."""

import pytest

from tb.formal.modules import SUBJECTS
from tb.formal.prove import all_proofs


@pytest.mark.formal
@pytest.mark.parametrize("proof", [pytest.param(p, id=p.what) for p in all_proofs(full=False)])
def test_verdict_is_as_expected(proof):
    assert proof.decide() == proof.expected


def test_every_fault_can_be_planted():
    """Of proofs that take long, too."""
    assert all(fault.planted() for subject in SUBJECTS for fault in subject.faults)
