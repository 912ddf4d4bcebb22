// SPDX-License-Identifier: Apache-2.0
// sat_half_tile: two buffers of one 16x16 tile of FP16 weights each: written by rows, read as
// column vectors (for W_FF) and row vectors (for W_BP), in turn if both are wanted.
// Element (r, c) lies in bank (r + c) mod LANES, so that LANES neighbours of a row or of a column
// lie in as many banks: each cycle LANES elements, a chunk, are written and LANES are read; a
// vector takes 16/LANES cycles. The writer reserves a buffer when ready_o is high, then writes all
// chunks in order.
`default_nettype none
`include "sat_assert.vh"

module sat_half_tile #(
  parameter integer LANES = 4  // 4, 8 or 16
) (
  input  wire                     clk,
  input  wire                     rst_n,
  // command, stable while tiles are inside
  input  wire                     ff_i,
  input  wire                     bp_i,
  // writer: index = {row, column / LANES}
  output wire                     ready_o,
  input  wire                     reserve_i,
  input  wire                     write_valid_i,
  input  wire [7-$clog2(LANES):0] write_index_i,
  input  wire      [16*LANES-1:0] write_data_i,
  // sizes of the reserved tiles in order; taken when the tile has been read
  input  wire               [4:0] tile_rows_i,
  input  wire               [4:0] tile_cols_i,
  input  wire                     tile_band_end_i,
  output wire                     tile_done_o,
  // vectors; the last one of each direction in a tile is marked, and that of a band's last tile
  output wire                     vector_valid_o,
  input  wire                     vector_ready_i,
  output wire                     vector_bp_o,
  output wire                     vector_last_o,
  output wire                     vector_band_end_o,
  output wire             [255:0] vector_o
);

  localparam integer LANE_W  = $clog2(LANES);
  localparam integer INDEX_W = 8 - LANE_W;

  localparam [3:0] CHUNK      = LANES[3:0];  // 16 is 0: then the first chunk is the last
  localparam [3:0] LAST_CHUNK = 4'd0 - CHUNK;
  localparam [3:0] LANE       = CHUNK - 4'd1;  // bits of an element's number that are its lane

  // Buffers reserved and buffers filled, 0..2.
  reg [1:0] reserved_q, filled_q;
  reg       write_half_q, read_half_q;

  wire      fill = write_valid_i && (&write_index_i);

  assign ready_o = !reserved_q[1];

  always @(posedge clk) begin
    if (!rst_n) begin
      reserved_q   <= 2'd0;
      filled_q     <= 2'd0;
      write_half_q <= 1'b0;
      read_half_q  <= 1'b0;
    end else begin
      reserved_q   <= reserved_q + {1'b0, reserve_i} - {1'b0, tile_done_o};
      filled_q     <= filled_q + {1'b0, fill} - {1'b0, tile_done_o};
      write_half_q <= write_half_q ^ fill;
      read_half_q  <= next_half;
    end
  end

  // Vector number and direction visited. Past the tile's edge they take a cycle each.
  reg [3:0] number_q;
  reg       bp_q;
  reg [3:0] first_q;   // element of the vector that begins the chunk
  reg       vector_valid_q;

  wire       both       = ff_i && bp_i;
  wire [4:0] count      = bp_q ? tile_rows_i : tile_cols_i;
  wire       wanted     = (ff_i || bp_i) && ({1'b0, number_q} < count);
  wire       present    = rst_n && (|filled_q);
  wire       last_chunk = first_q == LAST_CHUNK;
  wire       fetch      = present && wanted && (!vector_valid_q || vector_ready_i);
  wire       step       = fetch || (present && !wanted);
  wire       vector_end = !wanted || last_chunk;
  wire       number_end = vector_end && (bp_q || !both);

  assign tile_done_o    = step && number_end && (&number_q);
  assign vector_valid_o = vector_valid_q;

  // Where the next step begins, or the next tile.
  wire [3:0] next_number = present ? number_q + {3'd0, number_end} : 4'd0;
  wire       next_bp     = present ? bp_q ^ (vector_end && both) : !ff_i;
  wire [3:0] next_first  = present && wanted ? first_q + CHUNK : 4'd0;
  wire       next_half   = read_half_q ^ tile_done_o;

  always @(posedge clk) begin
    if (step || !present) {number_q, bp_q, first_q} <= {next_number, next_bp, next_first};
    vector_valid_q <= rst_n && ((vector_valid_q && !vector_ready_i) || (fetch && last_chunk));
  end

  // A vector comes chunk by chunk, the first one into its low bits.
  reg          [255:0] vector_q;
  reg                  vector_bp_q, vector_last_q, vector_band_end_q;
  wire [16*LANES-1:0]  chunk;
  wire [255+16*LANES:0] shifted = {chunk, vector_q};

  wire                  last = {1'b0, number_q} == count - 5'd1;

  assign vector_o          = vector_q;
  assign vector_bp_o       = vector_bp_q;
  assign vector_last_o     = vector_last_q;
  assign vector_band_end_o = vector_band_end_q;

  always @(posedge clk) if (fetch) begin
    vector_q          <= shifted[16*LANES +: 256];
    vector_bp_q       <= bp_q;
    vector_last_q     <= last;
    vector_band_end_q <= last && tile_band_end_i;
  end

  // A row's chunk starts in bank row mod LANES, a column's (from a row that is a multiple of LANES)
  // in bank column mod LANES: in both cases in bank number_q mod LANES. Where each bank is read is
  // in a register, found with the step before.
  wire [16*LANES-1:0] banks;
  wire          [3:0] write_row = write_index_i[INDEX_W-1 -: 4];

  genvar b;
  generate
    for (b = 0; b < LANES; b = b + 1) begin : gen_bank
      wire [LANE_W-1:0] write_lane = b - write_row[LANE_W-1:0];
      wire [LANE_W-1:0] lane_bank  = b + number_q[LANE_W-1:0];
      wire        [3:0] read_row   = next_first | ((b - next_number) & LANE);
      // {row, column} of the element, or of an earlier one of its chunk.
      wire        [7:0] place      = next_bp ? {next_number, next_first}
                                             : {read_row, next_number};
      reg   [INDEX_W:0] place_q;    // with the buffer
      wire              unused_ok  = &{1'b0, place};

      always @(posedge clk)
        if (step || !present) place_q <= {next_half, place[7:LANE_W]};

      assign chunk[16*b +: 16] = banks[16*lane_bank +: 16];

      sat_lutram #(
        .WIDTH(16),
        .DEPTH(2 << INDEX_W)
      ) u_bank (
        .clk    (clk),
        .we_i   (write_valid_i),
        .waddr_i({write_half_q, write_index_i}),
        .wdata_i(write_data_i[16*write_lane +: 16]),
        .raddr_i(place_q),
        .rdata_o(banks[16*b +: 16])
      );
    end
  endgenerate

  wire unused_ok = &{1'b0, write_row, shifted};

  `SAT_REQUIRE(reserves_what_is_free, rst_n && reserve_i, ready_o)
  `SAT_ASSERT(filled_is_reserved, rst_n, filled_q <= reserved_q && reserved_q <= 2'd2)
  `SAT_STREAM(check_vector, rst_n, 259, vector_valid_o, vector_ready_i,
              {vector_bp_o, vector_last_o, vector_band_end_o, vector_o})

endmodule

`default_nettype wire
