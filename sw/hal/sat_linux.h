/* SPDX-License-Identifier: Apache-2.0 */
/* The core from Linux: behind a UIO device with a mapped memory, or behind Xilinx' XDMA driver. */
#ifndef SAT_LINUX_H
#define SAT_LINUX_H

#include "sat.h"

typedef struct {
  volatile uint32_t *registers;
  uint8_t *memory; /* UIO: mapped. XDMA: NULL, it goes through the two files */
  uint64_t base;   /* address of the memory as the core sees it */
  uint64_t size;
  int register_file, event_file, to_core_file, from_core_file;
  bool rearm;       /* UIO: the interrupt is enabled by a write */
  int timeout_ms;   /* of a wait, signals or not; a program may need many. Negative: none */
} sat_linux;

/* registers: for example /dev/uio0. memory: for example /dev/udmabuf0, mapped from `offset`.
 * SAT_E_IO: errno says why. SAT_E_ARGUMENT: the window is empty or wraps, or it is larger than what
 * this host can map (32-bit hosts: below 4 GiB). */
int sat_uio_open(sat_linux *host, const char *registers, const char *memory, uint64_t offset,
                 uint64_t base, uint64_t size);
/* prefix: for example /dev/xdma0, for its _user, _h2c_0, _c2h_0 and _events_0. Registers lie at the
 * beginning of the user BAR. SAT_E_IO: errno says why. */
int sat_xdma_open(sat_linux *host, const char *prefix);
void sat_linux_close(sat_linux *host);

sat_hal sat_linux_hal(sat_linux *host);

#endif
