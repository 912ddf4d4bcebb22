/* SPDX-License-Identifier: Apache-2.0 */
/* Registers and memory in the address space of the processor, for example on bare metal. The memory
 * must look the same to both sides: uncached, or flushed and invalidated around a program. */
#ifndef SAT_MMIO_H
#define SAT_MMIO_H

#include "sat.h"

typedef struct {
  volatile uint32_t *registers;
  volatile uint8_t *memory; /* where the processor sees ... */
  uint64_t base;            /* ... what the core sees at this address */
  uint64_t size;
} sat_mmio;

sat_hal sat_mmio_hal(sat_mmio *mmio);

#endif
