/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "sat_linux.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGISTER_BYTES 4096u

static int read_register(void *context, uint32_t offset, uint32_t *value) {
  *value = ((sat_linux *)context)->registers[offset / 4u];
  return 0;
}

static int write_register(void *context, uint32_t offset, uint32_t value) {
  ((sat_linux *)context)->registers[offset / 4u] = value;
  return 0;
}

static bool inside(const sat_linux *host, uint64_t address, size_t size) {
  return address >= host->base && size <= host->size && address - host->base <= host->size - size;
}

static int read_memory(void *context, uint64_t address, void *data, size_t size) {
  const sat_linux *host = context;
  char *target = data;
  if (host->memory) {
    if (!inside(host, address, size)) return -1;
    memcpy(target, host->memory + (address - host->base), size);
    return 0;
  }
  while (size) { /* a DMA may be split */
    const ssize_t done = pread(host->from_core_file, target, size, (off_t)address);
    if (done <= 0) return -1;
    target += done;
    address += (uint64_t)done;
    size -= (size_t)done;
  }
  return 0;
}

static int write_memory(void *context, uint64_t address, const void *data, size_t size) {
  const sat_linux *host = context;
  const char *source = data;
  if (host->memory) {
    if (!inside(host, address, size)) return -1;
    memcpy(host->memory + (address - host->base), source, size);
    return 0;
  }
  while (size) {
    const ssize_t done = pwrite(host->to_core_file, source, size, (off_t)address);
    if (done <= 0) return -1;
    source += done;
    address += (uint64_t)done;
    size -= (size_t)done;
  }
  return 0;
}

/* The driver looks at the registers before and after, so an event that is missed costs no more
 * than the timeout, and one too many nothing. */
static int wait_event(void *context) {
  const sat_linux *host = context;
  struct pollfd event = {host->event_file, POLLIN, 0};
  uint32_t count = 1; /* number of interrupts (UIO), pending interrupts (XDMA) */
  int ready;
  if (host->rearm && write(host->event_file, &count, sizeof count) != sizeof count) return -1;
  if (host->registers[SAT_REG_IRQ_STATUS / 4u]) return 0; /* came before it was enabled */
  ready = poll(&event, 1, host->timeout_ms);
  if (ready <= 0) return -1;
  return read(host->event_file, &count, sizeof count) == sizeof count ? 0 : -1;
}

static void *map(int file, uint64_t offset, uint64_t size) {
  void *memory =
      mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
  return memory == MAP_FAILED ? NULL : memory;
}

static void clear(sat_linux *host) {
  memset(host, 0, sizeof *host);
  host->register_file = host->event_file = host->to_core_file = host->from_core_file = -1;
  host->timeout_ms = 60000;
}

int sat_uio_open(sat_linux *host, const char *registers, const char *memory, uint64_t offset,
                 uint64_t base, uint64_t size) {
  int memory_file;
  clear(host);
  host->base = base;
  host->size = size;
  host->rearm = true;
  host->register_file = host->event_file = open(registers, O_RDWR | O_SYNC);
  memory_file = open(memory, O_RDWR | O_SYNC);
  if (host->register_file >= 0) host->registers = map(host->register_file, 0, REGISTER_BYTES);
  if (memory_file >= 0) {
    host->memory = map(memory_file, offset, size);
    close(memory_file); /* the mapping stays */
  }
  if (host->registers && host->memory) return SAT_OK;
  sat_linux_close(host);
  return SAT_E_IO;
}

static int open_part(const char *prefix, const char *part, int flags) {
  char path[256];
  const int length = snprintf(path, sizeof path, "%s_%s", prefix, part);
  return length > 0 && (size_t)length < sizeof path ? open(path, flags) : -1;
}

int sat_xdma_open(sat_linux *host, const char *prefix) {
  clear(host);
  host->register_file = open_part(prefix, "user", O_RDWR | O_SYNC);
  host->to_core_file = open_part(prefix, "h2c_0", O_WRONLY);
  host->from_core_file = open_part(prefix, "c2h_0", O_RDONLY);
  host->event_file = open_part(prefix, "events_0", O_RDONLY);
  if (host->register_file >= 0) host->registers = map(host->register_file, 0, REGISTER_BYTES);
  if (host->registers && host->to_core_file >= 0 && host->from_core_file >= 0 &&
      host->event_file >= 0) {
    return SAT_OK;
  }
  sat_linux_close(host);
  return SAT_E_IO;
}

void sat_linux_close(sat_linux *host) {
  if (host->registers) munmap((void *)(uintptr_t)host->registers, REGISTER_BYTES);
  if (host->memory) munmap(host->memory, (size_t)host->size);
  if (host->register_file >= 0) close(host->register_file);
  if (host->event_file >= 0 && host->event_file != host->register_file) close(host->event_file);
  if (host->to_core_file >= 0) close(host->to_core_file);
  if (host->from_core_file >= 0) close(host->from_core_file);
  clear(host);
}

sat_hal sat_linux_hal(sat_linux *host) {
  sat_hal hal = {host, read_register, write_register, read_memory, write_memory, wait_event};
  return hal;
}
