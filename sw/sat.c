/* SPDX-License-Identifier: Apache-2.0 */
#include "sat.h"

#include <string.h>

#include "sat_operands.h"

#define DONE_OR_ERROR ((1u << SAT_IRQ_STATUS_DONE_LSB) | (1u << SAT_IRQ_STATUS_ERROR_LSB))
#define BIT(condition, position) ((condition) ? 1u << (position) : 0u)

/* Registers */

static int get(const sat_device *device, uint32_t offset, uint32_t *value) {
  return device->hal.read_register(device->hal.context, offset, value) ? SAT_E_IO : SAT_OK;
}

static int put(const sat_device *device, uint32_t offset, uint32_t value) {
  return device->hal.write_register(device->hal.context, offset, value) ? SAT_E_IO : SAT_OK;
}

static int get64(const sat_device *device, uint32_t offset, uint64_t *value) {
  uint32_t low = 0, high = 0;
  /* The low word first: a counter keeps its upper half for the read that follows. */
  int status = get(device, offset, &low);
  if (!status) status = get(device, offset + 4, &high);
  *value = (uint64_t)high << 32 | low;
  return status;
}

static uint32_t field(uint32_t value, uint32_t lsb, uint32_t bits) {
  return value >> lsb & ((1u << bits) - 1u);
}

int sat_open(sat_device *device, const sat_hal *hal) {
  static const uint32_t patterns[] = {0x5AA5F00Fu, 0xA55A0FF0u};
  uint32_t value = 0, caps = 0;
  device->hal = *hal;
  if (get(device, SAT_REG_ID, &value)) return SAT_E_IO;
  if (value != SAT_ID_VALUE) return SAT_E_ID;
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; ++i) {
    if (put(device, SAT_REG_SCRATCH, patterns[i]) || get(device, SAT_REG_SCRATCH, &value)) {
      return SAT_E_IO;
    }
    if (value != patterns[i]) return SAT_E_ID;
  }
  if (get(device, SAT_REG_VERSION, &device->version) || get(device, SAT_REG_CAPS0, &caps) ||
      get(device, SAT_REG_CAPS1, &value)) {
    return SAT_E_IO;
  }
  device->rows = field(caps, SAT_CAPS0_ROWS_LSB, SAT_CAPS0_ROWS_BITS);
  device->cols = field(caps, SAT_CAPS0_COLS_LSB, SAT_CAPS0_COLS_BITS);
  device->interleave = field(caps, SAT_CAPS0_INTERLEAVE_LSB, SAT_CAPS0_INTERLEAVE_BITS);
  device->address_bits = field(value, SAT_CAPS1_ADDR_W_LSB, SAT_CAPS1_ADDR_W_BITS);
  return SAT_OK;
}

int sat_counter(const sat_device *device, uint32_t offset, uint64_t *value) {
  return get64(device, offset, value);
}

/* Tensors */

static uint32_t row_bytes(uint32_t cols, sat_format format) {
  return (cols * (uint32_t)format + 7u) / 8u;
}

uint32_t sat_row_bytes(const sat_tensor *tensor) { return row_bytes(tensor->cols, tensor->format); }

static bool is_size(uint32_t size) { return size >= 1 && size <= SAT_SIZE_MAX; }

static bool is_nm(uint32_t n, uint32_t m) {
  return (m == 2 || m == 4 || m == 8 || m == 16) && n >= 1 && n <= m;
}

int sat_tensor_new(sat_arena *arena, sat_tensor *tensor, uint32_t rows, uint32_t cols,
                   sat_format format) {
  const uint64_t unit = SAT_TENSOR_ALIGN - 1u;
  const uint64_t first = 2u * SAT_TENSOR_ALIGN - 1u;  // a line of the widest map cache
  const uint64_t start = (arena->next + first) & ~first;
  if (!is_size(rows) || !is_size(cols)) return SAT_E_ARGUMENT;
  tensor->address = start;
  tensor->rows = rows;
  tensor->cols = cols;
  tensor->format = format;
  tensor->stride = (uint32_t)((row_bytes(cols, format) + unit) & ~unit);
  if (start < arena->next || start > arena->end || (uint64_t)rows * tensor->stride > arena->end - start) {
    return SAT_E_FULL;
  }
  arena->next = start + (uint64_t)rows * tensor->stride;
  return SAT_OK;
}

int sat_matrix_new(sat_arena *arena, sat_matrix *matrix, uint32_t rows, uint32_t cols, uint32_t n,
                   uint32_t m) {
  sat_stack stack;
  int status = sat_stack_new(arena, &stack, 1, rows, cols, n, m);
  return status ? status : sat_stack_at(&stack, 0, matrix);
}

