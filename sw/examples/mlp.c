/* SPDX-License-Identifier: Apache-2.0 */
/* Trains a multi-layer perceptron with BDWP on a core: the C twin of host/sat/nn/mlp.py.
 *
 *   mlp input output [uio registers memory base size | xdma prefix base size]
 *
 * Without a device it runs the RTL in simulation (built with -DSAT_WITH_SIM, linked with
 * libsat_sim.so). One step is two programs: FF; then, when the host has made the gradient of the
 * logits, BP of all layers, a FENCE, and WU and UPDATE layer by layer, each UPDATE beside the WU of
 * the next layer. sw/tests/test_mlp.py writes the input, and compares the output with the golden
 * model bit by bit.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sat.h"
#include "sat_linux.h"
#ifdef SAT_WITH_SIM
#include "sat_sim.h"
#endif

#define MAX_LAYERS 8
#define MAX_COMMANDS 64
#define LARGEST_SCALE 65536.0
#define PATIENCE 200 /* good steps after which the loss scale doubles */

typedef struct {
  sat_tensor w, v, dw, bias, bias_v, bias_dw, out, d_out;
  sat_matrix ff, bp; /* bp.rows is 0 in the first layer, which sends no gradient back */
} layer;

typedef struct {
  uint32_t batch, layer_count, n, m, steps, sizes[MAX_LAYERS + 1];
  float lr, momentum, scale;
} settings;

typedef struct {
  sat_device device;
  sat_arena arena;
  uint64_t program_address;
  settings set;
  sat_tensor x, ones;
  layer layers[MAX_LAYERS];
  double scale;
  uint32_t good_steps;
} network;

static void fail(const char *what, int status) {
  fprintf(stderr, "mlp: %s (%d)\n", what, status);
  exit(1);
}

static void check(int status, const char *what) {
  if (status) fail(what, status);
}

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (!memory) fail("out of memory", 0);
  return memory;
}

static size_t tensor_bytes(const sat_tensor *tensor) {
  return (size_t)tensor->rows * sat_row_bytes(tensor);
}

/* A tensor and its first contents: from a file, or zero without one. */
static void make(network *net, sat_tensor *tensor, uint32_t rows, uint32_t cols, sat_format format,
                 FILE *contents) {
  void *data;
  check(sat_tensor_new(&net->arena, tensor, rows, cols, format), "tensor");
  data = allocate(tensor_bytes(tensor));
  if (contents && fread(data, tensor_bytes(tensor), 1, contents) != 1) fail("input ends early", 0);
  check(sat_write(&net->device, tensor, data, tensor_bytes(tensor)), "write");
  free(data);
}

static void run(network *net, const sat_program *program, sat_result *result) {
  int status = sat_run(&net->device, program, net->program_address, result);
  if (status == SAT_E_CORE) {
    fprintf(stderr, "mlp: error %s in command %u, address 0x%llx\n", sat_error_name(result->error),
            (unsigned)result->error_index, (unsigned long long)result->error_address);
  }
  check(status, "program");
}

static void build(network *net, FILE *input) {
  const settings *set = &net->set;
  uint32_t storage[MAX_COMMANDS][SAT_DESC_WORDS];
  sat_program program = sat_program_in(storage, MAX_COMMANDS);
  sat_result result;
  uint16_t *one;
  net->program_address = (net->arena.next + SAT_DESC_BYTES - 1) / SAT_DESC_BYTES * SAT_DESC_BYTES;
  net->arena.next = net->program_address + MAX_COMMANDS * SAT_DESC_BYTES;
  net->scale = set->scale;
  make(net, &net->x, set->batch, set->sizes[0], SAT_FP16, NULL);
  make(net, &net->ones, 1, set->batch, SAT_FP16, NULL);
  one = allocate(tensor_bytes(&net->ones));
  for (uint32_t i = 0; i < set->batch; ++i) one[i] = sat_half(1.0);
  check(sat_write(&net->device, &net->ones, one, tensor_bytes(&net->ones)), "write");
  free(one);
  for (uint32_t i = 0; i < set->layer_count; ++i) {
    layer *l = &net->layers[i];
    const uint32_t inputs = set->sizes[i], outputs = set->sizes[i + 1];
    const bool last = i + 1 == set->layer_count; /* stays dense: few outputs */
    const uint32_t n = last ? 2 : set->n, m = last ? 2 : set->m;
    make(net, &l->w, inputs, outputs, SAT_FP32, input);
    make(net, &l->v, inputs, outputs, SAT_FP32, NULL);
    make(net, &l->dw, inputs, outputs, SAT_FP32, NULL);
    make(net, &l->bias, 1, outputs, SAT_FP32, NULL);
    make(net, &l->bias_v, 1, outputs, SAT_FP32, NULL);
    make(net, &l->bias_dw, 1, outputs, SAT_FP32, NULL);
    make(net, &l->out, set->batch, outputs, last ? SAT_FP32 : SAT_FP16, NULL);
    make(net, &l->d_out, set->batch, outputs, SAT_FP16, NULL);
    check(sat_matrix_new(&net->arena, &l->ff, inputs, outputs, n, m), "matrix");
    if (i) check(sat_matrix_new(&net->arena, &l->bp, outputs, inputs, n, m), "matrix");
    check(sat_prune(&program, &l->w, &l->ff, i ? &l->bp : NULL, false), "PRUNE");
  }
  run(net, &program, &result);
}

