/* SPDX-License-Identifier: Apache-2.0 */
/* Driver of the SAT core, C99, without an allocator or an operating system.
 *
 * A sat_hal gives access to registers and memory (sw/hal has some). Tensors are descriptions of
 * places in the core's memory; a program is a list of commands (docs/reference/commands.md):
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
  SAT_E_ARGUMENT = -3,  /* what the core, or the host, would refuse */
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
  /* Sleeps until the interrupt may have come, or a while; SAT_E_TIMEOUT if it waited too long. The
   * driver looks at the registers after it, however it ended. NULL: the driver polls, SAT_POLLS
   * times. */
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

/* `count` matrices [rows][cols] on top of each other, each N:M along its rows, one per position of
 * a kernel: what a convolution reads. With n == m they are one dense matrix [count*rows][cols]. */
typedef struct {
  uint32_t count, rows, cols, n, m;
  sat_tensor values, indices;
} sat_stack;

int sat_stack_new(sat_arena *arena, sat_stack *stack, uint32_t count, uint32_t rows, uint32_t cols,
                  uint32_t n, uint32_t m);
/* One of them, where sat_prune and sat_update write. */
int sat_stack_at(const sat_stack *stack, uint32_t position, sat_matrix *matrix);

/* Rows as they lie in memory, without what is between them; `size` is rows * sat_row_bytes. */
int sat_read(const sat_device *device, const sat_tensor *tensor, void *data, size_t size);
int sat_write(const sat_device *device, const sat_tensor *tensor, const void *data, size_t size);

/* Windows over a feature map, a tensor with a row per pixel and a column per channel. Names and
 * meanings are those of the descriptor. */
typedef struct {
  uint32_t images, map_h, map_w, out_h, out_w, kernel_h, kernel_w;
  uint32_t step_log2, dilation_log2, upsample_log2;
  int32_t pad_top, pad_left; /* below zero: the first window begins inside the map */
} sat_windows;

/* Those of a layer with the same padding on all sides, as many as lie on the padded map. `stride`
 * and `dilation` are 1, 2, 4 or 8. */
int sat_windows_sliding(sat_windows *windows, uint32_t images, uint32_t map_h, uint32_t map_w,
                        uint32_t kernel_h, uint32_t kernel_w, uint32_t stride, uint32_t pad,
                        uint32_t dilation);
/* Those of the gradient: over the grid of `forward`, one for each of its pixels. Position p sees
 * what sees the pixel at position P-1-p. */
int sat_windows_transposed(const sat_windows *forward, sat_windows *windows);
uint32_t sat_windows_positions(const sat_windows *windows); /* P: of the kernel */
uint32_t sat_windows_pixels(const sat_windows *windows);    /* rows of the map */
uint32_t sat_windows_count(const sat_windows *windows);     /* G: rows of the result */

/* Programs */

typedef struct {
  uint32_t (*commands)[SAT_DESC_WORDS];
  uint32_t capacity, length;
} sat_program;

sat_program sat_program_in(uint32_t (*storage)[SAT_DESC_WORDS], uint32_t capacity);

/* Zero is the default of every option. `overlap`: may run beside a command of the other engine, with
 * which it then shares no byte that either writes (docs/reference/commands.md, "Hazards"). */
typedef struct {
  bool a_trans; /* of sat_matmul only */
  bool relu, overlap;
  const sat_tensor *bias;     /* [1][J] FP32 */
  const sat_tensor *residual; /* [I][J], of C's format; may be C: C = C + a.s */
  const sat_tensor *mask;     /* [I][J] FP16 */
  const sat_tensor *sums;     /* [2][J] FP32, written: what STATS of c, rounded to FP16, gives */
  uint32_t row_interleave;    /* log2 of the rows interleaved in a PE: a hint */
} sat_matmul_options;

typedef struct {
  const sat_tensor *y, *beta; /* a second map and its scale: both or none */
  bool relu, overlap;
} sat_affine_options;

typedef struct {
  float lr, momentum, inv_scale;
  float decay; /* 0: no weight decay */
  bool skip_on_overflow, overlap;
} sat_update_options;

/* c = epilogue(a . s); `options` may be NULL. */
int sat_matmul(sat_program *program, const sat_tensor *a, const sat_matrix *s, const sat_tensor *c,
               const sat_matmul_options *options);
/* c [G][J] = epilogue(A . s): A is what each of G windows sees of a [pixels][C], s has a matrix
 * [C][J] for each position. FF; BP with transposed windows and W_BP, its positions reversed. */
int sat_conv(sat_program *program, const sat_tensor *a, const sat_stack *s, const sat_tensor *c,
             const sat_windows *windows, const sat_matmul_options *options);
/* c [P*C][J] = epilogue(A^T . s), s [G][J]: the gradient of the weights, WU. */
int sat_conv_gradient(sat_program *program, const sat_tensor *a, const sat_matrix *s,
                      const sat_tensor *c, const sat_windows *windows,
                      const sat_matmul_options *options);
/* Pruned copies of w; ff [K][J] and bp [J][K], of which one may be NULL. */
int sat_prune(sat_program *program, const sat_tensor *w, const sat_matrix *ff, const sat_matrix *bp,
              bool overlap);
/* ff of an unbiased sample of w, usually a gradient: operand s of a sparse WU. `layer` is a number of
 * its own, which the random bits depend on, besides what sat_seed sets. */
int sat_sample(sat_program *program, const sat_tensor *w, const sat_matrix *ff, uint32_t layer,
               bool overlap);
/* A step of momentum SGD on w with velocity v and gradient dw, then copies: ff, bp or NULL. */
int sat_update(sat_program *program, const sat_tensor *w, const sat_tensor *v, const sat_tensor *dw,
               const sat_matrix *ff, const sat_matrix *bp, const sat_update_options *options);
/* out = alpha*x + gamma, or with y alpha*x + (beta*y + gamma), then ReLU: x, y, out [R][C] FP16,
 * the others [1][C] FP32. */
int sat_affine(sat_program *program, const sat_tensor *x, const sat_tensor *out,
               const sat_tensor *alpha, const sat_tensor *gamma, const sat_affine_options *options);
/* Sums over the rows of x and of x*y [R][C] FP16, into [1][C] FP32. Without y it is x. */
int sat_stats(sat_program *program, const sat_tensor *x, const sat_tensor *y, const sat_tensor *sum,
              const sat_tensor *dot, bool overlap);
/* The largest value of x [pixels][C] in each window, and its position (SAT_INDEX): both [G][C]. */
int sat_max_pool(sat_program *program, const sat_tensor *x, const sat_tensor *out,
                 const sat_tensor *winner, const sat_windows *windows, bool overlap);
/* Its gradient, with the transposed windows: d_out and winner [pixels][C] to d_x [G][C]. */
int sat_max_pool_backward(sat_program *program, const sat_tensor *d_out, const sat_tensor *winner,
                          const sat_tensor *d_x, const sat_windows *windows, bool overlap);
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
/* Of the samples in programs started from now on: a `step` of its own for each training step. */
int sat_seed(const sat_device *device, uint32_t seed, uint32_t step);
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
