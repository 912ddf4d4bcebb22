/* SPDX-License-Identifier: Apache-2.0 */
#include "sat_mmio.h"

#include "sat_host.h"

static int read_register(void *context, uint32_t offset, uint32_t *value) {
  *value = ((sat_mmio *)context)->registers[offset / 4u];
  sat_barrier();
  return 0;
}

static int write_register(void *context, uint32_t offset, uint32_t value) {
  sat_barrier();
  ((sat_mmio *)context)->registers[offset / 4u] = value;
  return 0;
}

static int read_memory(void *context, uint64_t address, void *data, size_t size) {
  const sat_mmio *mmio = context;
  uint8_t *target = data;
  if (!sat_window_holds(mmio->base, mmio->size, address, size)) return -1;
  for (size_t i = 0; i < size; ++i) target[i] = mmio->memory[address - mmio->base + i];
  return 0;
}

static int write_memory(void *context, uint64_t address, const void *data, size_t size) {
  const sat_mmio *mmio = context;
  const uint8_t *source = data;
  if (!sat_window_holds(mmio->base, mmio->size, address, size)) return -1;
  for (size_t i = 0; i < size; ++i) mmio->memory[address - mmio->base + i] = source[i];
  return 0;
}

sat_hal sat_mmio_hal(sat_mmio *mmio) {
  sat_hal hal = {mmio, read_register, write_register, read_memory, write_memory, NULL};
  return hal;
}
