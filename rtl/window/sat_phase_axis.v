// SPDX-License-Identifier: Apache-2.0
// sat_phase_axis: one side (height or width) of a phase of a convolution. Where a map is upsampled
// by s, windows number p, p + s, p + 2s .. are a phase: they see pixels at the same kernel
// positions, which are every (s / dilation)-th, and zeros at all others. So they are the windows of
// an ordinary convolution by those positions, with the sizes, dilation and padding given here; a
// padding below zero means that the windows begin inside the map. docs/design/architecture.md.
// Outputs follow the inputs a cycle later, if these hold still.
`default_nettype none

module sat_phase_axis (
  input  wire        clk,
  input  wire [2:0]  phase_i,          // p
  input  wire [15:0] outs_i,           // windows; more than p
  input  wire [3:0]  kernel_i,         // positions
  input  wire [7:0]  pad_i,            // signed
  input  wire [1:0]  step_log2_i,
  input  wire [1:0]  dilation_log2_i,
  input  wire [1:0]  upsample_log2_i,
  output wire        last_o,           // phase p + 1 does not exist
  output wire [15:0] outs_o,           // windows of the phase
  output wire [3:0]  kernel_o,         // its positions, 0 if there is none
  output wire [2:0]  first_o,          // the first of them
  output wire [7:0]  pad_o,            // signed
  output wire [3:0]  hop_o             // from its last window to its first in the next image
);

  wire [2:0]  mask     = (3'd1 << upsample_log2_i) - 3'd1;
  wire [2:0]  between  = (3'd1 << dilation_log2_i) - 3'd1;
  wire [1:0]  spacing  = (upsample_log2_i > dilation_log2_i) ? upsample_log2_i - dilation_log2_i
                                                             : 2'd0;
  // Position k is seen if k * dilation = pad - p * step, modulo s.
  reg  [8:0]  start_q;
  reg  [15:0] behind_q;                // windows behind the phase's first
  always @(posedge clk) begin
    start_q  <= {pad_i[7], pad_i} - ({6'd0, phase_i} << step_log2_i);
    behind_q <= outs_i - 16'd1 - {13'd0, phase_i};
  end

  wire [2:0]  rest     = start_q[2:0] & mask;
  wire [2:0]  first    = rest >> dilation_log2_i;
  wire        seen     = ((rest & between) == 3'd0) && ({1'b0, first} < kernel_i);
  wire [8:0]  pad      = start_q - ({6'd0, first} << dilation_log2_i);
  wire [3:0]  others   = (kernel_i - 4'd1 - {1'b0, first}) >> spacing;
  wire [8:0]  scaled   = $signed(pad) >>> upsample_log2_i;

  assign last_o   = (phase_i == mask) || (behind_q == 16'd0);
  assign outs_o   = (behind_q >> upsample_log2_i) + 16'd1;
  assign kernel_o = seen ? others + 4'd1 : 4'd0;
  assign first_o  = first;
  assign pad_o    = scaled[7:0];
  assign hop_o    = {1'b0, phase_i} + {1'b0, behind_q[2:0] & mask} + 4'd1;

  wire unused_ok = &{1'b0, scaled[8]};

endmodule

`default_nettype wire
