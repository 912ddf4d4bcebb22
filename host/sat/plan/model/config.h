// SPDX-License-Identifier: Apache-2.0
// What the model is told: the parameters of sat_top, the memory, and commands. The structures are
// those of __init__.py, field by field, all 64 bits wide.

#pragma once

#include "parts.h"

namespace sat {

struct Config {
  Int rows, cols, t, a_depth, s_depth, chunk_k, cache_lines, data_w, rd_outstanding;
  Int read_latency, write_latency;  // of the memory, in cycles

  Int lanes() const { return data_w / 16; }  // FP16 values of a beat
  Int beat_bytes() const { return data_w / 8; }
  Int beats_of(Int values) const { return (values + lanes() - 1) >> log2_of(lanes()); }  // FP16
};

constexpr int SLOTS = 8;

struct Slot {
  Int addr, stride, end;  // end: behind the tensor's last byte; all 0 if unused
};

// Opcodes and flags are those of docs/reference/commands.md, decoded. Of a MATMUL, `rows`, `depth`
// and all from `group_n` on are the plan's (sat.plan.Tiling), sizes of one segment. A convolution
// over an upsampled map has an entry for each phase, one behind the other; `more` counts those that
// follow, and windows, S and rows of C are the phase's.
struct Command {
  Int opcode, overlap, check, skip;  // check: cycles of sat_cmd_check; skip: UPDATE does nothing
  Int a_trans, out_fp32, bias, residual, mask, conv, sums;      // MATMUL
  Int src_fp16, ff, bp, sample, decay, second, backward, n, m;  // vector engine
  Int rows, cols, depth;
  Int map_h, map_w, out_h, out_w, kernel_h, kernel_w, step_log2, dilation_log2,
      upsample_log2, pad_top, pad_left;
  Int group_n, group_m, dense, t1_log2, t2_log2, folded, period, kept, k_segments, row_tiles,
      col_tiles, a_resident, s_resident;
  Int more, split, blank;
  Int spacing, first_y, first_x, full_kernel_w, position_rows;  // positions of S that take part
  Int spread, origin, full_out_w, line_w, lines, image_hop;       // rows of C
  Slot slots[SLOTS];
};

// sat_pixel_addr: number of the pixel that a window sees at a kernel position, -1 if it is outside.
inline Int pixel_at(const Command& c, Int image, Int oy, Int ox, Int ky, Int kx) {
  const Int y = (oy << c.step_log2) + (ky << c.dilation_log2) - c.pad_top;
  const Int x = (ox << c.step_log2) + (kx << c.dilation_log2) - c.pad_left;
  const Int between = (Int{1} << c.upsample_log2) - 1;
  if (y < 0 || x < 0 || (y & between) || (x & between)) return -1;
  const Int row = y >> c.upsample_log2, column = x >> c.upsample_log2;
  if (row >= c.map_h || column >= c.map_w) return -1;
  return (image * c.map_h + row) * c.map_w + column;
}

enum Opcode { MATMUL = 1, PRUNE, UPDATE, FENCE, AFFINE, STATS, POOL };

// When a command is issued, the first cycle after it, and the bytes that it moves, its descriptor's
// included.
struct Span {
  Int start, end, bytes_read, bytes_written;
};

// As the registers of docs/reference/registers.md count.
struct Counters {
  Int cycles, array_busy, array_slots, vector_busy, rdma_busy, wdma_busy, stall_a, stall_s,
      stall_drain, bytes_read, bytes_written;
};

}  // namespace sat
