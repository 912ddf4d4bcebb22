// SPDX-License-Identifier: Apache-2.0
// sat_pixel_addr: where in memory is the pixel that a window sees at a kernel position, and does it
// lie outside the map? docs/reference/commands.md, "Windows over a feature map", has the formulas.
// A pipeline of SAT_PIXEL_ADDR_LATENCY stages; valid bits travel with the user. Configuration is
// stable while items are inside. The address of an outside pixel means nothing. All products of a
// legal command fit: pixels are numbered by 24 bits. What is no map (conv off) is one line of
// pixels, numbered by ox_i alone.
`default_nettype none

module sat_pixel_addr #(
  parameter integer ADDR_W = 40
) (
  input  wire              clk,
  // the map and its windows
  input  wire [ADDR_W-1:0] base_i,
  input  wire [23:0]       stride_i,         // bytes from pixel to pixel, a multiple of 64
  input  wire [15:0]       map_h_i,
  input  wire [15:0]       map_w_i,
  input  wire [1:0]        step_log2_i,
  input  wire [1:0]        dilation_log2_i,
  input  wire [1:0]        upsample_log2_i,
  input  wire [7:0]        pad_top_i,        // signed
  input  wire [7:0]        pad_left_i,
  // window and position
  input  wire [23:0]       image_i,
  input  wire [15:0]       oy_i,
  input  wire [23:0]       ox_i,
  input  wire [3:0]        ky_i,
  input  wire [3:0]        kx_i,
  input  wire [24:0]       offset_i,         // bytes within the pixel
  output reg  [ADDR_W-1:0] addr_o,
  output reg               outside_o
);

  // No addition shares a cycle with a multiplication. A multiplier of any chip takes 17 bits: the
  // seven above have one of their own, whose product is added a cycle later.

  // Stage 1: coordinates on the upsampled map, and the rows of the images before.
  reg signed [20:0] s1_y_q;
  reg signed [28:0] s1_x_q;
  reg [23:0]        s1_rows_q;
  reg [6:0]         s1_high_q;
  always @(posedge clk) begin
    s1_y_q    <= $signed(({5'd0, oy_i} << step_log2_i) + ({17'd0, ky_i} << dilation_log2_i)
                         - {{13{pad_top_i[7]}}, pad_top_i});
    s1_x_q    <= $signed(({5'd0, ox_i} << step_log2_i) + ({25'd0, kx_i} << dilation_log2_i)
                         - {{21{pad_left_i[7]}}, pad_left_i});
    s1_rows_q <= {7'd0, image_i[16:0]} * {8'd0, map_h_i};
    s1_high_q <= image_i[23:17] * map_h_i[6:0];
  end

  // Stage 2: the row of the whole map, the column, and whether the pixel exists.
  wire [20:0] between = (21'd1 << upsample_log2_i) - 21'd1;
  wire [20:0] y       = s1_y_q >> upsample_log2_i;
  wire [28:0] x       = s1_x_q >> upsample_log2_i;
  reg  [23:0] s2_row_q, s2_x_q;
  reg  [3:0]  s2_outside_q;  // why
  always @(posedge clk) begin
    s2_row_q     <= s1_rows_q + {s1_high_q, 17'd0} + {8'd0, y[15:0]};
    s2_x_q       <= x[23:0];
    s2_outside_q <= {s1_y_q[20] || s1_x_q[28],
                     ((s1_y_q | s1_x_q[20:0]) & between) != 21'd0,
                     y >= {5'd0, map_h_i}, x >= {13'd0, map_w_i}};
  end

  // Stages 3 and 4: the pixel's number.
  reg [23:0] s3_pixels_q, s3_x_q, s4_pixel_q;
  reg [6:0]  s3_high_q;
  reg [2:0]  outside_q;
  always @(posedge clk) begin
    s3_pixels_q <= {7'd0, s2_row_q[16:0]} * {8'd0, map_w_i};
    s3_high_q   <= s2_row_q[23:17] * map_w_i[6:0];
    s3_x_q      <= s2_x_q;
    s4_pixel_q  <= s3_pixels_q + {s3_high_q, 17'd0} + s3_x_q;
    outside_q   <= {outside_q[1:0], |s2_outside_q};
  end

  // Stages 5 and 6: its address. The offsets of four items wait for it, the newest in the low bits.
  reg [4*25-1:0]   offset_q;
  reg [34:0]       s5_span_q;
  reg [24:0]       s5_high_q;
  wire [41:0]      span = {7'd0, s5_span_q} + {s5_high_q, 17'd0};
  reg [ADDR_W-1:0] s5_base_q;
  always @(posedge clk) begin
    offset_q  <= {offset_q[3*25-1:0], offset_i};
    s5_span_q <= {18'd0, s4_pixel_q[16:0]} * {17'd0, stride_i[23:6]};
    s5_high_q <= {18'd0, s4_pixel_q[23:17]} * {7'd0, stride_i[23:6]};
    s5_base_q <= base_i + {{ADDR_W-25{1'b0}}, offset_q[3*25 +: 25]};
    addr_o    <= s5_base_q + {span[ADDR_W-7:0], 6'd0};
    outside_o <= outside_q[2];
  end

  wire unused_ok = &{1'b0, stride_i[5:0], y[20:16], x[28:24], span};

endmodule

`default_nettype wire