static void forward(network *net, sat_result *result) {
  uint32_t storage[MAX_COMMANDS][SAT_DESC_WORDS];
  sat_program program = sat_program_in(storage, MAX_COMMANDS);
  const sat_tensor *source = &net->x;
  for (uint32_t i = 0; i < net->set.layer_count; ++i) {
    const layer *l = &net->layers[i];
    sat_matmul_options options = {0};
    options.bias = &l->bias;
    options.relu = l->out.format == SAT_FP16;
    check(sat_matmul(&program, source, &l->ff, &l->out, &options), "FF");
    source = &l->out;
  }
  run(net, &program, result);
}

/* Writes the gradient of the mean cross-entropy by the logits, times the loss scale, as FP16, if all
 * of it is finite. Returns the loss. */
static double logit_gradient(network *net, const uint32_t *labels, bool *finite) {
  const layer *last = &net->layers[net->set.layer_count - 1];
  const uint32_t classes = last->out.cols, batch = net->set.batch;
  float *logits = allocate(tensor_bytes(&last->out));
  uint16_t *gradient = allocate(tensor_bytes(&last->d_out));
  double *e = allocate(classes * sizeof *e), loss = 0.0;
  check(sat_read(&net->device, &last->out, logits, tensor_bytes(&last->out)), "read");
  *finite = true;
  for (uint32_t i = 0; i < batch; ++i) {
    const float *row = logits + (size_t)i * classes;
    float largest = row[0];
    double sum = 0.0;
    for (uint32_t j = 1; j < classes; ++j) largest = row[j] > largest ? row[j] : largest;
    for (uint32_t j = 0; j < classes; ++j) sum += e[j] = exp((double)row[j] - largest);
    loss -= log(fmax(e[labels[i]] / sum, 1e-30)) / batch;
    for (uint32_t j = 0; j < classes; ++j) {
      const double d = (e[j] / sum - (j == labels[i])) * (net->scale / batch);
      const uint16_t half = sat_half(d);
      gradient[(size_t)i * classes + j] = half;
      if ((half & 0x7C00) == 0x7C00) *finite = false;
    }
  }
  if (*finite) {
    check(sat_write(&net->device, &last->d_out, gradient, tensor_bytes(&last->d_out)), "write");
  }
  free(logits);
  free(gradient);
  free(e);
  return loss;
}

static void backward(network *net, sat_result *result) {
  uint32_t storage[MAX_COMMANDS][SAT_DESC_WORDS];
  sat_program program = sat_program_in(storage, MAX_COMMANDS);
  sat_update_options update = {0};
  update.lr = net->set.lr;
  update.momentum = net->set.momentum;
  update.inv_scale = (float)(1.0 / net->scale);
  update.skip_on_overflow = true;
  for (uint32_t i = net->set.layer_count - 1; i > 0; --i) {
    const layer *l = &net->layers[i], *below = &net->layers[i - 1];
    sat_matmul_options options = {0};
    options.mask = &below->out;
    check(sat_matmul(&program, &l->d_out, &l->bp, &below->d_out, &options), "BP");
  }
  check(sat_fence(&program, false), "FENCE");
  for (uint32_t i = net->set.layer_count; i-- > 0;) {
    const layer *l = &net->layers[i];
    const sat_tensor *source = i ? &net->layers[i - 1].out : &net->x;
    const sat_matrix d_out = sat_dense(&l->d_out);
    sat_matmul_options options = {0};
    options.overlap = true; /* beside the UPDATE of the layer before */
    check(sat_matmul(&program, &net->ones, &d_out, &l->bias_dw, &options), "WU");
    options.a_trans = true;
    check(sat_matmul(&program, source, &d_out, &l->dw, &options), "WU");
    check(sat_update(&program, &l->bias, &l->bias_v, &l->bias_dw, NULL, NULL, &update), "UPDATE");
    check(sat_update(&program, &l->w, &l->v, &l->dw, &l->ff, i ? &l->bp : NULL, &update),
          "UPDATE");
  }
  run(net, &program, result);
}

/* True if BP wrote no NaN or infinity: an overflow of its program is then that of an UPDATE. */
static bool gradients_are_finite(network *net) {
  bool finite = true;
  for (uint32_t i = 0; i < net->set.layer_count; ++i) {
    const sat_tensor *d_out = &net->layers[i].d_out;
    const size_t size = tensor_bytes(d_out);
    uint16_t *halves = allocate(size);
    check(sat_read(&net->device, d_out, halves, size), "read");
    for (size_t j = 0; j < size / sizeof *halves; ++j) {
      if ((halves[j] & 0x7C00) == 0x7C00) finite = false;
    }
    free(halves);
  }
  return finite;
}