int sat_stack_new(sat_arena *arena, sat_stack *stack, uint32_t count, uint32_t rows, uint32_t cols,
                  uint32_t n, uint32_t m) {
  int status;
  if (!is_nm(n, m) || !is_size(count) || !is_size(rows) ||
      count > SAT_SIZE_MAX / sat_kept(rows, n, m)) {
    return SAT_E_ARGUMENT;
  }
  memset(stack, 0, sizeof *stack);
  stack->count = count;
  stack->rows = rows;
  stack->cols = cols;
  stack->n = n;
  stack->m = m;
  rows = count * sat_kept(rows, n, m);
  status = sat_tensor_new(arena, &stack->values, rows, cols, SAT_FP16);
  if (status || n == m) return status;
  return sat_tensor_new(arena, &stack->indices, rows, cols, SAT_INDEX);
}

static sat_tensor part(const sat_tensor *plane, uint32_t position, uint32_t rows) {
  sat_tensor tensor = *plane;
  tensor.address += (uint64_t)position * rows * tensor.stride;
  tensor.rows = rows;
  return tensor;
}

int sat_stack_at(const sat_stack *stack, uint32_t position, sat_matrix *matrix) {
  if (position >= stack->count) return SAT_E_ARGUMENT;
  memset(matrix, 0, sizeof *matrix);
  matrix->rows = stack->rows;
  matrix->cols = stack->cols;
  matrix->n = stack->n;
  matrix->m = stack->m;
  matrix->values = part(&stack->values, position, sat_kept(stack->rows, stack->n, stack->m));
  if (stack->n != stack->m) {
    matrix->indices = part(&stack->indices, position, matrix->values.rows);
  }
  return SAT_OK;
}

sat_matrix sat_dense(const sat_tensor *tensor) {
  sat_matrix matrix;
  memset(&matrix, 0, sizeof matrix);
  matrix.rows = tensor->rows;
  matrix.cols = tensor->cols;
  matrix.n = matrix.m = 2; /* any N = M */
  matrix.values = *tensor;
  return matrix;
}

/* `size` is that of all rows, also where a size_t could not hold it. */
static bool is_whole(const sat_tensor *tensor, size_t size) {
  return is_size(tensor->rows) && is_size(tensor->cols) &&
         (uint64_t)sat_row_bytes(tensor) * tensor->rows == size;
}

int sat_read(const sat_device *device, const sat_tensor *tensor, void *data, size_t size) {
  const size_t row = sat_row_bytes(tensor);
  if (!is_whole(tensor, size)) return SAT_E_ARGUMENT;
  for (uint32_t i = 0; i < tensor->rows; ++i) {
    const uint64_t address = tensor->address + (uint64_t)i * tensor->stride;
    if (device->hal.read_memory(device->hal.context, address, (char *)data + i * row, row)) {
      return SAT_E_IO;
    }
  }
  return SAT_OK;
}

int sat_write(const sat_device *device, const sat_tensor *tensor, const void *data, size_t size) {
  const size_t row = sat_row_bytes(tensor);
  if (!is_whole(tensor, size)) return SAT_E_ARGUMENT;
  for (uint32_t i = 0; i < tensor->rows; ++i) {
    const uint64_t address = tensor->address + (uint64_t)i * tensor->stride;
    if (device->hal.write_memory(device->hal.context, address, (const char *)data + i * row, row)) {
      return SAT_E_IO;
    }
  }
  return SAT_OK;
}

/* What the core demands of a tensor in a slot. */
static bool fits(const sat_tensor *tensor, sat_format format, uint32_t rows, uint32_t cols) {
  return tensor && tensor->format == format && tensor->rows == rows && tensor->cols == cols &&
         is_size(rows) && is_size(cols) && tensor->address % SAT_TENSOR_ALIGN == 0 &&
         tensor->stride % SAT_TENSOR_ALIGN == 0 && tensor->stride >= sat_row_bytes(tensor) &&
         tensor->stride <= SAT_STRIDE_MAX;
}

/* Whether `count` matrices [rows][cols] lie in the stack; its planes are checked as operands. */
static bool stack_fits(const sat_stack *stack, uint32_t count, uint32_t rows, uint32_t cols) {
  return is_nm(stack->n, stack->m) && stack->count == count && stack->rows == rows &&
         stack->cols == cols && is_size(rows) && count <= SAT_SIZE_MAX / rows;
}

static sat_stack stack_of(const sat_matrix *matrix) {
  const sat_stack stack = {1,         matrix->rows,   matrix->cols,   matrix->n,
                           matrix->m, matrix->values, matrix->indices};
  return stack;
}

static bool matrix_fits(const sat_matrix *matrix, uint32_t rows, uint32_t cols) {
  const sat_stack stack = stack_of(matrix);
  return stack_fits(&stack, 1, rows, cols);
}

/* Windows */

