/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64
#include "sat_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sat_host.h"

#define REGISTER_BYTES 4096u

/* The last file offset: off_t is signed and has no limit of its own. */
#ifndef SAT_HOST_OFFSET
#define SAT_HOST_OFFSET (UINT64_MAX >> (65u - 8u * sizeof(off_t)))
#endif


/* A lost interrupt costs no more than this. */
#define LOOK_MS 100

static int read_register(void *context, uint32_t offset, uint32_t *value) {
  *value = ((sat_linux *)context)->registers[offset / 4u];
  sat_barrier();
  return 0;
}

static int write_register(void *context, uint32_t offset, uint32_t value) {
  sat_barrier();
  ((sat_linux *)context)->registers[offset / 4u] = value;
  return 0;
}

/* A range that file offsets can name on this host. */
static bool is_offset(uint64_t offset, uint64_t size) {
  return offset <= SAT_HOST_OFFSET && size <= SAT_HOST_OFFSET - offset;
}

static int read_memory(void *context, uint64_t address, void *data, size_t size) {
  const sat_linux *host = context;
  char *target = data;
  if (host->memory) {
    if (!sat_window_holds(host->base, host->size, address, size)) return -1;
    memcpy(target, host->memory + (address - host->base), size);
    return 0;
  }
  if (!is_offset(address, size)) return -1;
  while (size) { /* a DMA may be split */
    const ssize_t done = pread(host->from_core_file, target, size, (off_t)address);
    if (done < 0 && errno == EINTR) continue;
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
    if (!sat_window_holds(host->base, host->size, address, size)) return -1;
    memcpy(host->memory + (address - host->base), source, size);
    return 0;
  }
  if (!is_offset(address, size)) return -1;
  while (size) {
    const ssize_t done = pwrite(host->to_core_file, source, size, (off_t)address);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    source += done;
    address += (uint64_t)done;
    size -= (size_t)done;
  }
  return 0;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* An enabled interrupt is pending. One that is not enabled stays, and says nothing. */
static bool is_pending(const sat_linux *host) {
  return (host->registers[SAT_REG_IRQ_STATUS / 4u] & host->registers[SAT_REG_IRQ_ENABLE / 4u]) != 0;
}

/* UIO: each event disables the interrupt. */
static bool rearm(const sat_linux *host) {
  const uint32_t one = 1;
  ssize_t done;
  if (!host->rearm) return true;
  do done = write(host->event_file, &one, sizeof one);
  while (done < 0 && errno == EINTR);
  return done == (ssize_t)sizeof one;
}

/* Number of interrupts so far (UIO), pending interrupts (XDMA): nobody needs it. */
static bool take_event(const sat_linux *host) {
  uint32_t count;
  ssize_t done;
  do done = read(host->event_file, &count, sizeof count);
  while (done < 0 && errno == EINTR);
  return done == (ssize_t)sizeof count;
}

/* The registers decide, events only wake: one may be lost, late, or left over from the program
 * before. The interrupt is enabled before each look, so that none is missed between the two. */
static int wait_event(void *context) {
  const sat_linux *host = context;
  const int64_t end = host->timeout_ms < 0 ? INT64_MAX : now_ms() + host->timeout_ms;
  for (;;) {
    struct pollfd event = {host->event_file, POLLIN, 0};
    int64_t left;
    int ready;
    if (!rearm(host)) return SAT_E_IO;
    if (is_pending(host)) return SAT_OK;
    left = end - now_ms();
    if (left <= 0) return SAT_E_TIMEOUT;
    ready = poll(&event, 1, left < LOOK_MS ? (int)left : LOOK_MS);
    if (ready < 0 && errno != EINTR) return SAT_E_IO;
    if (ready > 0 && !take_event(host)) return SAT_E_IO;
  }
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

static int open_file(const char *path, int flags) {
  int file;
  do file = open(path, flags);
  while (file < 0 && errno == EINTR);
  return file;
}

/* Closes what is open; errno still says why. */
static int give_up(sat_linux *host) {
  const int reason = errno;
  sat_linux_close(host);
  errno = reason;
  return SAT_E_IO;
}

int sat_uio_open(sat_linux *host, const char *registers, const char *memory, uint64_t offset,
                 uint64_t base, uint64_t size) {
  int memory_file;
  clear(host);
  if (!sat_window_fits(base, size) || !is_offset(offset, size)) {
    errno = EOVERFLOW;
    return SAT_E_ARGUMENT;
  }
  host->base = base;
  host->size = size;
  host->rearm = true;
  host->register_file = host->event_file = open_file(registers, O_RDWR | O_SYNC);
  if (host->register_file >= 0) host->registers = map(host->register_file, 0, REGISTER_BYTES);
  memory_file = host->registers ? open_file(memory, O_RDWR | O_SYNC) : -1;
  if (memory_file >= 0) {
    host->memory = map(memory_file, offset, size);
    close(memory_file); /* the mapping stays */
  }
  return host->memory ? SAT_OK : give_up(host);
}

static int open_part(const char *prefix, const char *part, int flags) {
  char path[256];
  const int length = snprintf(path, sizeof path, "%s_%s", prefix, part);
  if (length > 0 && (size_t)length < sizeof path) return open_file(path, flags);
  errno = ENAMETOOLONG;
  return -1;
}

int sat_xdma_open(sat_linux *host, const char *prefix) {
  clear(host);
  host->register_file = open_part(prefix, "user", O_RDWR | O_SYNC);
  if (host->register_file >= 0) host->registers = map(host->register_file, 0, REGISTER_BYTES);
  if (host->registers) host->to_core_file = open_part(prefix, "h2c_0", O_WRONLY);
  if (host->to_core_file >= 0) host->from_core_file = open_part(prefix, "c2h_0", O_RDONLY);
  if (host->from_core_file >= 0) host->event_file = open_part(prefix, "events_0", O_RDONLY);
  return host->event_file >= 0 ? SAT_OK : give_up(host);
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