/* Where a step overflows at a scale of 1, gradients are not to blame: training cannot go on. */
static void adapt_scale(network *net, bool overflow) {
  if (overflow) {
    if (net->scale <= 1.0) fail("diverged: a step overflowed at a loss scale of 1", 0);
    net->scale = fmax(1.0, net->scale / 2);
    net->good_steps = 0;
  } else if (++net->good_steps >= PATIENCE) {
    net->scale = fmin(LARGEST_SCALE, net->scale * 2);
    net->good_steps = 0;
  }
}

static void train_step(network *net, const uint32_t *labels) {
  sat_result ff, rest = {0};
  bool finite, overflow;
  double loss;
  forward(net, &ff);
  loss = logit_gradient(net, labels, &finite);
  overflow = ff.overflow || !finite;
  if (!overflow) {
    backward(net, &rest);
    overflow = rest.overflow;
    if (overflow && gradients_are_finite(net)) fail("diverged: the update overflowed", 0);
  }
  adapt_scale(net, overflow);
  printf("loss %.17g skipped %d cycles %llu\n", loss, overflow,
         (unsigned long long)(ff.cycles + rest.cycles));
}

static void dump(network *net, const sat_tensor *tensor, FILE *output) {
  const size_t size = tensor_bytes(tensor);
  void *data = allocate(size);
  check(sat_read(&net->device, tensor, data, size), "read");
  if (fwrite(data, 1, size, output) != size) fail("output", 0);
  free(data);
}

static void dump_matrix(network *net, const sat_matrix *matrix, FILE *output) {
  if (matrix->rows == 0) return;
  dump(net, &matrix->values, output);
  if (matrix->n != matrix->m) dump(net, &matrix->indices, output);
}

static void dump_all(network *net, FILE *output) {
  for (uint32_t i = 0; i < net->set.layer_count; ++i) {
    const layer *l = &net->layers[i];
    const sat_tensor *tensors[] = {&l->w,      &l->v,       &l->dw,  &l->bias,
                                   &l->bias_v, &l->bias_dw, &l->out, &l->d_out};
    for (size_t j = 0; j < sizeof tensors / sizeof *tensors; ++j) dump(net, tensors[j], output);
    dump_matrix(net, &l->ff, output);
    dump_matrix(net, &l->bp, output);
  }
}

static void train(network *net, const sat_hal *hal, FILE *input, FILE *output) {
  uint32_t *labels;
  void *x;
  check(sat_open(&net->device, hal), "no core here");
  if (fread(&net->set, sizeof net->set, 1, input) != 1 || net->set.layer_count < 1 ||
      net->set.layer_count > MAX_LAYERS) {
    fail("bad input", 0);
  }
  build(net, input);
  labels = allocate(net->set.batch * sizeof *labels);
  x = allocate(tensor_bytes(&net->x));
  for (uint32_t i = 0; i < net->set.steps; ++i) {
    if (fread(x, tensor_bytes(&net->x), 1, input) != 1 ||
        fread(labels, net->set.batch * sizeof *labels, 1, input) != 1) {
      fail("input ends early", 0);
    }
    check(sat_write(&net->device, &net->x, x, tensor_bytes(&net->x)), "write");
    train_step(net, labels);
  }
  dump_all(net, output);
  free(labels);
  free(x);
}

static void set_memory(network *net, const char *base, const char *size) {
  net->arena.next = strtoull(base, NULL, 0);
  net->arena.end = net->arena.next + strtoull(size, NULL, 0);
}

int main(int argc, char **argv) {
  static network net;
  sat_linux host;
  sat_hal hal;
  FILE *input = argc > 2 ? fopen(argv[1], "rb") : NULL;
  FILE *output = argc > 2 ? fopen(argv[2], "wb") : NULL;
  if (!input || !output) fail("usage: mlp input output [uio ...|xdma ...]", 0);
  if (argc == 8 && !strcmp(argv[3], "uio")) {
    set_memory(&net, argv[6], argv[7]);
    check(sat_uio_open(&host, argv[4], argv[5], 0, net.arena.next, net.arena.end - net.arena.next),
          "device");
    hal = sat_linux_hal(&host);
  } else if (argc == 7 && !strcmp(argv[3], "xdma")) {
    set_memory(&net, argv[5], argv[6]);
    check(sat_xdma_open(&host, argv[4]), "device");
    hal = sat_linux_hal(&host);
  } else {
#ifdef SAT_WITH_SIM
    sat_sim sim;
    set_memory(&net, "0x100000", "0x100000");
    check(sat_sim_open(&sim, net.arena.next, net.arena.end - net.arena.next), "simulation");
    hal = sat_sim_hal(&sim);
    train(&net, &hal, input, output);
    if (*sat_sim_protocol_fault(&sim)) fail(sat_sim_protocol_fault(&sim), 0);
    sat_sim_close(&sim);
    return fclose(output) || fclose(input);
#else
    fail("no device given", 0);
#endif
  }
  train(&net, &hal, input, output);
  sat_linux_close(&host);
  return fclose(output) || fclose(input);
}
