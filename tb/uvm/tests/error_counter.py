# SPDX-License-Identifier: Apache-2.0
"""Collects logged errors."""

from __future__ import annotations

import logging


class ErrorCounter(logging.Handler):
    """Collects every ERROR record, so that a logged error fails the test."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
