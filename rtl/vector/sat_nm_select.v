// SPDX-License-Identifier: Apache-2.0
// sat_nm_select: N:M selection: keeps, in each group of M = 2**m_log2_i neighbours, the n_i largest
// keys; among equal keys the lower index wins. Every pair of keys is compared once; an element is
// kept when fewer than n_i elements of its group rank before it. Combinational, or (STAGES = 2)
// with a register after the comparisons and one among the counts, which move while enable_i is
// high. Golden function: nm_select. Paper: SORE.
`default_nettype none

module sat_nm_select #(
  parameter integer M_MAX  = 16,  // elements: 2, 4, 8 or 16
  parameter integer KEY_W  = 15,  // bits of a key (unsigned)
  parameter integer STAGES = 0    // registers on the way: 0 or 2
) (
  input  wire                   clk,
  input  wire                   enable_i,
  input  wire [M_MAX*KEY_W-1:0] keys_i,
  input  wire             [2:0] m_log2_i,  // 1..log2(M_MAX)
  input  wire             [4:0] n_i,       // 1..M
  output wire       [M_MAX-1:0] keep_o
);

  generate
    if (M_MAX != 2 && M_MAX != 4 && M_MAX != 8 && M_MAX != 16) begin : gen_check
      sat_error_m_max_must_be_2_4_8_or_16 u_error ();
    end
  endgenerate

  function automatic [3:0] count_ones(input reg [M_MAX/2-1:0] bits);
    integer b;
    begin
      count_ones = 4'd0;
      for (b = 0; b < M_MAX/2; b = b + 1) count_ones = count_ones + {3'd0, bits[b]};
    end
  endfunction

  // ahead[i*M_MAX + j]: j is in i's group and ranks before i.
  wire [M_MAX*M_MAX-1:0] ahead;

  genvar i, j;
  generate
    for (i = 0; i < M_MAX; i = i + 1) begin : gen_element
      for (j = i; j < M_MAX; j = j + 1) begin : gen_pair
        if (i == j) begin : gen_self
          assign ahead[i*M_MAX + j] = 1'b0;
        end else begin : gen_other
          // i and j share a group when their indices differ only below bit m_log2_i.
          localparam integer SPREAD = $clog2((i ^ j) + 1);
          wire together = m_log2_i >= SPREAD[2:0];
          wire i_first  = keys_i[i*KEY_W +: KEY_W] >= keys_i[j*KEY_W +: KEY_W];
          wire first;
          if (STAGES == 0) begin : gen_wire
            assign first = i_first;
          end else begin : gen_register
            reg first_q;
            always @(posedge clk) if (enable_i) first_q <= i_first;
            assign first = first_q;
          end
          assign ahead[i*M_MAX + j] = together && !first;
          assign ahead[j*M_MAX + i] = together && first;
        end
      end

      wire [3:0] low  = count_ones(ahead[i*M_MAX +: M_MAX/2]);
      wire [3:0] high = count_ones(ahead[i*M_MAX + M_MAX/2 +: M_MAX/2]);
      if (STAGES == 0) begin : gen_wire
        assign keep_o[i] = {1'b0, low} + {1'b0, high} < n_i;
      end else begin : gen_register
        reg [3:0] low_q, high_q;
        always @(posedge clk) if (enable_i) {low_q, high_q} <= {low, high};
        assign keep_o[i] = {1'b0, low_q} + {1'b0, high_q} < n_i;
      end
    end
  endgenerate

  wire unused_ok = &{1'b0, clk, enable_i};

endmodule

`default_nettype wire
