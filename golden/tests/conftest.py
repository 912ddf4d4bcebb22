# SPDX-License-Identifier: Apache-2.0
"""Hypothesis draws the same examples in every run, so that a failure repeats by itself."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")
