// SPDX-License-Identifier: Apache-2.0
// sat_phases: cuts a convolution over an upsampled map into its phases, row by row
// (sat_phase_axis), each an ordinary convolution. Outputs are those of the current phase and
// functions of the inputs, which are stable from the cycle after start_i on; start_i makes the
// first phase the current one, next_i the one behind it, from the second cycle after it on.
// Without split_i there is one phase, the whole.
`default_nettype none
`include "sat_buses.vh"

module sat_phases (
  input  wire                              clk,
  input  wire                              start_i,
  input  wire                              next_i,
  // the windows; with split_i the map is upsampled
  input  wire                              split_i,
  input  wire [15:0]                       out_h_i,
  input  wire [15:0]                       out_w_i,
  input  wire [3:0]                        kernel_h_i,
  input  wire [3:0]                        kernel_w_i,
  input  wire [1:0]                        step_log2_i,
  input  wire [1:0]                        dilation_log2_i,
  input  wire [1:0]                        upsample_log2_i,
  input  wire [7:0]                        pad_top_i,    // signed
  input  wire [7:0]                        pad_left_i,
  // the phase
  output wire                              last_o,
  output wire [2:0]                        phase_y_o,
  output wire [2:0]                        phase_x_o,
  output wire [15:0]                       out_h_o,
  output wire [15:0]                       out_w_o,
  output wire [3:0]                        kernel_h_o,
  output wire [3:0]                        kernel_w_o,
  output wire [1:0]                        dilation_log2_o,
  output wire [1:0]                        upsample_log2_o,
  output wire [7:0]                        pad_top_o,    // signed
  output wire [7:0]                        pad_left_o,
  output wire [3:0]                        hop_o,        // lines of windows from image to image
  output wire [`SAT_S_POSITIONS_BITS-1:0]  positions_o   // which of the kernel's
);

  reg  [2:0] y_q, x_q;
  wire       y_last, x_last;
  wire [1:0] up = split_i ? upsample_log2_i : 2'd0;
  always @(posedge clk) begin
    if (start_i) {y_q, x_q} <= 6'd0;
    else if (next_i) begin
      x_q <= x_last ? 3'd0 : x_q + 3'd1;
      if (x_last) y_q <= y_q + 3'd1;
    end
  end

  wire [2:0] first_y, first_x;
  sat_phase_axis u_y (
    .clk            (clk),
    .phase_i        (y_q),
    .outs_i         (out_h_i),
    .kernel_i       (kernel_h_i),
    .pad_i          (pad_top_i),
    .step_log2_i    (step_log2_i),
    .dilation_log2_i(dilation_log2_i),
    .upsample_log2_i(up),
    .last_o         (y_last),
    .outs_o         (out_h_o),
    .kernel_o       (kernel_h_o),
    .first_o        (first_y),
    .pad_o          (pad_top_o),
    .hop_o          (hop_o)
  );
  wire [3:0] hop_unused;
  sat_phase_axis u_x (
    .clk            (clk),
    .phase_i        (x_q),
    .outs_i         (out_w_i),
    .kernel_i       (kernel_w_i),
    .pad_i          (pad_left_i),
    .step_log2_i    (step_log2_i),
    .dilation_log2_i(dilation_log2_i),
    .upsample_log2_i(up),
    .last_o         (x_last),
    .outs_o         (out_w_o),
    .kernel_o       (kernel_w_o),
    .first_o        (first_x),
    .pad_o          (pad_left_o),
    .hop_o          (hop_unused)
  );

  wire       wide = up > dilation_log2_i;  // the phase's positions are not neighbours
  assign last_o          = y_last && x_last;
  assign phase_y_o       = y_q;
  assign phase_x_o       = x_q;
  assign dilation_log2_o = wide ? 2'd0 : dilation_log2_i - up;
  assign upsample_log2_o = upsample_log2_i - up;
  assign positions_o[`SAT_S_POSITIONS_SPACING]  = wide ? up - dilation_log2_i : 2'd0;
  assign positions_o[`SAT_S_POSITIONS_FIRST_Y]  = first_y;
  assign positions_o[`SAT_S_POSITIONS_FIRST_X]  = first_x;
  assign positions_o[`SAT_S_POSITIONS_KERNEL_W] = kernel_w_i;

  wire unused_ok = &{1'b0, hop_unused};

endmodule

`default_nettype wire
