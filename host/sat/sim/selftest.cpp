// SPDX-License-Identifier: Apache-2.0
// selftest: a core in simulation runs a few commands through the C driver (sw/sat.h). What they
// compute is small integers, which FP16 and FP32 hold exactly, so plain arithmetic tells the result.
// Prints one line; exits with 1 if anything is wrong. Built by `fusesoc ... run --target=sim`.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "sat.h"

class Board;
extern "C" {
Board* sat_sim_create(uint64_t base, uint64_t size);
void sat_sim_destroy(Board* board);
uint8_t* sat_sim_memory(Board* board);
const char* sat_sim_fault(Board* board);
int64_t sat_sim_run_until_irq(Board* board, uint64_t max_cycles);
int sat_sim_write_register(Board* board, uint32_t addr, uint32_t data);
int sat_sim_read_register(Board* board, uint32_t addr, uint32_t* data);
}

namespace {

constexpr uint64_t BASE = 0x10000, SIZE = 0x40000;
constexpr uint32_t ROWS = 5, COLS = 9, DEPTH = 20, N = 2, M = 8;

Board* board_of(void* context) { return static_cast<Board*>(context); }

sat_hal hal(Board* board) {
  sat_hal made;
  made.context = board;
  made.read_register = [](void* context, uint32_t offset, uint32_t* value) {
    return sat_sim_read_register(board_of(context), offset, value);
  };
  made.write_register = [](void* context, uint32_t offset, uint32_t value) {
    return sat_sim_write_register(board_of(context), offset, value);
  };
  made.read_memory = [](void* context, uint64_t address, void* data, size_t size) {
    std::memcpy(data, sat_sim_memory(board_of(context)) + (address - BASE), size);
    return 0;
  };
  made.write_memory = [](void* context, uint64_t address, const void* data, size_t size) {
    std::memcpy(sat_sim_memory(board_of(context)) + (address - BASE), data, size);
    return 0;
  };
  made.wait = [](void* context) {
    return sat_sim_run_until_irq(board_of(context), 1000000) < 0 ? 1 : 0;
  };
  return made;
}

int failures = 0;

void expect(bool condition, const char* what) {
  if (condition) return;
  ++failures;
  std::printf("sat selftest: %s is wrong\n", what);
}

int x_at(uint32_t i, uint32_t k) { return static_cast<int>((7 * i + 3 * k) % 11) - 5; }
int w_at(uint32_t k, uint32_t j) { return static_cast<int>((5 * k + 13 * j) % 17) - 8; }
int size_of(int value) { return value < 0 ? -value : value; }

// Whether pruning keeps w[k][j]: fewer than N of its group are larger, or as large and before it.
bool kept(uint32_t k, uint32_t j) {
  uint32_t ahead = 0;
  for (uint32_t other = k / M * M; other < (k / M + 1) * M && other < DEPTH; ++other) {
    const int mine = size_of(w_at(k, j)), theirs = size_of(w_at(other, j));
    ahead += theirs > mine || (theirs == mine && other < k);
  }
  return ahead < N;
}

void check_product(const sat_device& device, const sat_tensor& y, bool sparse, const char* what) {
  std::vector<float> got(ROWS * COLS);
  expect(sat_read(&device, &y, got.data(), got.size() * sizeof(float)) == SAT_OK, "reading");
  bool good = true;
  for (uint32_t i = 0; i < ROWS; ++i) {
    for (uint32_t j = 0; j < COLS; ++j) {
      int sum = 0;
      for (uint32_t k = 0; k < DEPTH; ++k) {
        if (!sparse || kept(k, j)) sum += x_at(i, k) * w_at(k, j);
      }
      good = good && got[i * COLS + j] == static_cast<float>(sum);
    }
  }
  expect(good, what);
}

void test(const sat_device& device) {
  sat_arena arena = {BASE, BASE + SIZE};
  sat_tensor program_space, x, w, dense, sparse;
  sat_matrix ff;
  expect(sat_tensor_new(&arena, &program_space, 2, 512, SAT_FP16) == SAT_OK &&
             sat_tensor_new(&arena, &x, ROWS, DEPTH, SAT_FP16) == SAT_OK &&
             sat_tensor_new(&arena, &w, DEPTH, COLS, SAT_FP16) == SAT_OK &&
             sat_tensor_new(&arena, &dense, ROWS, COLS, SAT_FP32) == SAT_OK &&
             sat_tensor_new(&arena, &sparse, ROWS, COLS, SAT_FP32) == SAT_OK &&
             sat_matrix_new(&arena, &ff, DEPTH, COLS, N, M) == SAT_OK, "allocating");
  std::vector<uint16_t> values;
  for (uint32_t i = 0; i < ROWS; ++i) {
    for (uint32_t k = 0; k < DEPTH; ++k) values.push_back(sat_half(x_at(i, k)));
  }
  expect(sat_write(&device, &x, values.data(), values.size() * 2) == SAT_OK, "writing");
  values.clear();
  for (uint32_t k = 0; k < DEPTH; ++k) {
    for (uint32_t j = 0; j < COLS; ++j) values.push_back(sat_half(w_at(k, j)));
  }
  expect(sat_write(&device, &w, values.data(), values.size() * 2) == SAT_OK, "writing");

  uint32_t storage[4][SAT_DESC_WORDS];
  sat_program program = sat_program_in(storage, 4);
  const sat_matrix all = sat_dense(&w);
  sat_result result;
  expect(sat_prune(&program, &w, &ff, nullptr, false) == SAT_OK, "PRUNE");
  expect(sat_matmul(&program, &x, &all, &dense, nullptr) == SAT_OK, "MATMUL");
  expect(sat_matmul(&program, &x, &ff, &sparse, nullptr) == SAT_OK, "MATMUL");
  expect(sat_run(&device, &program, program_space.address, &result) == SAT_OK, "the program");
  check_product(device, dense, false, "the dense product");
  check_product(device, sparse, true, "the sparse product");
  const unsigned long long cycles = result.cycles;

  program.length = 1;
  storage[0][0] = 0xFF;  // no such command
  expect(sat_run(&device, &program, program_space.address, &result) == SAT_E_CORE &&
             result.error == SAT_ERR_OPCODE && result.error_address == program_space.address,
         "the report of an error");
  std::printf("sat selftest: %ux%u array, %llu cycles, %s\n", device.rows, device.cols, cycles,
              failures ? "FAIL" : "PASS");
}

}  // namespace

int main() {
  Board* board = sat_sim_create(BASE, SIZE);
  sat_device device;
  const sat_hal access = hal(board);
  const int status = sat_open(&device, &access);
  expect(status == SAT_OK, "the core's identity");
  if (status == SAT_OK) test(device);
  expect(*sat_sim_fault(board) == 0, sat_sim_fault(board));
  sat_sim_destroy(board);
  return failures ? 1 : 0;
}