static bool is_power_log2(uint32_t value, uint32_t *log2) {
  for (*log2 = 0; *log2 < 1u << SAT_DESC_STEP_LOG2_BITS; ++*log2) {
    if (value == 1u << *log2) return true;
  }
  return false;
}

/* Places of a kernel along one side of a map, or 0. */
static uint32_t places(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t pad,
                       uint32_t dilation) {
  const uint32_t padded = size + 2u * pad, reach = dilation * (kernel - 1u) + 1u;
  return padded < reach ? 0 : (padded - reach) / stride + 1u;
}

static bool is_in(uint32_t value, uint32_t least, uint32_t bits) {
  return value >= least && value < 1u << bits;
}

static bool is_signed(int32_t value, uint32_t bits) {
  const int32_t half = (int32_t)(1u << (bits - 1u));
  return value >= -half && value < half;
}

static bool windows_fit(const sat_windows *w) {
  return w && is_size(w->images) && is_in(w->map_h, 1, SAT_DESC_MAP_H_BITS) &&
         is_in(w->map_w, 1, SAT_DESC_MAP_W_BITS) && is_in(w->out_h, 1, SAT_DESC_OUT_H_BITS) &&
         is_in(w->out_w, 1, SAT_DESC_OUT_W_BITS) && is_in(w->kernel_h, 1, SAT_DESC_KERNEL_H_BITS) &&
         is_in(w->kernel_w, 1, SAT_DESC_KERNEL_W_BITS) &&
         is_in(w->step_log2, 0, SAT_DESC_STEP_LOG2_BITS) &&
         is_in(w->dilation_log2, 0, SAT_DESC_DILATION_LOG2_BITS) &&
         is_in(w->upsample_log2, 0, SAT_DESC_UPSAMPLE_LOG2_BITS) &&
         is_signed(w->pad_top, SAT_DESC_PAD_TOP_BITS) &&
         is_signed(w->pad_left, SAT_DESC_PAD_LEFT_BITS) &&
         (uint64_t)w->images * w->map_h * w->map_w <= SAT_SIZE_MAX &&
         (uint64_t)w->images * w->out_h * w->out_w <= SAT_SIZE_MAX;
}

int sat_windows_sliding(sat_windows *windows, uint32_t images, uint32_t map_h, uint32_t map_w,
                        uint32_t kernel_h, uint32_t kernel_w, uint32_t stride, uint32_t pad,
                        uint32_t dilation) {
  sat_windows w = {images, map_h, map_w, 0, 0, kernel_h, kernel_w, 0, 0, 0, 0, 0};
  if (!is_in(map_h, 1, SAT_DESC_MAP_H_BITS) || !is_in(map_w, 1, SAT_DESC_MAP_W_BITS) ||
      !is_in(kernel_h, 1, SAT_DESC_KERNEL_H_BITS) ||
      !is_in(kernel_w, 1, SAT_DESC_KERNEL_W_BITS) || !is_in(pad, 0, SAT_DESC_PAD_TOP_BITS - 1u) ||
      !is_power_log2(stride, &w.step_log2) || !is_power_log2(dilation, &w.dilation_log2)) {
    return SAT_E_ARGUMENT;
  }
  w.pad_top = w.pad_left = (int32_t)pad;
  w.out_h = places(map_h, kernel_h, stride, pad, dilation);
  w.out_w = places(map_w, kernel_w, stride, pad, dilation);
  if (!windows_fit(&w)) return SAT_E_ARGUMENT;
  *windows = w;
  return SAT_OK;
}

int sat_windows_transposed(const sat_windows *forward, sat_windows *windows) {
  sat_windows w;
  if (!windows_fit(forward)) return SAT_E_ARGUMENT;
  w = *forward;
  w.map_h = forward->out_h;
  w.map_w = forward->out_w;
  w.out_h = forward->map_h;
  w.out_w = forward->map_w;
  w.step_log2 = forward->upsample_log2;
  w.upsample_log2 = forward->step_log2;
  w.pad_top = (int32_t)((forward->kernel_h - 1u) << forward->dilation_log2) - forward->pad_top;
  w.pad_left = (int32_t)((forward->kernel_w - 1u) << forward->dilation_log2) - forward->pad_left;
  if (!windows_fit(&w)) return SAT_E_ARGUMENT;
  *windows = w;
  return SAT_OK;
}

uint32_t sat_windows_positions(const sat_windows *windows) {
  return windows->kernel_h * windows->kernel_w;
}

uint32_t sat_windows_pixels(const sat_windows *windows) {
  return windows->images * windows->map_h * windows->map_w;
}

uint32_t sat_windows_count(const sat_windows *windows) {
  return windows->images * windows->out_h * windows->out_w;
}

/* Descriptors */

