# SPDX-License-Identifier: Apache-2.0
# Out-of-context runs only: the clock that a design would bring. 250 MHz.
# The core has one clock and one synchronous reset: it needs no timing exception.
create_clock -name aclk -period 4.000 [get_ports aclk]
