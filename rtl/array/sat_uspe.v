// SPDX-License-Identifier: Apache-2.0
// sat_uspe: unified sparse processing element. One FP16 multiply and FP32 add per cycle for T
// outputs. Operand A arrives from the west and is written into a 2 x 16 entry RAM (one half fills
// while the other is read). A weight arrives from the north with the RAM address of its A value:
// that read is the whole sparse decoder. Both streams and their flags leave one cycle later, east
// and south. After the slot flagged last, the T results enter the drain buffer; on token_i they
// leave southward in order while results from the north pass by, and the token goes on T+1 cycles
// later, so that a column delivers its results in row order without gaps. The buffer must have
// begun to empty before the next last slot: at least (rows + 1) * T cycles between last slots.
// Reset clears the weight's valid bit and the drain control, so that nothing is in flight after it.
// Golden function: sat_golden.reference.pe_mac_internal. Paper: USPE.
`default_nettype none
`include "sat_buses.vh"

module sat_uspe #(
  parameter integer T = 8  // outputs interleaved: 4, 8 or 16
) (
  input  wire                       clk,
  input  wire                       rst_n,
  // operand A, west to east
  input  wire [`SAT_WEST_BITS-1:0]  west_i,
  output wire [`SAT_WEST_BITS-1:0]  east_o,
  // operand S, north to south
  input  wire [`SAT_NORTH_BITS-1:0] north_i,
  output wire [`SAT_NORTH_BITS-1:0] south_o,
  // results, north to south
  input  wire [`SAT_DRAIN_BITS-1:0] drain_i,
  output wire [`SAT_DRAIN_BITS-1:0] drain_o,
  input  wire                       token_i,
  output wire                       token_o,
  output wire                       captured_o  // the last of T results has just been buffered
);

  reg [`SAT_WEST_BITS-1:0]  east_q;
  reg [`SAT_NORTH_BITS-1:0] south_q;
  always @(posedge clk) begin
    east_q  <= west_i;
    south_q <= north_i;
    if (!rst_n) south_q[`SAT_NORTH_VALID] <= 1'b0;
  end
  assign east_o  = east_q;
  assign south_o = south_q;

  wire [`SAT_WIDE_BITS-1:0] a_value;
  sat_lutram #(.WIDTH(`SAT_WIDE_BITS), .DEPTH(32)) u_group (
    .clk    (clk),
    .we_i   (east_q[`SAT_WEST_WRITE]),
    .waddr_i(east_q[`SAT_WEST_ADDR]),
    .wdata_i(east_q[`SAT_WEST_WIDE]),
    .raddr_i(south_q[`SAT_NORTH_ADDR]),
    .rdata_o(a_value)
  );

  wire        p_sign, p_special, p_nan;
  wire [6:0]  p_exp;
  wire [21:0] p_mant;
  sat_uspe_mul u_mul (
    .clk      (clk),
    .valid_i  (south_q[`SAT_NORTH_VALID]),
    .a_i      (a_value),
    .w_i      (south_q[`SAT_NORTH_WIDE]),
    .sign_o   (p_sign),
    .exp_o    (p_exp),
    .mant_o   (p_mant),
    .special_o(p_special),
    .nan_o    (p_nan)
  );

  wire first_next, capture;
  sat_delay #(.WIDTH(1), .CYCLES(3)) u_first (
    .clk  (clk),
    .in_i (south_q[`SAT_NORTH_FIRST]),
    .out_o(first_next)
  );
  sat_valid_delay #(.WIDTH(1), .CYCLES(T + 3)) u_last (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (south_q[`SAT_NORTH_VALID] && south_q[`SAT_NORTH_LAST]),
    .out_o(capture)
  );

  wire [`SAT_ACC_BITS-1:0] result;
  sat_uspe_acc #(.T(T)) u_acc (
    .clk         (clk),
    .first_next_i(first_next),
    .p_sign_i    (p_sign),
    .p_exp_i     (p_exp),
    .p_mant_i    (p_mant),
    .p_special_i (p_special),
    .p_nan_i     (p_nan),
    .result_o    (result)
  );

  sat_uspe_drain #(.T(T)) u_drain (
    .clk       (clk),
    .rst_n     (rst_n),
    .capture_i (capture),
    .result_i  (result),
    .drain_i   (drain_i),
    .drain_o   (drain_o),
    .token_i   (token_i),
    .token_o   (token_o),
    .captured_o(captured_o)
  );

endmodule

`default_nettype wire
