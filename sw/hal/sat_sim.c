/* SPDX-License-Identifier: Apache-2.0 */
#include "sat_sim.h"

#include <string.h>

#include "sat_host.h"

/* C interface of host/sat/sim/sat_sim.cpp. */
void *sat_sim_create(uint64_t base, uint64_t size);
void sat_sim_destroy(void *board);
uint8_t *sat_sim_memory(void *board);
const char *sat_sim_fault(void *board);
int64_t sat_sim_run_until_irq(void *board, uint64_t max_cycles);
int sat_sim_write_register(void *board, uint32_t addr, uint32_t data);
int sat_sim_read_register(void *board, uint32_t addr, uint32_t *data);

static int read_register(void *context, uint32_t offset, uint32_t *value) {
  return sat_sim_read_register(((sat_sim *)context)->board, offset, value);
}

static int write_register(void *context, uint32_t offset, uint32_t value) {
  return sat_sim_write_register(((sat_sim *)context)->board, offset, value);
}

static uint8_t *at(const sat_sim *sim, uint64_t address, size_t size) {
  if (!sat_window_holds(sim->base, sim->size, address, size)) return NULL;
  return sat_sim_memory(sim->board) + (address - sim->base);
}

static int read_memory(void *context, uint64_t address, void *data, size_t size) {
  const uint8_t *source = at(context, address, size);
  if (!source) return -1;
  memcpy(data, source, size);
  return 0;
}

static int write_memory(void *context, uint64_t address, const void *data, size_t size) {
  uint8_t *target = at(context, address, size);
  if (!target) return -1;
  memcpy(target, data, size);
  return 0;
}

static int wait_interrupt(void *context) {
  sat_sim *sim = context;
  return sat_sim_run_until_irq(sim->board, sim->max_cycles) < 0 ? SAT_E_TIMEOUT : SAT_OK;
}

int sat_sim_open(sat_sim *sim, uint64_t base, uint64_t size) {
  sim->board = NULL;
  if (!sat_window_fits(base, size)) return SAT_E_ARGUMENT;
  sim->base = base;
  sim->size = size;
  sim->max_cycles = 100000000u;
  sim->board = sat_sim_create(base, size);
  return sim->board ? SAT_OK : SAT_E_IO;
}

void sat_sim_close(sat_sim *sim) {
  sat_sim_destroy(sim->board);
  sim->board = NULL;
}

const char *sat_sim_protocol_fault(const sat_sim *sim) { return sat_sim_fault(sim->board); }

sat_hal sat_sim_hal(sat_sim *sim) {
  sat_hal hal = {sim, read_register, write_register, read_memory, write_memory, wait_interrupt};
  return hal;
}
