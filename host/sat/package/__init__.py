# SPDX-License-Identifier: Apache-2.0
"""The core as an IP in a catalogue: what it is, its files in IP-XACT and Tcl, and their checks."""
