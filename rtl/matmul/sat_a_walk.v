// SPDX-License-Identifier: Apache-2.0
// sat_a_walk: the order in which A is loaded. For each pass, row tile, reduction segment and chunk
// (up to CHUNK_K reduction elements of a segment) it gives the chunk's lines, one per cycle. A line
// is what lies in one row of memory: a row of A, or if transposed a reduction element; in the terms
// of a convolution a window, seen at a kernel position. Segments are docs/design/architecture.md's:
// of the reduction, k_segments_i of depth_i elements each, or if transposed of rows, rows_i each;
// a segment has one kernel position. Without convolution there is one segment, and as the output
// side out_w_i is then zero a line is numbered by ox_o alone.
// A chunk is offered first; its lines follow once it is taken. All outputs are registers or
// functions of such; valid/ready.
`default_nettype none
`include "sat_assert.vh"

module sat_a_walk #(
  parameter integer ROWS    = 8,
  parameter integer CHUNK_K = 256
) (
  input  wire        clk,
  input  wire        rst_n,
  // command, stable from start_i on
  input  wire        start_i,
  input  wire        trans_i,
  input  wire [23:0] rows_i,
  input  wire [23:0] depth_i,
  input  wire [7:0]  k_segments_i,
  input  wire [23:0] row_tiles_i,
  input  wire [15:0] passes_i,
  input  wire [2:0]  t2_log2_i,
  input  wire [15:0] out_h_i,
  input  wire [15:0] out_w_i,
  input  wire [3:0]  kernel_w_i,
  output wire        idle_o,
  // chunk: sizes hold until its last line
  output wire        chunk_valid_o,
  input  wire        chunk_ready_i,
  output wire [16:0] chunk_len_o,   // reduction elements
  output wire [16:0] tile_rows_o,
  // line
  output wire        line_valid_o,
  input  wire        line_ready_i,
  output wire [16:0] line_o,        // number in the chunk
  output wire        line_last_o,   // of the chunk
  output wire [23:0] image_o,
  output wire [15:0] oy_o,
  output wire [23:0] ox_o,
  output wire [3:0]  ky_o,
  output wire [3:0]  kx_o,
  output wire [24:0] offset_o       // bytes from the line's start in memory to the chunk
);

  localparam integer ROWS_L = $clog2(ROWS);

  localparam [1:0] ST_IDLE = 2'd0, ST_CHUNK = 2'd1, ST_LINES = 2'd2;

  reg  [1:0]  state_q;
  reg  [15:0] passes_left_q;
  reg  [23:0] tiles_left_q;
  reg  [7:0]  segments_left_q;               // of the reduction
  reg  [24:0] rows_left_q, depth_left_q;     // of the segment, from this tile or chunk on
  reg  [16:0] line_q;
  reg  [63:0] window_q, tile_window_q;       // image, oy, ox; that of the tile's first row
  reg  [3:0]  ky_q, kx_q;
  reg  [24:0] offset_q;

  wire [16:0] span       = 17'd1 << (ROWS_L[4:0] + {2'd0, t2_log2_i});
  wire [16:0] tile_rows  = rows_end ? rows_left_q[16:0] : span;
  wire [16:0] chunk_len  = last_chunk ? depth_left_q[16:0] : CHUNK_K[16:0];
  wire        last_line  = line_q + 17'd1 == (trans_i ? chunk_len : tile_rows);
  wire        last_chunk = depth_left_q <= CHUNK_K[24:0];
  wire        last_segment = segments_left_q == 8'd1;
  wire        rows_end   = rows_left_q <= {8'd0, span};
  wire        last_tile  = tiles_left_q == 24'd1;
  wire        last_pass  = passes_left_q == 16'd1;

  wire        line_fire    = line_valid_o && line_ready_i;
  wire        chunk_end    = line_fire && last_line;
  wire        segment_end  = chunk_end && last_chunk;
  wire        tile_end     = segment_end && last_segment;
  wire        pass_end     = tile_end && last_tile;
  wire        position_end = trans_i ? tile_end && rows_end : segment_end;

  wire        ox_last = window_q[23:0] + 24'd1 == {8'd0, out_w_i};
  wire        oy_last = window_q[39:24] + 16'd1 == out_h_i;
  wire        kx_last = kx_q + 4'd1 == kernel_w_i;
  reg  [63:0] next_window;
  always @(*) begin
    next_window = {window_q[63:24], window_q[23:0] + 24'd1};
    if (ox_last) next_window = {window_q[63:40], window_q[39:24] + 16'd1, 24'd0};
    if (ox_last && oy_last) next_window = {window_q[63:40] + 24'd1, 40'd0};
  end

  assign idle_o        = state_q == ST_IDLE;
  assign chunk_valid_o = state_q == ST_CHUNK;
  assign chunk_len_o   = chunk_len;
  assign tile_rows_o   = tile_rows;
  assign line_valid_o  = state_q == ST_LINES;
  assign line_o        = line_q;
  assign line_last_o   = last_line;
  assign {image_o, oy_o, ox_o} = window_q;
  assign ky_o          = ky_q;
  assign kx_o          = kx_q;
  assign offset_o      = offset_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q <= ST_IDLE;
    end else begin
      case (state_q)
        ST_IDLE:  if (start_i) state_q <= ST_CHUNK;
        ST_CHUNK: if (chunk_ready_i) state_q <= ST_LINES;
        default:  if (chunk_end) state_q <= (pass_end && last_pass) ? ST_IDLE : ST_CHUNK;
      endcase
    end
  end

  // How much is left at each level of the loops.
  always @(posedge clk) begin
    if (start_i) begin
      passes_left_q   <= passes_i;
      tiles_left_q    <= row_tiles_i;
      segments_left_q <= k_segments_i;
      rows_left_q     <= {1'b0, rows_i};
      depth_left_q    <= {1'b0, depth_i};
      line_q          <= 17'd0;
    end else if (line_fire) begin
      line_q <= last_line ? 17'd0 : line_q + 17'd1;
      if (chunk_end) depth_left_q <= last_chunk ? {1'b0, depth_i} : depth_left_q - CHUNK_K[24:0];
      if (segment_end) segments_left_q <= last_segment ? k_segments_i : segments_left_q - 8'd1;
      if (tile_end) begin
        rows_left_q  <= rows_end ? {1'b0, rows_i} : rows_left_q - {8'd0, span};
        tiles_left_q <= last_tile ? row_tiles_i : tiles_left_q - 24'd1;
      end
      if (pass_end) passes_left_q <= passes_left_q - 16'd1;
    end
  end

  // The window: a tile's rows are its windows and come again with each chunk; if transposed, the
  // whole reduction is windows and comes again with each tile.
  always @(posedge clk) begin
    if (start_i || pass_end) begin
      window_q      <= 64'd0;
      tile_window_q <= 64'd0;
    end else if (line_fire) begin
      window_q <= next_window;
      if (trans_i) begin
        if (tile_end) window_q <= 64'd0;
      end else begin
        if (chunk_end && !tile_end) window_q <= tile_window_q;
        if (tile_end) tile_window_q <= next_window;
      end
    end
  end

  // Position and place in the line: chunks advance along it, or if transposed row tiles.
  always @(posedge clk) begin
    if (start_i || pass_end || (tile_end && !trans_i)) begin
      ky_q     <= 4'd0;
      kx_q     <= 4'd0;
      offset_q <= 25'd0;
    end else begin
      if (position_end) begin
        kx_q <= kx_last ? 4'd0 : kx_q + 4'd1;
        if (kx_last) ky_q <= ky_q + 4'd1;
        offset_q <= 25'd0;
      end else if (trans_i ? tile_end : chunk_end) begin
        offset_q <= offset_q + (trans_i ? {7'd0, span, 1'b0} : 2 * CHUNK_K[24:0]);
      end
    end
  end

  `SAT_STREAM(check_chunk, rst_n && !start_i, 34, chunk_valid_o, chunk_ready_i,
              {chunk_len_o, tile_rows_o})
  `SAT_STREAM(check_line, rst_n && !start_i, 115, line_valid_o, line_ready_i,
              {line_o, line_last_o, image_o, oy_o, ox_o, ky_o, kx_o, offset_o})

endmodule

`default_nettype wire
