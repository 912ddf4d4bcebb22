// SPDX-License-Identifier: Apache-2.0
// sat_a_walk: the order in which A is loaded. For each pass, row tile, reduction segment and chunk
// (up to CHUNK_K reduction elements of a segment) it gives the chunk's lines, one per cycle. A line
// is what lies in one row of memory: a row of A, or if transposed a reduction element; in the terms
// of a convolution a window, seen at a kernel position. The reduction has k_segments_i segments of
// depth_i elements each, one per kernel position. If transposed, it is the rows of a tile that are
// cut where a position ends, after position_rows_i of them: each part of a tile has lines of its
// own, and a chunk has those of its first part, then those of the second one and so on. Without
// convolution there is one position, and as the output side out_w_i is then zero a line is numbered
// by ox_o alone.
// A chunk is offered first; its lines follow once it is taken, with a cycle between parts. What
// ends with a line is known from registers when the line is there. Valid/ready.
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
  input  wire [23:0] position_rows_i, // if transposed
  input  wire [23:0] row_tiles_i,
  input  wire [15:0] passes_i,
  input  wire [2:0]  t2_log2_i,
  input  wire [15:0] out_h_i,
  input  wire [15:0] out_w_i,
  input  wire [3:0]  kernel_w_i,
  output wire        idle_o,
  // chunk
  output wire        chunk_valid_o,
  input  wire        chunk_ready_i,
  output wire        chunk_last_o,  // of its segment, and perhaps shorter; until its last line
  // line
  output wire        line_valid_o,
  input  wire        line_ready_i,
  output wire [16:0] line_o,        // number in the chunk
  output wire        line_last_o,   // of the chunk
  output wire [16:0] part_row_o,    // if transposed: the part's first row in the tile, and rows
  output wire [16:0] part_rows_o,
  output wire [23:0] image_o,
  output wire [15:0] oy_o,
  output wire [23:0] ox_o,
  output wire [3:0]  ky_o,
  output wire [3:0]  kx_o,
  output wire [24:0] offset_o       // bytes from the line's start in memory to the chunk
);

  localparam integer ROWS_L  = $clog2(ROWS);
  localparam integer CHUNK_L = $clog2(CHUNK_K);
  localparam integer SPAN_W  = ROWS_L + 5;       // bits of a tile's rows, at most 16 * ROWS

  localparam [1:0] ST_IDLE = 2'd0, ST_CHUNK = 2'd1, ST_PART = 2'd2, ST_LINES = 2'd3;

  // ---- Place in the loops
  reg  [1:0]  state_q;
  reg  [15:0] passes_left_q;
  reg  [23:0] tiles_left_q, chunks_left_q;   // from this one on
  reg  [7:0]  segments_left_q;
  reg         last_pass_q, last_tile_q, last_segment_q, last_chunk_q, last_line_q;
  reg  [16:0] line_q;
  reg  [63:0] window_q, first_window_q;      // image, oy, ox; that of the tile's first row, or if
                                             // transposed of the chunk's first element
  reg  [3:0]  ky_q, kx_q;
  reg  [24:0] offset_q;
  // Parts of a tile
  reg  [16:0] part_row_q, part_rows_q;
  reg         part_last_q, part_ends_q;      // the tile, the position
  reg  [24:0] position_left_q;               // rows of the position, from this part on
  reg  [7:0]  first_position_q;              // ky, kx of the tile's first part
  reg  [24:0] first_offset_q, first_left_q;  // likewise

  // A cycle behind the command: the sizes of a segment's last chunk, of a tile and of the last one,
  // the last place on a line and the last line of a map.
  reg  [16:0] tail_len_q, span_q, tail_rows_q;
  reg  [23:0] ox_end_q;
  reg  [15:0] oy_end_q;
  wire [16:0] span      = 17'd1 << (ROWS_L[4:0] + {2'd0, t2_log2_i});
  wire [16:0] rows_rest = rows_i[16:0] & (span - 17'd1);
  wire [16:0] len_rest  = {{17-CHUNK_L{1'b0}}, depth_i[CHUNK_L-1:0]};
  always @(posedge clk) begin
    tail_len_q  <= (len_rest == 17'd0) ? CHUNK_K[16:0] : len_rest;
    span_q      <= span;
    tail_rows_q <= (rows_rest == 17'd0) ? span : rows_rest;
    ox_end_q    <= {8'd0, out_w_i} - 24'd1;
    oy_end_q    <= out_h_i - 16'd1;
  end
  wire [24:0] depth_up = {1'b0, depth_i} + CHUNK_K[24:0] - 25'd1;
  wire [23:0] chunks   = {{CHUNK_L-1{1'b0}}, depth_up[24:CHUNK_L]};

  wire [16:0] tile_rows = last_tile_q ? tail_rows_q : span_q;
  wire [16:0] lines     = !trans_i ? tile_rows : last_chunk_q ? tail_len_q : CHUNK_K[16:0];

  wire        line_fire    = line_valid_o && line_ready_i;
  wire        part_end     = line_fire && last_line_q;
  wire        chunk_end    = part_end && (!trans_i || part_last_q);
  wire        segment_end  = chunk_end && last_chunk_q;
  wire        tile_end     = segment_end && last_segment_q;
  wire        pass_end     = tile_end && last_tile_q;
  wire [24:0] part_rows    = {8'd0, part_rows_q};
  wire        position_end = trans_i ? part_end && part_ends_q : segment_end;

  wire        ox_last = window_q[23:0] == ox_end_q;
  wire        oy_last = window_q[39:24] == oy_end_q;
  wire        kx_last = kx_q + 4'd1 == kernel_w_i;
  wire [7:0]  next_position = kx_last ? {ky_q + 4'd1, 4'd0} : {ky_q, kx_q + 4'd1};
  wire [7:0]  behind_position = position_end ? next_position : {ky_q, kx_q};
  wire [24:0] behind_offset = position_end ? 25'd0 : offset_q + {part_rows[23:0], 1'b0};
  wire [24:0] behind_left   = position_end ? {1'b0, position_rows_i} : position_left_q - part_rows;
  reg  [63:0] next_window;
  always @(*) begin
    next_window = {window_q[63:24], window_q[23:0] + 24'd1};
    if (ox_last) next_window = {window_q[63:40], window_q[39:24] + 16'd1, 24'd0};
    if (ox_last && oy_last) next_window = {window_q[63:40] + 24'd1, 40'd0};
  end

  assign idle_o        = state_q == ST_IDLE;
  assign chunk_valid_o = state_q == ST_CHUNK;
  assign chunk_last_o  = last_chunk_q;
  assign line_valid_o  = state_q == ST_LINES;
  assign line_o        = line_q;
  assign line_last_o   = last_line_q && (!trans_i || part_last_q);
  assign part_row_o    = part_row_q;
  assign part_rows_o   = part_rows_q;
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
        ST_PART:  state_q <= ST_LINES;
        default:
          if (chunk_end) state_q <= (pass_end && last_pass_q) ? ST_IDLE : ST_CHUNK;
          else if (part_end) state_q <= ST_PART;
      endcase
    end
  end

  // ---- How much is left at each level of the loops
  always @(posedge clk) begin
    if (start_i || pass_end) begin
      passes_left_q <= start_i ? passes_i : passes_left_q - 16'd1;
      last_pass_q   <= start_i ? passes_i == 16'd1 : passes_left_q == 16'd2;
    end
    if (start_i || tile_end) begin
      tiles_left_q <= (start_i || last_tile_q) ? row_tiles_i : tiles_left_q - 24'd1;
      last_tile_q  <= (start_i || last_tile_q) ? row_tiles_i == 24'd1 : tiles_left_q == 24'd2;
    end
    if (start_i || segment_end) begin
      segments_left_q <= (start_i || last_segment_q) ? k_segments_i : segments_left_q - 8'd1;
      last_segment_q  <= (start_i || last_segment_q) ? k_segments_i == 8'd1
                                                     : segments_left_q == 8'd2;
    end
    if (start_i || chunk_end) begin
      chunks_left_q <= (start_i || last_chunk_q) ? chunks : chunks_left_q - 24'd1;
      last_chunk_q  <= (start_i || last_chunk_q) ? depth_i <= CHUNK_K[23:0]
                                                 : chunks_left_q == 24'd2;
    end
    if (state_q != ST_LINES) begin
      line_q      <= 17'd0;
      last_line_q <= lines == 17'd1;
    end else if (line_fire) begin
      line_q      <= line_q + 17'd1;
      last_line_q <= line_q + 17'd2 == lines;
    end
  end

  // ---- The window
  // A tile's rows are its windows and come again with each chunk; if transposed, the whole
  // reduction is windows and comes again with each tile, a chunk's with each part.
  always @(posedge clk) begin
    if (start_i || pass_end || (tile_end && trans_i)) begin
      window_q       <= 64'd0;
      first_window_q <= 64'd0;
    end else if (line_fire) begin
      window_q <= next_window;
      if (trans_i ? part_end && !chunk_end : chunk_end && !tile_end) window_q <= first_window_q;
      if (trans_i ? chunk_end : tile_end) first_window_q <= next_window;
    end
  end

  // ---- Position and place in the line
  // Chunks advance along it, or if transposed parts.
  always @(posedge clk) begin
    if (start_i || pass_end || (tile_end && !trans_i)) begin
      {ky_q, kx_q}    <= 8'd0;
      offset_q        <= 25'd0;
      position_left_q <= {1'b0, position_rows_i};
    end else if (trans_i) begin
      if (part_end) begin
        {ky_q, kx_q}    <= behind_position;
        offset_q        <= behind_offset;
        position_left_q <= behind_left;
      end
      if (chunk_end && !tile_end) begin
        {ky_q, kx_q}    <= first_position_q;
        offset_q        <= first_offset_q;
        position_left_q <= first_left_q;
      end
    end else if (chunk_end) begin
      {ky_q, kx_q} <= position_end ? next_position : {ky_q, kx_q};
      offset_q     <= position_end ? 25'd0 : offset_q + 2 * CHUNK_K[24:0];
    end
  end

  // ---- Parts
  // Sizes are known a cycle after their place is. What is left of the tile fits SPAN_W bits.
  wire [SPAN_W-1:0] tile_left = tile_rows[SPAN_W-1:0] - part_row_q[SPAN_W-1:0];
  wire [SPAN_W-1:0] near      = position_left_q[SPAN_W-1:0];
  wire              far       = |position_left_q[24:SPAN_W];
  always @(posedge clk) begin
    if (start_i || pass_end) begin
      first_position_q <= 8'd0;
      first_offset_q   <= 25'd0;
      first_left_q     <= {1'b0, position_rows_i};
    end else if (tile_end) begin
      first_position_q <= behind_position;
      first_offset_q   <= behind_offset;
      first_left_q     <= behind_left;
    end
    if (start_i || chunk_end) part_row_q <= 17'd0;
    else if (part_end) part_row_q <= part_row_q + part_rows_q;
    if (state_q != ST_LINES) begin
      part_rows_q <= {{17-SPAN_W{1'b0}}, !far && near < tile_left ? near : tile_left};
      part_last_q <= far || near >= tile_left;
      part_ends_q <= !far && near <= tile_left;
    end
  end

  wire unused_ok = &{1'b0, rows_i, depth_up};

  `SAT_STREAM(check_chunk, rst_n && !start_i, 1, chunk_valid_o, chunk_ready_i, chunk_last_o)
  `SAT_STREAM(check_line, rst_n && !start_i, 149, line_valid_o, line_ready_i,
              {line_o, line_last_o, part_row_o, part_rows_o, image_o, oy_o, ox_o, ky_o, kx_o,
               offset_o})

endmodule

`default_nettype wire
