/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for system calls of sat_linux.c, which -D renames: each is interrupted first, and then
 * does less than it could. For test_linux_hal.py. */
#define _XOPEN_SOURCE 700
#undef open
#undef pread
#undef pwrite
#undef read
#undef write

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#define PART 7u /* bytes, of a transfer */

int stubborn_interruptions;

int stubborn_open(const char *path, int flags, ...);
ssize_t stubborn_pread(int file, void *data, size_t size, off_t offset);
ssize_t stubborn_pwrite(int file, const void *data, size_t size, off_t offset);
ssize_t stubborn_read(int file, void *data, size_t size);
ssize_t stubborn_write(int file, const void *data, size_t size);

static bool interrupts(void) {
  static bool again;
  again = !again;
  if (!again) return false;
  ++stubborn_interruptions;
  errno = EINTR;
  return true;
}

static size_t part(size_t size) { return size < PART ? size : PART; }

int stubborn_open(const char *path, int flags, ...) {
  return interrupts() ? -1 : open(path, flags);
}

ssize_t stubborn_pread(int file, void *data, size_t size, off_t offset) {
  return interrupts() ? -1 : pread(file, data, part(size), offset);
}

ssize_t stubborn_pwrite(int file, const void *data, size_t size, off_t offset) {
  return interrupts() ? -1 : pwrite(file, data, part(size), offset);
}

ssize_t stubborn_read(int file, void *data, size_t size) {
  return interrupts() ? -1 : read(file, data, size);
}

ssize_t stubborn_write(int file, const void *data, size_t size) {
  return interrupts() ? -1 : write(file, data, size);
}
