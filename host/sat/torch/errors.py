# SPDX-License-Identifier: Apache-2.0
"""The one error of what cannot be compiled."""

from __future__ import annotations


class CompileError(ValueError):
    """Part of a model that the core does not train. `path` is the module's, as in
    `model.get_submodule(path)`; the text says what about it is unsupported, and what to do."""

    def __init__(self, path: str, problem: str, remedy: str):
        self.path = path
        super().__init__(f"{path or 'model'}: {problem}; {remedy}")