static void set(uint32_t *command, uint32_t lsb, uint32_t value) {
  command[lsb / 32u] |= value << lsb % 32u;
}

static void set_float(uint32_t *command, uint32_t lsb, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  set(command, lsb, bits);
}

sat_program sat_program_in(uint32_t (*storage)[SAT_DESC_WORDS], uint32_t capacity) {
  sat_program program = {storage, capacity, 0};
  return program;
}

/* A command in the making: its fields, and a tensor for each slot that it uses. */
typedef struct {
  sat_sizes sizes;
  const sat_windows *windows;
  bool overlap;
  const sat_tensor *slots[SAT_SLOTS];
} draft;

static draft draft_of(uint32_t opcode, uint32_t flags, uint32_t n, uint32_t m, bool overlap) {
  draft d;
  memset(&d, 0, sizeof d);
  d.sizes.opcode = opcode;
  d.sizes.flags = flags;
  d.sizes.n = n;
  d.sizes.m = m;
  d.overlap = overlap;
  return d;
}

/* The command sees a map through these; they have been checked. */
static void look_through(draft *d, const sat_windows *windows) {
  d->windows = windows;
  d->sizes.rows = windows->images;
  d->sizes.pixels = sat_windows_pixels(windows);
  d->sizes.windows = sat_windows_count(windows);
  d->sizes.positions = sat_windows_positions(windows);
}

static void set_matrix(draft *d, uint32_t values, uint32_t indices, const sat_matrix *matrix) {
  if (!matrix) return;
  d->slots[values] = &matrix->values;
  d->slots[indices] = &matrix->indices;
}

static void set_windows(uint32_t *command, const sat_windows *windows) {
  set(command, SAT_DESC_MAP_H_LSB, windows->map_h);
  set(command, SAT_DESC_MAP_W_LSB, windows->map_w);
  set(command, SAT_DESC_OUT_H_LSB, windows->out_h);
  set(command, SAT_DESC_OUT_W_LSB, windows->out_w);
  set(command, SAT_DESC_KERNEL_H_LSB, windows->kernel_h);
  set(command, SAT_DESC_KERNEL_W_LSB, windows->kernel_w);
  set(command, SAT_DESC_STEP_LOG2_LSB, windows->step_log2);
  set(command, SAT_DESC_DILATION_LOG2_LSB, windows->dilation_log2);
  set(command, SAT_DESC_UPSAMPLE_LOG2_LSB, windows->upsample_log2);
  set(command, SAT_DESC_PAD_TOP_LSB,
      (uint32_t)windows->pad_top & ((1u << SAT_DESC_PAD_TOP_BITS) - 1u));
  set(command, SAT_DESC_PAD_LEFT_LSB,
      (uint32_t)windows->pad_left & ((1u << SAT_DESC_PAD_LEFT_BITS) - 1u));
}

/* Appends a command whose tensors all are what its slots must hold; `made` is where it lies. */
static int append(sat_program *program, const draft *d, uint32_t **made) {
  const sat_sizes *sizes = &d->sizes;
  sat_operand operand;
  uint32_t *command;
  if (sizes->cols > SAT_COLS_MAX) return SAT_E_ARGUMENT;
  for (uint32_t slot = 0; slot < SAT_SLOTS; ++slot) {
    if (sat_operand_of(sizes, slot, &operand) &&
        !fits(d->slots[slot], operand.format, operand.rows, operand.cols)) {
      return SAT_E_ARGUMENT;
    }
  }
  if (program->length == program->capacity) return SAT_E_FULL;
  command = program->commands[program->length++];
  memset(command, 0, SAT_DESC_BYTES);
  set(command, SAT_DESC_OPCODE_LSB, sizes->opcode);
  set(command, SAT_DESC_FLAGS_LSB, sizes->flags);
  set(command, SAT_DESC_N_LSB, sizes->n);
  set(command, SAT_DESC_M_LSB, sizes->m);
  set(command, SAT_DESC_OVERLAP_LSB, d->overlap);
  set(command, SAT_DESC_ROWS_LSB, sizes->rows);
  set(command, SAT_DESC_COLS_LSB, sizes->cols);
  set(command, SAT_DESC_DEPTH_LSB, sizes->depth);
  if (d->windows) set_windows(command, d->windows);
  for (uint32_t slot = 0; slot < SAT_SLOTS; ++slot) {
    if (sat_operand_of(sizes, slot, &operand)) {
      uint32_t *words = command + (SAT_DESC_SLOT_LSB + slot * SAT_DESC_SLOT_BITS) / 32u;
      words[0] = (uint32_t)d->slots[slot]->address;
      words[1] = (uint32_t)(d->slots[slot]->address >> 32);
      words[2] = operand.vector ? 0 : d->slots[slot]->stride;
    }
  }
  if (made) *made = command;
  return SAT_OK;
}

