/* SPDX-License-Identifier: Apache-2.0 */
/* Driver of the SAT core, C99, without an allocator or an operating system.
 *
 * A sat_hal gives access to registers and memory (sw/hal has some). Tensors are descriptions of
 * places in the core's memory; a program is a list of commands over them (docs/commands.md):
 *
 *   sat_device device;
 *   uint32_t storage[16][SAT_DESC_WORDS];
 *   sat_program program = sat_program_in(storage, 16);
 *   sat_open(&device, &hal);
 *   sat_matmul(&program, &x, &w, &y, NULL);
 *   sat_run(&device, &program, program_address, &result);
 *
 * Functions return SAT_OK or a negative code. The builders check shapes, formats, alignment and
 * N:M, but not whether tensors overlap: commands that run side by side are the caller's choice.
 */
#ifndef SAT_H
#define SAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sat_defs.h"
#include "sat_regs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SAT_DESC_WORDS (SAT_DESC_BYTES / 4u)

enum {
  SAT_OK = 0,
  SAT_E_IO = -1,        /* the HAL failed */
  SAT_E_ID = -2,        /* no SAT core answers here */
  SAT_E_ARGUMENT = -3,  /* what the core would refuse */
  SAT_E_FULL = -4,      /* no room left for a command or a tensor */
  SAT_E_TIMEOUT = -5,   /* the program does not end */
  SAT_E_CORE = -6       /* the core reported an error: see sat_result */
};

/* Access to a core. Every function returns 0, or anything else for a failure. */
typedef struct {
  void *context;
  int (*read_register)(void *context, uint32_t offset, uint32_t *value);
  int (*write_register)(void *context, uint32_t offset, uint32_t value);
  int (*read_memory)(void *context, uint64_t address, void *data, size_t size);
  int (*write_memory)(void *context, uint64_t address, const void *data, size_t size);
  /* Sleeps until the interrupt may have come, or a while; fails if it waited too long. NULL: the
   * driver polls, SAT_POLLS times. */
  int (*wait)(void *context);
} sat_hal;

#define SAT_POLLS 100000000ul

typedef struct {
  sat_hal hal;
  uint32_t version;            /* as in the VERSION register */
  uint32_t rows, cols, interleave;  /* of the array */
  uint32_t address_bits;
} sat_device;

/* Takes the HAL, checks identity and data lines, reads the capabilities. */
int sat_open(sat_device *device, const sat_hal *hal);

/* Tensors */

typedef enum { SAT_INDEX = 4, SAT_FP16 = 16, SAT_FP32 = 32 } sat_format; /* bits of an element */

typedef struct {
  uint64_t address;
  uint32_t rows, cols;
  uint32_t stride; /* bytes from row to row */
  sat_format format;
} sat_tensor;

/* A matrix that is N:M along its rows, or dense with n == m: then `values` is the matrix itself and
 * `indices` is not used. */
typedef struct {
  uint32_t rows, cols, n, m;
  sat_tensor values, indices;
} sat_matrix;

/* A stretch of the core's memory that is handed out from its beginning. */
typedef struct {
  uint64_t next, end;
} sat_arena;

int sat_tensor_new(sat_arena *arena, sat_tensor *tensor, uint32_t rows, uint32_t cols,
                   sat_format format);
int sat_matrix_new(sat_arena *arena, sat_matrix *matrix, uint32_t rows, uint32_t cols, uint32_t n,
                   uint32_t m);
sat_matrix sat_dense(const sat_tensor *tensor);
uint32_t sat_row_bytes(const sat_tensor *tensor);

/* Rows as they lie in memory, without what is between them; `size` is rows * sat_row_bytes. */
int sat_read(const sat_device *device, const sat_tensor *tensor, void *data, size_t size);
int sat_write(const sat_device *device, const sat_tensor *tensor, const void *data, size_t size);

/* Programs */

typedef struct {
  uint32_t (*commands)[SAT_DESC_WORDS];
  uint32_t capacity, length;
} sat_program;

sat_program sat_program_in(uint32_t (*storage)[SAT_DESC_WORDS], uint32_t capacity);

/* Zero is the default of every option. `overlap`: may run beside a command of the other engine. */
typedef struct {
  bool a_trans, relu, overlap;
  const sat_tensor *bias;     /* [1][J] FP32 */
  const sat_tensor *residual; /* [I][J] FP16 */
  const sat_tensor *mask;     /* [I][J] FP16 */
  uint32_t map;               /* log2 of the rows interleaved in a PE: a hint */
} sat_matmul_options;

typedef struct {
  float lr, momentum, inv_scale;
  float decay; /* 0: no weight decay */
  bool skip_on_overflow, overlap;
} sat_update_options;

/* c = epilogue(a . s); `options` may be NULL. */
int sat_matmul(sat_program *program, const sat_tensor *a, const sat_matrix *s, const sat_tensor *c,
               const sat_matmul_options *options);
/* Pruned copies of w; ff [K][J] and bp [J][K], of which one may be NULL. */
int sat_prune(sat_program *program, const sat_tensor *w, const sat_matrix *ff, const sat_matrix *bp,
              bool overlap);
/* A step of momentum SGD on w with velocity v and gradient dw, then copies; ff and bp may be NULL. */
int sat_update(sat_program *program, const sat_tensor *w, const sat_tensor *v, const sat_tensor *dw,
               const sat_matrix *ff, const sat_matrix *bp, const sat_update_options *options);
int sat_fence(sat_program *program, bool irq);

/* Running */

typedef struct {
  bool overflow;         /* a NaN or an infinity was written */
  uint64_t cycles;       /* from start to end */
  uint32_t error;        /* SAT_ERR_*; SAT_ERR_NONE unless the result is SAT_E_CORE */
  uint32_t error_index;  /* of the failing command */
  uint64_t error_address;
} sat_result;

/* Writes the program to the core's memory and starts it. The address is a multiple of 128. */
int sat_start(const sat_device *device, const sat_program *program, uint64_t address);
/* Waits for its end. After SAT_E_CORE the core is ready again. */
int sat_wait(const sat_device *device, sat_result *result);
/* Both. */
int sat_run(const sat_device *device, const sat_program *program, uint64_t address,
            sat_result *result);

/* A 48-bit counter, by the offset of its low word (SAT_REG_CYCLES_LO, ...). */
int sat_counter(const sat_device *device, uint32_t offset, uint64_t *value);
const char *sat_error_name(uint32_t error);

/* FP16, rounded to nearest even in one step. */
uint16_t sat_half(double value);
double sat_half_value(uint16_t half);

#ifdef __cplusplus
}
#endif
#endif
