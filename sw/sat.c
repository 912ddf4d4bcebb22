/* SPDX-License-Identifier: Apache-2.0 */
#include "sat.h"

#include <string.h>

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
  const uint64_t start = (arena->next + unit) & ~unit;
  if (!is_size(rows) || !is_size(cols)) return SAT_E_ARGUMENT;
  tensor->address = start;
  tensor->rows = rows;
  tensor->cols = cols;
  tensor->format = format;
  tensor->stride = (uint32_t)((row_bytes(cols, format) + unit) & ~unit);
  if (start > arena->end || (uint64_t)rows * tensor->stride > arena->end - start) {
    return SAT_E_FULL;
  }
  arena->next = start + (uint64_t)rows * tensor->stride;
  return SAT_OK;
}

int sat_matrix_new(sat_arena *arena, sat_matrix *matrix, uint32_t rows, uint32_t cols, uint32_t n,
                   uint32_t m) {
  int status;
  if (!is_nm(n, m)) return SAT_E_ARGUMENT;
  memset(matrix, 0, sizeof *matrix);
  matrix->rows = rows;
  matrix->cols = cols;
  matrix->n = n;
  matrix->m = m;
  if (n == m) return sat_tensor_new(arena, &matrix->values, rows, cols, SAT_FP16);
  rows = (rows + m - 1u) / m * n;
  status = sat_tensor_new(arena, &matrix->values, rows, cols, SAT_FP16);
  return status ? status : sat_tensor_new(arena, &matrix->indices, rows, cols, SAT_INDEX);
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

int sat_read(const sat_device *device, const sat_tensor *tensor, void *data, size_t size) {
  const size_t row = sat_row_bytes(tensor);
  if (size != row * tensor->rows) return SAT_E_ARGUMENT;
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
  if (size != row * tensor->rows) return SAT_E_ARGUMENT;
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

static bool matrix_fits(const sat_matrix *matrix, uint32_t rows, uint32_t cols) {
  uint32_t kept;
  if (!matrix || !is_nm(matrix->n, matrix->m) || matrix->rows != rows || matrix->cols != cols) {
    return false;
  }
  if (matrix->n == matrix->m) return fits(&matrix->values, SAT_FP16, rows, cols);
  kept = (rows + matrix->m - 1u) / matrix->m * matrix->n;
  return fits(&matrix->values, SAT_FP16, kept, cols) &&
         fits(&matrix->indices, SAT_INDEX, kept, cols);
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

static void set_slot(uint32_t *command, uint32_t slot, const sat_tensor *tensor) {
  uint32_t *words = command + (SAT_DESC_SLOT_LSB + slot * SAT_DESC_SLOT_BITS) / 32u;
  words[0] = (uint32_t)tensor->address;
  words[1] = (uint32_t)(tensor->address >> 32);
  words[2] = tensor->stride;
}

static void set_matrix(uint32_t *command, uint32_t values, uint32_t indices,
                       const sat_matrix *matrix) {
  if (!matrix) return;
  set_slot(command, values, &matrix->values);
  if (matrix->n != matrix->m) set_slot(command, indices, &matrix->indices);
}

sat_program sat_program_in(uint32_t (*storage)[SAT_DESC_WORDS], uint32_t capacity) {
  sat_program program = {storage, capacity, 0};
  return program;
}

/* A new command at the end of the program, or NULL. */
static uint32_t *append(sat_program *program, uint32_t opcode, uint32_t n, uint32_t m,
                        bool overlap) {
  uint32_t *command;
  if (program->length == program->capacity) return NULL;
  command = program->commands[program->length++];
  memset(command, 0, SAT_DESC_BYTES);
  set(command, SAT_DESC_OPCODE_LSB, opcode);
  set(command, SAT_DESC_N_LSB, n);
  set(command, SAT_DESC_M_LSB, m);
  set(command, SAT_DESC_OVERLAP_LSB, overlap);
  return command;
}

int sat_matmul(sat_program *program, const sat_tensor *a, const sat_matrix *s, const sat_tensor *c,
               const sat_matmul_options *options) {
  static const sat_matmul_options none = {0};
  const sat_matmul_options *o = options ? options : &none;
  uint32_t *command, rows, cols, depth;
  sat_tensor bias;
  if (!a || !s || !c) return SAT_E_ARGUMENT;
  rows = c->rows;
  cols = c->cols;
  depth = s->rows;
  if (!(o->a_trans ? fits(a, SAT_FP16, depth, rows) : fits(a, SAT_FP16, rows, depth)) ||
      !matrix_fits(s, depth, cols) || c->format == SAT_INDEX ||
      !fits(c, c->format, rows, cols) || (o->bias && !fits(o->bias, SAT_FP32, 1, cols)) ||
      (o->residual && !fits(o->residual, SAT_FP16, rows, cols)) ||
      (o->mask && !fits(o->mask, SAT_FP16, rows, cols)) ||
      o->map >= 1u << SAT_FLAG_MATMUL_MAP_BITS) {
    return SAT_E_ARGUMENT;
  }
  command = append(program, SAT_OP_MATMUL, s->n, s->m, o->overlap);
  if (!command) return SAT_E_FULL;
  set(command, SAT_DESC_FLAGS_LSB,
      BIT(o->a_trans, SAT_FLAG_MATMUL_A_TRANS) |
          BIT(c->format == SAT_FP32, SAT_FLAG_MATMUL_OUT_FP32) |
          BIT(o->bias, SAT_FLAG_MATMUL_BIAS) | BIT(o->residual, SAT_FLAG_MATMUL_RESIDUAL) |
          BIT(o->relu, SAT_FLAG_MATMUL_RELU) | BIT(o->mask, SAT_FLAG_MATMUL_MASK) |
          o->map << SAT_FLAG_MATMUL_MAP_LSB);
  set(command, SAT_DESC_ROWS_LSB, rows);
  set(command, SAT_DESC_COLS_LSB, cols);
  set(command, SAT_DESC_DEPTH_LSB, depth);
  set_slot(command, SAT_SLOT_MATMUL_A, a);
  set_matrix(command, SAT_SLOT_MATMUL_S_VALUES, SAT_SLOT_MATMUL_S_INDICES, s);
  set_slot(command, SAT_SLOT_MATMUL_C, c);
  if (o->bias) {
    bias = *o->bias;
    bias.stride = 0; /* a vector has none */
    set_slot(command, SAT_SLOT_MATMUL_BIAS, &bias);
  }
  if (o->residual) set_slot(command, SAT_SLOT_MATMUL_RESIDUAL, o->residual);
  if (o->mask) set_slot(command, SAT_SLOT_MATMUL_MASK, o->mask);
  return SAT_OK;
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

int sat_prune(sat_program *program, const sat_tensor *w, const sat_matrix *ff, const sat_matrix *bp,
              bool overlap) {
  uint32_t *command, n, m;
  if (!w || !(ff || bp) || w->format == SAT_INDEX || !fits(w, w->format, w->rows, w->cols) ||
      !copies_fit(w, ff, bp, &n, &m)) {
    return SAT_E_ARGUMENT;
  }
  command = append(program, SAT_OP_PRUNE, n, m, overlap);
  if (!command) return SAT_E_FULL;
  set(command, SAT_DESC_FLAGS_LSB,
      BIT(ff, SAT_FLAG_PRUNE_FF) | BIT(bp, SAT_FLAG_PRUNE_BP) |
          BIT(w->format == SAT_FP16, SAT_FLAG_PRUNE_SRC_FP16));
  set(command, SAT_DESC_ROWS_LSB, w->rows);
  set(command, SAT_DESC_COLS_LSB, w->cols);
  set_slot(command, SAT_SLOT_PRUNE_W, w);
  set_matrix(command, SAT_SLOT_PRUNE_FF_VALUES, SAT_SLOT_PRUNE_FF_INDICES, ff);
  set_matrix(command, SAT_SLOT_PRUNE_BP_VALUES, SAT_SLOT_PRUNE_BP_INDICES, bp);
  return SAT_OK;
}

int sat_update(sat_program *program, const sat_tensor *w, const sat_tensor *v, const sat_tensor *dw,
               const sat_matrix *ff, const sat_matrix *bp, const sat_update_options *options) {
  uint32_t *command, n, m;
  bool decay;
  if (!w || !options || !fits(w, SAT_FP32, w->rows, w->cols) ||
      !fits(v, SAT_FP32, w->rows, w->cols) || !fits(dw, SAT_FP32, w->rows, w->cols) ||
      !copies_fit(w, ff, bp, &n, &m)) {
    return SAT_E_ARGUMENT;
  }
  command = append(program, SAT_OP_UPDATE, n, m, options->overlap);
  if (!command) return SAT_E_FULL;
  decay = options->decay != 0.0f;
  set(command, SAT_DESC_FLAGS_LSB,
      BIT(ff, SAT_FLAG_UPDATE_FF) | BIT(bp, SAT_FLAG_UPDATE_BP) |
          BIT(decay, SAT_FLAG_UPDATE_DECAY) |
          BIT(options->skip_on_overflow, SAT_FLAG_UPDATE_SKIP_ON_OVERFLOW));
  set(command, SAT_DESC_ROWS_LSB, w->rows);
  set(command, SAT_DESC_COLS_LSB, w->cols);
  set_float(command, SAT_DESC_INV_SCALE_LSB, options->inv_scale);
  if (decay) set_float(command, SAT_DESC_DECAY_LSB, options->decay);
  set_float(command, SAT_DESC_MOMENTUM_LSB, options->momentum);
  set_float(command, SAT_DESC_LR_LSB, options->lr);
  set_slot(command, SAT_SLOT_UPDATE_W, w);
  set_slot(command, SAT_SLOT_UPDATE_V, v);
  set_slot(command, SAT_SLOT_UPDATE_DW, dw);
  set_matrix(command, SAT_SLOT_UPDATE_FF_VALUES, SAT_SLOT_UPDATE_FF_INDICES, ff);
  set_matrix(command, SAT_SLOT_UPDATE_BP_VALUES, SAT_SLOT_UPDATE_BP_INDICES, bp);
  return SAT_OK;
}

int sat_fence(sat_program *program, bool irq) {
  uint32_t *command = append(program, SAT_OP_FENCE, 0, 0, false);
  if (!command) return SAT_E_FULL;
  set(command, SAT_DESC_FLAGS_LSB, BIT(irq, SAT_FLAG_FENCE_IRQ));
  return SAT_OK;
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

int sat_start(const sat_device *device, const sat_program *program, uint64_t address) {
  if (program->length == 0 || address % SAT_DESC_BYTES) return SAT_E_ARGUMENT;
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

/* Until one of `bits` of a register is set, or, if not `set`, until all are clear. */
static int poll(const sat_device *device, uint32_t offset, uint32_t bits, bool wanted) {
  uint32_t value = 0;
  for (unsigned long i = 0; i < SAT_POLLS; ++i) {
    if (get(device, offset, &value)) return SAT_E_IO;
    if (((value & bits) != 0) == wanted) return SAT_OK;
    if (wanted && device->hal.wait && device->hal.wait(device->hal.context)) return SAT_E_TIMEOUT;
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