/* A MATMUL with or without windows, once a and s are known to be of the shape that s says. */
static int multiply(sat_program *program, const sat_tensor *a, const sat_stack *s,
                    const sat_tensor *c, uint32_t depth, bool a_trans, const sat_windows *windows,
                    const sat_matmul_options *o) {
  draft d = draft_of(
      SAT_OP_MATMUL,
      BIT(a_trans, SAT_FLAG_MATMUL_A_TRANS) | BIT(c->format == SAT_FP32, SAT_FLAG_MATMUL_OUT_FP32) |
          BIT(o->bias, SAT_FLAG_MATMUL_BIAS) | BIT(o->residual, SAT_FLAG_MATMUL_RESIDUAL) |
          BIT(o->relu, SAT_FLAG_MATMUL_RELU) | BIT(o->mask, SAT_FLAG_MATMUL_MASK) |
          BIT(windows, SAT_FLAG_MATMUL_CONV) | BIT(o->sums, SAT_FLAG_MATMUL_SUMS) |
          o->row_interleave << SAT_FLAG_MATMUL_ROW_INTERLEAVE_LSB,
      s->n, s->m, o->overlap);
  if (o->row_interleave >= 1u << SAT_FLAG_MATMUL_ROW_INTERLEAVE_BITS) return SAT_E_ARGUMENT;
  d.sizes.rows = c->rows;
  d.sizes.cols = c->cols;
  d.sizes.depth = depth;
  if (windows) look_through(&d, windows);
  d.slots[SAT_SLOT_MATMUL_A] = a;
  d.slots[SAT_SLOT_MATMUL_S_VALUES] = &s->values;
  d.slots[SAT_SLOT_MATMUL_S_INDICES] = &s->indices;
  d.slots[SAT_SLOT_MATMUL_C] = c;
  d.slots[SAT_SLOT_MATMUL_BIAS] = o->bias;
  d.slots[SAT_SLOT_MATMUL_RESIDUAL] = o->residual;
  d.slots[SAT_SLOT_MATMUL_MASK] = o->mask;
  d.slots[SAT_SLOT_MATMUL_SUMS] = o->sums;
  return append(program, &d, NULL);
}

static const sat_matmul_options no_matmul_options = {0};

int sat_matmul(sat_program *program, const sat_tensor *a, const sat_matrix *s, const sat_tensor *c,
               const sat_matmul_options *options) {
  const sat_matmul_options *o = options ? options : &no_matmul_options;
  sat_stack stack;
  if (!a || !s || !c || !matrix_fits(s, s->rows, c->cols)) return SAT_E_ARGUMENT;
  stack = stack_of(s);
  return multiply(program, a, &stack, c, s->rows, o->a_trans, NULL, o);
}

int sat_conv(sat_program *program, const sat_tensor *a, const sat_stack *s, const sat_tensor *c,
             const sat_windows *windows, const sat_matmul_options *options) {
  const sat_matmul_options *o = options ? options : &no_matmul_options;
  if (!a || !s || !c || o->a_trans || !windows_fit(windows) ||
      !stack_fits(s, sat_windows_positions(windows), a->cols, c->cols)) {
    return SAT_E_ARGUMENT;
  }
  return multiply(program, a, s, c, a->cols, false, windows, o);
}

int sat_conv_gradient(sat_program *program, const sat_tensor *a, const sat_matrix *s,
                      const sat_tensor *c, const sat_windows *windows,
                      const sat_matmul_options *options) {
  const sat_matmul_options *o = options ? options : &no_matmul_options;
  sat_stack stack;
  if (!a || !s || !c || o->a_trans || !windows_fit(windows) || !is_size(a->cols) ||
      !matrix_fits(s, sat_windows_count(windows), c->cols)) {
    return SAT_E_ARGUMENT;
  }
  stack = stack_of(s);
  return multiply(program, a, &stack, c, a->cols, true, windows, o);
}

/* N:M of the copies, which they must share; dense if there are none. */
static bool copies_fit(const sat_tensor *w, const sat_matrix *ff, const sat_matrix *bp, uint32_t *n,
                       uint32_t *m) {
  const sat_matrix *copy = ff ? ff : bp;
  *n = copy ? copy->n : 2;
  *m = copy ? copy->m : 2;
  return (!ff || matrix_fits(ff, w->rows, w->cols)) && (!bp || matrix_fits(bp, w->cols, w->rows)) &&
         (!ff || !bp || (ff->n == bp->n && ff->m == bp->m));
}

