# SPDX-License-Identifier: Apache-2.0
"""What MkDocs needs besides mkdocs.yml and the pages of docs/."""
