/* SPDX-License-Identifier: Apache-2.0 */
/* What the HALs share: which part of the core's memory a host reaches, and in which order. */
#ifndef SAT_HOST_H
#define SAT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest object of the host. A 32-bit host has less than the core's address space. */
#ifndef SAT_HOST_MOST
#define SAT_HOST_MOST SIZE_MAX
#endif

/* A window of `size` bytes from `base` is one that the core and the host can address. */
static inline bool sat_window_fits(uint64_t base, uint64_t size) {
  return size > 0 && size <= SAT_HOST_MOST && base <= UINT64_MAX - size;
}

/* [address, address + count) lies within a window. */
static inline bool sat_window_holds(uint64_t base, uint64_t size, uint64_t address, size_t count) {
  return sat_window_fits(base, size) && address >= base && count <= size &&
         address - base <= size - count;
}

/* Between accesses to the memory and to the registers: a program is in memory before it starts, its
 * results are read after the register that says so. `volatile` orders neither for the core. */
static inline void sat_barrier(void) {
#if defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
  __asm__ volatile("dsb sy" ::: "memory");
#elif defined(__riscv)
  __asm__ volatile("fence iorw, iorw" ::: "memory");
#elif defined(__GNUC__)
  __sync_synchronize();
#endif
}

#endif