static int prune(sat_program *program, const sat_tensor *w, const sat_matrix *ff,
                 const sat_matrix *bp, bool sample, bool overlap, uint32_t **command) {
  uint32_t n, m;
  draft d;
  if (!w || !(ff || bp) || !copies_fit(w, ff, bp, &n, &m)) return SAT_E_ARGUMENT;
  d = draft_of(SAT_OP_PRUNE,
               BIT(ff, SAT_FLAG_PRUNE_FF) | BIT(bp, SAT_FLAG_PRUNE_BP) |
                   BIT(w->format == SAT_FP16, SAT_FLAG_PRUNE_SRC_FP16) |
                   BIT(sample, SAT_FLAG_PRUNE_SAMPLE),
               n, m, overlap);
  d.sizes.rows = w->rows;
  d.sizes.cols = w->cols;
  d.slots[SAT_SLOT_PRUNE_W] = w;
  set_matrix(&d, SAT_SLOT_PRUNE_FF_VALUES, SAT_SLOT_PRUNE_FF_INDICES, ff);
  set_matrix(&d, SAT_SLOT_PRUNE_BP_VALUES, SAT_SLOT_PRUNE_BP_INDICES, bp);
  return append(program, &d, command);
}

int sat_prune(sat_program *program, const sat_tensor *w, const sat_matrix *ff, const sat_matrix *bp,
              bool overlap) {
  return prune(program, w, ff, bp, false, overlap, NULL);
}

int sat_sample(sat_program *program, const sat_tensor *w, const sat_matrix *ff, uint32_t layer,
               bool overlap) {
  uint32_t *command;
  int status = prune(program, w, ff, NULL, true, overlap, &command);
  if (!status) command[SAT_DESC_LAYER_LSB / 32u] = layer;
  return status;
}

int sat_update(sat_program *program, const sat_tensor *w, const sat_tensor *v, const sat_tensor *dw,
               const sat_matrix *ff, const sat_matrix *bp, const sat_update_options *options) {
  uint32_t *command, n, m;
  bool decay;
  draft d;
  int status;
  if (!w || !options || !copies_fit(w, ff, bp, &n, &m)) return SAT_E_ARGUMENT;
  decay = options->decay != 0.0f;
  d = draft_of(SAT_OP_UPDATE,
               BIT(ff, SAT_FLAG_UPDATE_FF) | BIT(bp, SAT_FLAG_UPDATE_BP) |
                   BIT(decay, SAT_FLAG_UPDATE_DECAY) |
                   BIT(options->skip_on_overflow, SAT_FLAG_UPDATE_SKIP_ON_OVERFLOW),
               n, m, options->overlap);
  d.sizes.rows = w->rows;
  d.sizes.cols = w->cols;
  d.slots[SAT_SLOT_UPDATE_W] = w;
  d.slots[SAT_SLOT_UPDATE_V] = v;
  d.slots[SAT_SLOT_UPDATE_DW] = dw;
  set_matrix(&d, SAT_SLOT_UPDATE_FF_VALUES, SAT_SLOT_UPDATE_FF_INDICES, ff);
  set_matrix(&d, SAT_SLOT_UPDATE_BP_VALUES, SAT_SLOT_UPDATE_BP_INDICES, bp);
  status = append(program, &d, &command);
  if (status) return status;
  set_float(command, SAT_DESC_INV_SCALE_LSB, options->inv_scale);
  if (decay) set_float(command, SAT_DESC_DECAY_LSB, options->decay);
  set_float(command, SAT_DESC_MOMENTUM_LSB, options->momentum);
  set_float(command, SAT_DESC_LR_LSB, options->lr);
  return SAT_OK;
}

int sat_affine(sat_program *program, const sat_tensor *x, const sat_tensor *out,
               const sat_tensor *alpha, const sat_tensor *gamma,
               const sat_affine_options *options) {
  static const sat_affine_options none = {0};
  const sat_affine_options *o = options ? options : &none;
  draft d = draft_of(SAT_OP_AFFINE,
                     BIT(o->y, SAT_FLAG_AFFINE_SECOND) | BIT(o->relu, SAT_FLAG_AFFINE_RELU), 0, 0,
                     o->overlap);
  if (!x || !o->y != !o->beta) return SAT_E_ARGUMENT;
  d.sizes.rows = x->rows;
  d.sizes.cols = x->cols;
  d.slots[SAT_SLOT_AFFINE_X] = x;
  d.slots[SAT_SLOT_AFFINE_Y] = o->y;
  d.slots[SAT_SLOT_AFFINE_OUT] = out;
  d.slots[SAT_SLOT_AFFINE_ALPHA] = alpha;
  d.slots[SAT_SLOT_AFFINE_BETA] = o->beta;
  d.slots[SAT_SLOT_AFFINE_GAMMA] = gamma;
  return append(program, &d, NULL);
}

