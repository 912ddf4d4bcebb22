// SPDX-License-Identifier: Apache-2.0
// sat_sample_pick: draws from each part of a vector one element, or two, with probabilities
// proportional to the weights: where the running sum passes random * total, and with two, where
// twice the running sum passes that and that + total. Each gets the total, or half of it, as its
// magnitude. Latency 3, a vector a cycle; random bits come a cycle before their vector's sums. What
// belongs to a part stands at each of its pairs of elements (sat_sample_weights).
`default_nettype none

module sat_sample_pick (
  input  wire         clk,
  // command, stable
  input  wire   [2:0] size_log2_i,
  // random bits, 16 for each quad of elements, and a cycle later sums of the weights
  input  wire  [63:0] random_i,
  input  wire [287:0] above_i,
  input  wire [143:0] total_i,
  input  wire  [39:0] exponent_i,
  input  wire   [7:0] two_i,
  // elements drawn; of each part the value, and whether there was nothing to draw from
  output wire  [15:0] drawn_o,
  output wire [119:0] value_o,  // FP16 without sign
  output wire   [7:0] empty_o
);

  localparam [7:0] BIAS = 8'd127 + 8'd17 - 8'd27;  // FP32 of bit 17 of a total at exponent 0

  // ---- Products and normalised totals
  reg [8*16-1:0] random_q;
  reg [8*18-1:0] threshold_q, total_q;
  reg [8*32-1:0] single_q;
  reg      [7:0] two_q;
  reg    [287:0] above_q;
  genvar k;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_part
      wire [17:0] total   = total_i[18*k +: 18];
      wire [33:0] product = {18'd0, random_q[16*k +: 16]} * {16'd0, total};
      wire  [4:0] zeros;
      wire [17:0] left    = total << zeros;
      wire  [7:0] power   = BIAS + {3'd0, exponent_i[5*k +: 5]} - {3'd0, zeros}
                          - {7'd0, two_i[k]};
      wire        unused_ok = &{1'b0, product[15:0], left[17]};

      sat_fp_lzc #(
        .NIBBLES(5)
      ) u_lzc (
        .bits_i ({total, 2'b00}),
        .zeros_o(zeros)
      );

      always @(posedge clk) begin
        random_q[16*k +: 16]    <= size_log2_i == 3'd4 ? random_i[15:0]
                                 : size_log2_i == 3'd3 ? random_i[16*(k/4*2) +: 16]
                                                       : random_i[16*(k/2) +: 16];
        threshold_q[18*k +: 18] <= product[33:16];
        total_q[18*k +: 18]     <= total;
        single_q[32*k +: 32]    <= {1'b0, power, left[16:0], 6'd0};
        two_q[k]                <= two_i[k];
      end
    end
  endgenerate
  always @(posedge clk) above_q <= above_i;

  // ---- Thresholds
  reg [8*18-1:0] first_q;
  reg [8*19-1:0] second_q;
  reg [16*19-1:0] scaled_q;
  reg      [7:0] both_q, nothing_q, empty_q;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_threshold
      wire [15:0] half;

      always @(posedge clk) begin
        first_q[18*k +: 18]  <= threshold_q[18*k +: 18];
        second_q[19*k +: 19] <= {1'b0, threshold_q[18*k +: 18]} + {1'b0, total_q[18*k +: 18]};
        both_q[k]            <= two_q[k];
        nothing_q[k]         <= total_q[18*k +: 18] == 18'd0;
      end

      sat_fp32_to_fp16 u_value (
        .clk    (clk),
        .value_i(single_q[32*k +: 32]),
        .half_o (half)
      );

      sat_delay #(
        .WIDTH (15),
        .CYCLES(1)
      ) u_delay (
        .clk  (clk),
        .in_i (half[14:0]),
        .out_o(value_o[15*k +: 15])
      );

      wire unused_ok = &{1'b0, half[15]};
    end
    for (k = 0; k < 16; k = k + 1) begin : gen_scaled
      always @(posedge clk)
        scaled_q[19*k +: 19] <= two_q[k/2] ? {above_q[18*k +: 18], 1'b0}
                                           : {1'b0, above_q[18*k +: 18]};
    end
  endgenerate

  // ---- Where the sum passes them
  reg [15:0] past_first_q, past_second_q;
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_element
      localparam integer BEFORE = k == 0 ? 0 : k - 1;
      localparam integer SPREAD = $clog2((k ^ BEFORE) + 1);  // k opens a part of fewer bits
      wire joined = k != 0 && size_log2_i >= SPREAD[2:0];

      always @(posedge clk) begin
        past_first_q[k]  <= scaled_q[19*k +: 19] > {1'b0, first_q[18*(k/2) +: 18]};
        past_second_q[k] <= both_q[k/2] && scaled_q[19*k +: 19] > second_q[19*(k/2) +: 19];
      end
      assign drawn_o[k] = (past_first_q[k] && !(joined && past_first_q[BEFORE]))
                       || (past_second_q[k] && !(joined && past_second_q[BEFORE]));
    end
  endgenerate
  always @(posedge clk) empty_q <= nothing_q;

  assign empty_o = empty_q;

endmodule

`default_nettype wire
