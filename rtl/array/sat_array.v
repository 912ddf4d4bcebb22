// SPDX-License-Identifier: Apache-2.0
// sat_array: ROWS x COLS systolic array of USPEs, output stationary. Row r must see its west stream
// r cycles after row 0, column c its north stream c cycles after column 0 (the scratchpads ripple
// their read commands, so nothing is skewed here). Column c delivers a tile's ROWS*T sums on
// drain_o in the order (row, t), c cycles after column 0, without back-pressure. Stream fields,
// drain order and the spacing of tiles: sat_uspe. Paper: systolic array (STCE).
// Folded, the two halves of the columns work side by side on different rows: center_i, written
// with west_i, enters the row at column COLS/2, where west_i of that cycle will then go no further,
// and column COLS/2 + c sees its north stream when column c does.
`default_nettype none
`include "sat_buses.vh"

module sat_array #(
  parameter integer ROWS = 8,  // 2..64
  parameter integer COLS = 8,  // 2..64
  parameter integer T    = 8   // outputs interleaved in a PE
) (
  input  wire                            clk,
  input  wire                            rst_n,
  input  wire [ROWS*`SAT_WEST_BITS-1:0]  west_i,
  input  wire [ROWS*`SAT_WEST_BITS-1:0]  center_i,
  input  wire [COLS*`SAT_NORTH_BITS-1:0] north_i,
  output wire [COLS*`SAT_DRAIN_BITS-1:0] drain_o
);

  localparam integer WEST_W  = `SAT_WEST_BITS;
  localparam integer NORTH_W = `SAT_NORTH_BITS;
  localparam integer DRAIN_W = `SAT_DRAIN_BITS;
  localparam integer EAST    = COLS / 2;  // first column of the eastern half

  // Link r, c leads into PE r, c; the last column's and row's outputs leave the array.
  wire [ROWS*(COLS+1)*WEST_W-1:0]  west_link;
  wire [(ROWS+1)*COLS*NORTH_W-1:0] north_link;
  wire [(ROWS+1)*COLS*DRAIN_W-1:0] drain_link;
  wire [(ROWS+1)*COLS-1:0]         token_link;
  wire [ROWS*COLS-1:0]             captured;

  assign north_link[COLS*NORTH_W-1:0] = north_i;
  assign drain_link[COLS*DRAIN_W-1:0] = {COLS*DRAIN_W{1'b0}};
  assign token_link[COLS-1:0]         = captured[COLS-1:0];
  assign drain_o = drain_link[ROWS*COLS*DRAIN_W +: COLS*DRAIN_W];

  genvar r, c;
  generate
    for (r = 0; r < ROWS; r = r + 1) begin : gen_row
      assign west_link[r*(COLS+1)*WEST_W +: WEST_W] = west_i[r*WEST_W +: WEST_W];

      wire [WEST_W-1:0] center = center_i[r*WEST_W +: WEST_W];
      wire [WEST_W-1:0] link   = west_link[(r*(COLS+1)+EAST)*WEST_W +: WEST_W];
      wire              ends;  // a folded write reaches the eastern half
      reg  [WEST_W-1:0] east;
      sat_valid_delay #(.WIDTH(1), .CYCLES(EAST)) u_ends (
        .clk  (clk),
        .rst_n(rst_n),
        .in_i (center[`SAT_WEST_WRITE]),
        .out_o(ends)
      );
      always @(*) begin
        east = center[`SAT_WEST_WRITE] ? center : link;
        if (!center[`SAT_WEST_WRITE] && ends) east[`SAT_WEST_WRITE] = 1'b0;
      end

      for (c = 0; c < COLS; c = c + 1) begin : gen_col
        sat_uspe #(.T(T)) u_uspe (
          .clk       (clk),
          .rst_n     (rst_n),
          .west_i    ((c == EAST) ? east : west_link[(r*(COLS+1)+c)*WEST_W +: WEST_W]),
          .east_o    (west_link[(r*(COLS+1)+c+1)*WEST_W +: WEST_W]),
          .north_i   (north_link[(r*COLS+c)*NORTH_W +: NORTH_W]),
          .south_o   (north_link[((r+1)*COLS+c)*NORTH_W +: NORTH_W]),
          .drain_i   (drain_link[(r*COLS+c)*DRAIN_W +: DRAIN_W]),
          .drain_o   (drain_link[((r+1)*COLS+c)*DRAIN_W +: DRAIN_W]),
          .token_i   (token_link[r*COLS+c]),
          .token_o   (token_link[(r+1)*COLS+c]),
          .captured_o(captured[r*COLS+c])
        );
      end
    end
  endgenerate

  // What leaves at the east and south edges has no further use.
  wire unused_ok = &{1'b0, west_link, north_link, token_link, captured};

endmodule

`default_nettype wire