int sat_stats(sat_program *program, const sat_tensor *x, const sat_tensor *y, const sat_tensor *sum,
              const sat_tensor *dot, bool overlap) {
  draft d = draft_of(SAT_OP_STATS, BIT(y, SAT_FLAG_STATS_SECOND), 0, 0, overlap);
  if (!x) return SAT_E_ARGUMENT;
  d.sizes.rows = x->rows;
  d.sizes.cols = x->cols;
  d.slots[SAT_SLOT_STATS_X] = x;
  d.slots[SAT_SLOT_STATS_Y] = y;
  d.slots[SAT_SLOT_STATS_SUM] = sum;
  d.slots[SAT_SLOT_STATS_DOT] = dot;
  return append(program, &d, NULL);
}

static int pool(sat_program *program, const sat_tensor *x, const sat_tensor *out,
                const sat_tensor *winner, const sat_windows *windows, bool backward, bool overlap) {
  draft d = draft_of(SAT_OP_POOL, BIT(backward, SAT_FLAG_POOL_BACKWARD), 0, 0, overlap);
  if (!x || !windows_fit(windows) || sat_windows_positions(windows) > SAT_POOL_POSITIONS_MAX) {
    return SAT_E_ARGUMENT;
  }
  look_through(&d, windows);
  d.sizes.cols = x->cols;
  d.slots[SAT_SLOT_POOL_X] = x;
  d.slots[SAT_SLOT_POOL_OUT] = out;
  d.slots[SAT_SLOT_POOL_WINNER] = winner;
  return append(program, &d, NULL);
}

int sat_max_pool(sat_program *program, const sat_tensor *x, const sat_tensor *out,
                 const sat_tensor *winner, const sat_windows *windows, bool overlap) {
  return pool(program, x, out, winner, windows, false, overlap);
}

int sat_max_pool_backward(sat_program *program, const sat_tensor *d_out, const sat_tensor *winner,
                          const sat_tensor *d_x, const sat_windows *windows, bool overlap) {
  return pool(program, d_out, d_x, winner, windows, true, overlap);
}

int sat_fence(sat_program *program, bool irq) {
  const draft d = draft_of(SAT_OP_FENCE, BIT(irq, SAT_FLAG_FENCE_IRQ), 0, 0, false);
  return append(program, &d, NULL);
}

/* Running */

static int write_program(const sat_device *device, const sat_program *program, uint64_t address) {
  uint8_t bytes[SAT_DESC_BYTES]; /* little endian, whatever the host is */
  for (uint32_t i = 0; i < program->length; ++i, address += SAT_DESC_BYTES) {
    for (uint32_t j = 0; j < SAT_DESC_BYTES; ++j) {
      bytes[j] = (uint8_t)(program->commands[i][j / 4u] >> 8u * (j % 4u));
    }
    if (device->hal.write_memory(device->hal.context, address, bytes, sizeof bytes)) {
      return SAT_E_IO;
    }
  }
  return SAT_OK;
}

int sat_seed(const sat_device *device, uint32_t seed, uint32_t step) {
  return put(device, SAT_REG_SEED, seed) || put(device, SAT_REG_STEP, step) ? SAT_E_IO : SAT_OK;
}

int sat_start(const sat_device *device, const sat_program *program, uint64_t address) {
  if (program->length == 0 || address % SAT_DESC_BYTES ||
      program->length > (UINT64_MAX - address) / SAT_DESC_BYTES) {
    return SAT_E_ARGUMENT;
  }
  if (write_program(device, program, address) ||
      put(device, SAT_REG_PROG_ADDR_LO, (uint32_t)address) ||
      put(device, SAT_REG_PROG_ADDR_HI, (uint32_t)(address >> 32)) ||
      put(device, SAT_REG_PROG_LEN, program->length) ||
      put(device, SAT_REG_IRQ_STATUS, DONE_OR_ERROR) ||
      put(device, SAT_REG_IRQ_ENABLE, DONE_OR_ERROR) ||
      put(device, SAT_REG_CTRL, 1u << SAT_CTRL_START_LSB)) {
    return SAT_E_IO;
  }
  return SAT_OK;
}

/* Until one of `bits` of a register is set, or, if not `wanted`, until all are clear. After a wait
 * that failed the register decides: an interrupt may be lost, or come at the last moment. */
static int poll(const sat_device *device, uint32_t offset, uint32_t bits, bool wanted) {
  uint32_t value = 0;
  int waited = SAT_OK;
  for (unsigned long i = 0; i < SAT_POLLS; ++i) {
    if (get(device, offset, &value)) return SAT_E_IO;
    if (((value & bits) != 0) == wanted) return SAT_OK;
    if (waited) return waited == SAT_E_TIMEOUT ? SAT_E_TIMEOUT : SAT_E_IO;
    if (wanted && device->hal.wait) waited = device->hal.wait(device->hal.context);
  }
  return SAT_E_TIMEOUT;
}

