// SPDX-License-Identifier: Apache-2.0
// sat_array: ROWS x COLS systolic array of USPEs, output stationary. Row r must see its west stream
// r cycles after row 0, column c its north stream c cycles after column 0 (the scratchpads ripple
// their read commands, so nothing is skewed here). Column c delivers a tile's ROWS*T sums on
// drain_o in the order (row, t), c cycles after column 0, without back-pressure. Stream fields,
// drain order and the spacing of tiles: sat_uspe. Paper: systolic array (STCE).
`default_nettype none

module sat_array #(
  parameter integer ROWS = 8,  // 2..64
  parameter integer COLS = 8,  // 2..64
  parameter integer T    = 8   // outputs interleaved in a PE
) (
  input  wire               clk,
  input  wire               rst_n,
  input  wire [ROWS*23-1:0] west_i,
  input  wire [COLS*25-1:0] north_i,
  output wire [COLS*32-1:0] drain_o  // per column {valid, accumulator[30:0]}
);

  // Link r, c leads into PE r, c; the last column's and row's outputs leave the array.
  wire [ROWS*(COLS+1)*23-1:0] west_link;
  wire [(ROWS+1)*COLS*25-1:0] north_link;
  wire [(ROWS+1)*COLS*32-1:0] drain_link;
  wire [(ROWS+1)*COLS-1:0]    token_link;
  wire [ROWS*COLS-1:0]        captured;

  assign north_link[COLS*25-1:0] = north_i;
  assign drain_link[COLS*32-1:0] = {COLS*32{1'b0}};
  assign token_link[COLS-1:0]    = captured[COLS-1:0];
  assign drain_o = drain_link[ROWS*COLS*32 +: COLS*32];

  genvar r, c;
  generate
    for (r = 0; r < ROWS; r = r + 1) begin : gen_row
      assign west_link[r*(COLS+1)*23 +: 23] = west_i[r*23 +: 23];
      for (c = 0; c < COLS; c = c + 1) begin : gen_col
        sat_uspe #(.T(T)) u_uspe (
          .clk       (clk),
          .rst_n     (rst_n),
          .west_i    (west_link[(r*(COLS+1)+c)*23 +: 23]),
          .east_o    (west_link[(r*(COLS+1)+c+1)*23 +: 23]),
          .north_i   (north_link[(r*COLS+c)*25 +: 25]),
          .south_o   (north_link[((r+1)*COLS+c)*25 +: 25]),
          .drain_i   (drain_link[(r*COLS+c)*32 +: 32]),
          .drain_o   (drain_link[((r+1)*COLS+c)*32 +: 32]),
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
