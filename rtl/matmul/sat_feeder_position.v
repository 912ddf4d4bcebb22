// SPDX-License-Identifier: Apache-2.0
// sat_feeder_position: walks over the groups of A in the order in which the array multiplies them:
// column tiles, row tiles, reduction segments, chunks of up to CHUNK_K elements of one segment,
// groups. All outputs belong to one group; advance_i moves on to the next, whose outputs are there
// three cycles later at the latest: before that there is no other advance_i, also after start_i. A
// resident A is gone over again for each column tile; otherwise chunks follow each other round the
// ring, from command to command.
`default_nettype none
`include "sat_assert.vh"

module sat_feeder_position #(
  parameter integer A_DEPTH = 512,
  parameter integer CHUNK_K = 256,
  parameter integer LANES   = 8
) (
  input  wire                       clk,
  input  wire                       rst_n,
  // command, stable from start_i on
  input  wire                       start_i,
  input  wire [23:0]                depth_i,
  input  wire [7:0]                 k_segments_i,
  input  wire [2:0]                 m_log2_i,
  input  wire [2:0]                 t2_log2_i,
  input  wire [23:0]                row_tiles_i,
  input  wire [15:0]                col_tiles_i,
  input  wire                       a_resident_i,
  // groups
  output reg                        valid_o,
  input  wire                       advance_i,
  output reg                        half_o,        // of the PE RAMs
  output reg                        first_o,       // of its tile
  output reg  [16:0]                k_o,           // its first element, within its chunk
  output reg                        ends_chunk_o,
  output wire                       ends_tile_o,
  output reg                        last_row_o,    // in the last row tile
  output reg                        last_col_o,    // in the last column tile
  output wire                       rewind_o,      // the next group is the first of a resident A
  // its chunk
  output reg                        fresh_o,       // its first group, at its first use
  output reg  [$clog2(A_DEPTH)-1:0] base_o,        // word address
  output reg  [16:0]                len_o,         // elements
  output reg  [16:0]                row_words_o,   // words of a row
  output reg  [16:0]                words_o        // words of all row blocks, an even number
);

  localparam integer A_L     = $clog2(A_DEPTH);
  localparam integer LANES_L = $clog2(LANES);

  reg  [23:0] rows_q;           // row tiles left, this one included
  reg  [15:0] cols_q;           // column tiles
  reg  [7:0]  segments_q;       // likewise
  reg  [24:0] depth_q;          // elements of the segment from this chunk on
  reg  [A_L-1:0] begin_q;       // of the command in the ring
  reg  [16:0] after_q;          // the next group's first element
  reg         last_chunk_q;     // of the segment
  reg         last_segment_q;
  wire [16:0] m_size       = 17'd1 << m_log2_i;
  wire        last_chunk   = depth_q <= CHUNK_K[24:0];
  wire        ends_segment = ends_chunk_o && last_chunk_q;
  wire        ends_pass    = ends_tile_o && last_row_o;

  assign ends_tile_o  = ends_segment && last_segment_q;
  assign rewind_o     = ends_pass && a_resident_i && !last_col_o;

  // What follows from a group's place: in the first cycle, in the second, in the third.
  always @(posedge clk) begin
    after_q        <= k_o + m_size;
    last_chunk_q   <= last_chunk;
    last_segment_q <= segments_q == 8'd1;
    len_o          <= last_chunk ? depth_q[16:0] : CHUNK_K[16:0];
    last_row_o     <= rows_q == 24'd1;
    last_col_o     <= cols_q == 16'd1;
    fresh_o        <= (k_o == 17'd0) && (!a_resident_i || (cols_q == col_tiles_i));
    ends_chunk_o   <= after_q >= len_o;
    row_words_o    <= (len_o + LANES[16:0] - 17'd1) >> LANES_L;
    words_o        <= ((row_words_o << t2_log2_i) + 17'd1) & ~17'd1;
  end

  always @(posedge clk) begin
    if (!rst_n) valid_o <= 1'b0;
    else if (start_i) valid_o <= 1'b1;
    else if (advance_i && ends_pass && last_col_o) valid_o <= 1'b0;
  end

  always @(posedge clk) begin
    if (start_i) begin
      half_o     <= 1'b0;
      first_o    <= 1'b1;
      rows_q     <= row_tiles_i;
      cols_q     <= col_tiles_i;
      segments_q <= k_segments_i;
      depth_q    <= {1'b0, depth_i};
      k_o        <= 17'd0;
      begin_q    <= base_o;
    end else if (advance_i) begin
      half_o  <= !half_o;
      first_o <= ends_tile_o;
      k_o     <= after_q;
      if (ends_chunk_o) begin
        k_o     <= 17'd0;
        depth_q <= ends_segment ? {1'b0, depth_i} : depth_q - CHUNK_K[24:0];
      end
      if (ends_segment) segments_q <= ends_tile_o ? k_segments_i : segments_q - 8'd1;
      if (ends_tile_o) rows_q <= last_row_o ? row_tiles_i : rows_q - 24'd1;
      if (ends_pass) cols_q <= cols_q - 16'd1;
    end
    if (!rst_n) base_o <= {A_L{1'b0}};
    else if (advance_i && ends_chunk_o)
      base_o <= rewind_o ? begin_q : base_o + words_o[A_L-1:0];
  end

  `SAT_REQUIRE_SPACED(advance_when_settled, rst_n, 3, start_i || advance_i, advance_i)

endmodule

`default_nettype wire
