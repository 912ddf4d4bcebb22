/* SPDX-License-Identifier: Apache-2.0 */
/* The RTL in simulation: link with libsat_sim.so (`sat build`, host/sat/sim/sat_sim.cpp). */
#ifndef SAT_SIM_H
#define SAT_SIM_H

#include "sat.h"

typedef struct {
  void *board;
  uint64_t base, size;
  uint64_t max_cycles; /* of a wait */
} sat_sim;

int sat_sim_open(sat_sim *sim, uint64_t base, uint64_t size);
void sat_sim_close(sat_sim *sim);
/* What the memory model found wrong with the core's bus protocol; an empty text if nothing. */
const char *sat_sim_protocol_fault(const sat_sim *sim);

sat_hal sat_sim_hal(sat_sim *sim);

#endif
