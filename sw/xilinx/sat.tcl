# SPDX-License-Identifier: Apache-2.0
# Puts the base address of each core into xparameters.h.
proc generate {drv_handle} {
  ::hsi::utils::define_include_file $drv_handle "xparameters.h" "SAT" \
    "NUM_INSTANCES" "DEVICE_ID" "C_S_AXIL_BASEADDR" "C_S_AXIL_HIGHADDR"
}
