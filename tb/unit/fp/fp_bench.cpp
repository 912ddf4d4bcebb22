// SPDX-License-Identifier: Apache-2.0
// Drives fp_bench with one record of operands per clock and compares every unit's result.
// Standard input: records of uint32: a, b, acc_in, sum, prod, half, value, wide, acc.
// Prints the first mismatches of each unit and "checked N mismatches M".
#include <cstdint>
#include <cstdio>
#include <vector>

#include "Vfp_bench.h"

struct Record {
    uint32_t a, b, acc_in, sum, prod, half, value, wide, acc;
};

constexpr size_t kAddLatency = SAT_FP32_ADD_LATENCY;
constexpr size_t kMulLatency = SAT_FP32_MUL_LATENCY;
constexpr size_t kHalfLatency = SAT_FP32_TO_FP16_LATENCY;

static size_t mismatches = 0;

static void check(const char *unit, const Record &r, uint32_t expected, uint32_t actual) {
    if (expected == actual) return;
    if (mismatches++ < 20)
        printf("%s a=%08x b=%08x expected=%08x actual=%08x\n", unit, r.a, r.b, expected, actual);
}

int main(int argc, char **argv) {
    Verilated::commandArgs(argc, argv);  // plusargs choose a mutant
    std::vector<Record> records;
    Record chunk[4096];
    while (size_t got = fread(chunk, sizeof(Record), 4096, stdin))
        records.insert(records.end(), chunk, chunk + got);

    Vfp_bench dut;
    for (size_t n = 0; n < records.size() + kAddLatency; n++) {
        const Record &r = records[n < records.size() ? n : 0];
        dut.a_i = r.a;
        dut.b_i = r.b;
        dut.acc_i = r.acc_in;
        dut.clk = 0;
        dut.eval();
        if (n < records.size()) {
            check("fp16_to_fp32", r, r.value, dut.value_o);
            check("fp16_widen", r, r.wide, dut.wide_o);
            check("acc_to_fp32", r, r.acc, dut.acc_o);
        }
        // Before edge n, the outputs belong to the operands of `latency` edges ago.
        if (n >= kAddLatency)
            check("fp32_add", records[n - kAddLatency], records[n - kAddLatency].sum, dut.sum_o);
        if (n >= kMulLatency && n - kMulLatency < records.size())
            check("fp32_mul", records[n - kMulLatency], records[n - kMulLatency].prod, dut.prod_o);
        if (n >= kHalfLatency && n - kHalfLatency < records.size())
            check("fp32_to_fp16", records[n - kHalfLatency], records[n - kHalfLatency].half,
                  dut.half_o);
        dut.clk = 1;
        dut.eval();
    }
    printf("checked %zu mismatches %zu\n", records.size(), mismatches);
    return mismatches != 0 || records.empty();
}
