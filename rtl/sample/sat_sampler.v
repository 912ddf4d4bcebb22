// SPDX-License-Identifier: Apache-2.0
// sat_sampler: on the way of vectors of 16 FP16 values into SORE, with sample_i: makes of each
// column vector (in_bp_i = 0) an unbiased sample, at most N of each M values with larger
// magnitudes, the others +0; row vectors pass as they are. A group of M has parts of
// 2**size_log2 values, of which each keeps one or two. Vectors wait in a queue while their masks
// are made, 15 cycles long, a vector a cycle. Without sample_i it is a wire, and so is in_ready_o.
// Golden function: sample.
`default_nettype none
`include "sat_assert.vh"

module sat_sampler (
  input  wire         clk,
  input  wire         rst_n,
  // command; all but start_i stable from the cycle after it on
  input  wire         start_i,
  input  wire         sample_i,
  input  wire   [4:0] n_i,
  input  wire   [2:0] m_log2_i,
  input  wire  [31:0] seed_i,
  input  wire  [31:0] step_i,
  input  wire  [31:0] layer_i,
  // vectors
  input  wire         in_valid_i,
  output wire         in_ready_o,
  input  wire         in_bp_i,
  input  wire         in_last_i,
  input  wire         in_band_end_i,  // the last column vector of 16 rows
  input  wire [255:0] in_vector_i,
  output wire         out_valid_o,
  input  wire         out_ready_i,
  output wire         out_bp_o,
  output wire         out_last_o,
  output wire [255:0] out_vector_o
);

  localparam integer LATENCY = 15;  // of sat_sample_masks
  localparam integer DEPTH   = 32;  // of the queues, more than the latency and theirs
  localparam integer MASK_W  = 16 + 16 + 8*15;

  // ---- Parts: of those of a group the first keep two
  wire [1:0] parts_log2 = n_i > 5'd8 ? 2'd3 : n_i > 5'd4 ? 2'd2 : n_i > 5'd2 ? 2'd1 : 2'd0;
  wire [2:0] size_log2  = m_log2_i - {1'b0, parts_log2};
  wire [4:0] twos       = n_i - (5'd1 << parts_log2);
  reg  [7:0] two_q;      // at each pair of elements
  reg  [2:0] size_log2_q;

  always @(posedge clk) size_log2_q <= size_log2;

  genvar k;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_two
      localparam [3:0] FIRST = 2*k;
      wire [3:0] part = (FIRST >> size_log2) & ~(4'hF << parts_log2);
      always @(posedge clk) two_q[k] <= {1'b0, part} < twos;
    end
  endgenerate

  // ---- Random bits
  wire        random_valid;
  wire [63:0] random;
  wire        queue_ready, queue_valid;
  wire        ready = queue_ready && (in_bp_i || random_valid);
  wire        take  = sample_i && in_valid_i && ready;

  sat_random u_random (
    .clk    (clk),
    .rst_n  (rst_n),
    .start_i(start_i),
    .seed_i (seed_i),
    .step_i (step_i),
    .layer_i(layer_i),
    .valid_o(random_valid),
    .next_i (take && !in_bp_i && in_band_end_i),
    .bits_o (random)
  );

  // ---- Masks
  wire         made;
  wire  [15:0] kept, drawn;
  wire [119:0] value;

  sat_valid_delay #(
    .WIDTH (1),
    .CYCLES(LATENCY)
  ) u_made (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (take),
    .out_o(made)
  );

  sat_sample_masks u_sample (
    .clk        (clk),
    .size_log2_i(size_log2_q),
    .two_i      (two_q),
    .random_i   (random),
    .vector_i   (in_vector_i),
    .kept_o     (kept),
    .drawn_o    (drawn),
    .value_o    (value)
  );

  // ---- Vectors and their masks, in order: what waits for masks bounds those on their way
  wire         queue_bp, queue_last, mask_ready, mask_valid;
  wire [255:0] queue_vector;
  wire  [15:0] mask_kept, mask_drawn;
  wire [119:0] mask_value;
  wire         leave = sample_i && queue_valid && mask_valid && out_ready_i;
  wire [$clog2(DEPTH):0] queue_count, mask_count;

  sat_fifo #(
    .WIDTH(258),
    .DEPTH(DEPTH)
  ) u_queue (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (take),
    .in_ready_o (queue_ready),
    .in_data_i  ({in_bp_i, in_last_i, in_vector_i}),
    .out_valid_o(queue_valid),
    .out_ready_i(leave),
    .out_data_o ({queue_bp, queue_last, queue_vector}),
    .count_o    (queue_count)
  );

  sat_fifo #(
    .WIDTH(MASK_W),
    .DEPTH(DEPTH)
  ) u_masks (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (made),
    .in_ready_o (mask_ready),
    .in_data_i  ({kept, drawn, value}),
    .out_valid_o(mask_valid),
    .out_ready_i(leave),
    .out_data_o ({mask_kept, mask_drawn, mask_value}),
    .count_o    (mask_count)
  );

  wire [255:0] sampled;
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_sampled
      wire [15:0] element = queue_vector[16*k +: 16];
      assign sampled[16*k +: 16] = (queue_bp || mask_kept[k]) ? element
          : mask_drawn[k] ? {element[15], mask_value[15*(k/2) +: 15]} : 16'd0;
    end
  endgenerate

  assign in_ready_o   = sample_i ? ready : out_ready_i;
  assign out_valid_o  = sample_i ? queue_valid && mask_valid : in_valid_i;
  assign out_bp_o     = sample_i ? queue_bp : in_bp_i;
  assign out_last_o   = sample_i ? queue_last : in_last_i;
  assign out_vector_o = sample_i ? sampled : in_vector_i;

  wire unused_ok = &{1'b0, queue_count, mask_count, mask_ready};

  `SAT_ASSERT(masks_find_room, rst_n && made, mask_ready)

endmodule

`default_nettype wire