static int read_error(const sat_device *device, sat_result *result) {
  const uint32_t working = (1u << SAT_STATUS_BUSY_LSB) | (1u << SAT_STATUS_DRAINING_LSB);
  int status = poll(device, SAT_REG_STATUS, working, false);
  if (status) return status;
  if (get(device, SAT_REG_ERR_CODE, &result->error) ||
      get(device, SAT_REG_ERR_INDEX, &result->error_index) ||
      get64(device, SAT_REG_ERR_ADDR_LO, &result->error_address) ||
      put(device, SAT_REG_CTRL, 1u << SAT_CTRL_CLEAR_LSB)) {
    return SAT_E_IO;
  }
  return SAT_E_CORE;
}

int sat_wait(const sat_device *device, sat_result *result) {
  uint32_t state = 0;
  int status = poll(device, SAT_REG_IRQ_STATUS, DONE_OR_ERROR, true);
  memset(result, 0, sizeof *result);
  if (status) return status;
  if (get(device, SAT_REG_STATUS, &state) ||
      get64(device, SAT_REG_CYCLES_LO, &result->cycles)) {
    return SAT_E_IO;
  }
  result->overflow = state >> SAT_STATUS_OVERFLOW_LSB & 1u;
  if (state >> SAT_STATUS_ERROR_LSB & 1u) status = read_error(device, result);
  if (put(device, SAT_REG_IRQ_STATUS, DONE_OR_ERROR)) return SAT_E_IO;
  return status;
}

int sat_run(const sat_device *device, const sat_program *program, uint64_t address,
            sat_result *result) {
  int status = sat_start(device, program, address);
  return status ? status : sat_wait(device, result);
}

const char *sat_error_name(uint32_t error) {
  switch (error) {
    case SAT_ERR_NONE: return "NONE";
    case SAT_ERR_PROGRAM: return "PROGRAM";
    case SAT_ERR_OPCODE: return "OPCODE";
    case SAT_ERR_FLAGS: return "FLAGS";
    case SAT_ERR_NM: return "NM";
    case SAT_ERR_SIZE: return "SIZE";
    case SAT_ERR_ALIGN: return "ALIGN";
    case SAT_ERR_STRIDE: return "STRIDE";
    case SAT_ERR_RANGE: return "RANGE";
    case SAT_ERR_READ_SLVERR: return "READ_SLVERR";
    case SAT_ERR_READ_DECERR: return "READ_DECERR";
    case SAT_ERR_WRITE_SLVERR: return "WRITE_SLVERR";
    case SAT_ERR_WRITE_DECERR: return "WRITE_DECERR";
    case SAT_ERR_HANG: return "HANG";
    case SAT_ERR_BUSY: return "BUSY";
    case SAT_ERR_READ_PROTOCOL: return "READ_PROTOCOL";
    default: return "unknown";
  }
}

/* FP16 */

uint16_t sat_half(double value) {
  uint64_t bits, significand, half, rest, tie;
  uint32_t sign, shift;
  int exponent;
  memcpy(&bits, &value, sizeof bits);
  sign = (uint32_t)(bits >> 48) & 0x8000u;
  exponent = (int)(bits >> 52 & 0x7FF) - 1023;
  significand = bits & 0xFFFFFFFFFFFFFu;
  if (exponent == 1024 && significand) return 0x7E00; /* NaN */
  if (exponent > 15) return (uint16_t)(sign | 0x7C00u);
  if (exponent < -25) return (uint16_t)sign; /* below half of the least subnormal */
  significand |= (uint64_t)1 << 52;
  shift = exponent < -14 ? (uint32_t)(28 - exponent) : 42u; /* bits that FP16 does not have */
  half = significand >> shift;
  rest = significand & (((uint64_t)1 << shift) - 1u);
  tie = (uint64_t)1 << (shift - 1u);
  if (exponent >= -14) half += (uint64_t)(exponent + 14) << 10;
  if (rest > tie || (rest == tie && (half & 1u))) ++half; /* may carry, up to infinity */
  return (uint16_t)(sign | (uint32_t)half);
}

double sat_half_value(uint16_t half) {
  const uint64_t sign = (uint64_t)(half & 0x8000u) << 48;
  const uint32_t exponent = half >> 10 & 0x1Fu;
  const uint64_t fraction = half & 0x3FFu;
  uint64_t bits;
  double value;
  if (exponent == 0) { /* a multiple of 2^-24 */
    value = (double)fraction / 16777216.0;
    return sign ? -value : value;
  }
  bits = exponent == 31 ? 0x7FFu : exponent + 1008u;
  bits = sign | bits << 52 | fraction << 42;
  memcpy(&value, &bits, sizeof value);
  return value;
}
