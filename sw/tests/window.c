/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a window (registers, memory, offset, base, size), and writes its last byte. For
 * test_linux_hal.py. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sat_linux.h"

static uint64_t number(const char *text) { return strtoull(text, NULL, 0); }

int main(int argc, char **argv) {
  const uint8_t mark = 0x5A;
  sat_linux host;
  sat_hal hal;
  int status;
  if (argc != 6) return 1;
  status = sat_uio_open(&host, argv[1], argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
  printf("%d %d\n", status, status ? errno : 0);
  if (status) return 0;
  hal = sat_linux_hal(&host);
  status = hal.write_memory(hal.context, number(argv[4]) + number(argv[5]) - 1u, &mark, 1);
  sat_linux_close(&host);
  return status ? 1 : 0;
}
