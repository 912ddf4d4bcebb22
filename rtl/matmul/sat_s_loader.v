// SPDX-License-Identifier: Apache-2.0
// sat_s_loader: brings one plane of operand S (values or indices) from memory into its scratchpad.
// Rows of the plane are cut at the column tiles; each row of a tile becomes ceil(columns/COLS)
// words of COLS elements, appended to a ring. A row is requested when the ring has room for it
// (room comes back on release_i) and is announced on commit_o when its last word is written. Order:
// for each column tile, for each pass over it (one if it stays resident, else one per row tile),
// all rows; those of kernel positions that are not positions_i's are passed by, one position per
// cycle. The ring goes on from command to command; with skip_i a command has nothing to load, and
// its rows only take their place in the ring, as both planes have theirs at one address.
`default_nettype none
`include "sat_assert.vh"
`include "sat_buses.vh"

module sat_s_loader #(
  parameter integer COLS    = 8,
  parameter integer ELEM_W  = 16,    // bits of an element: 16 values, 4 indices
  parameter integer S_DEPTH = 4096,
  parameter integer ADDR_W  = 40,
  parameter integer DATA_W  = 128
) (
  input  wire                       clk,
  input  wire                       rst_n,
  // command, stable from start_i on, what is of columns from the cycle before, idle already
  input  wire                       start_i,
  input  wire [ADDR_W-1:0]          base_i,
  input  wire [23:0]                stride_i,
  input  wire [15:0]                cols_i,
  input  wire [24:0]                kept_i,       // rows, those passed by not counted
  // kernel positions; where all take part SPACING is 0, and their rows need not be told
  input  wire [`SAT_S_POSITIONS_BITS-1:0] positions_i,
  input  wire [24:0]                position_rows_i,
  input  wire [39:0]                position_bytes_i,
  input  wire [15:0]                col_tiles_i,
  input  wire [23:0]                passes_i,
  input  wire [2:0]                 t1_log2_i,
  input  wire                       skip_i,
  output wire                       idle_o,
  // read DMA client
  output wire                       req_valid_o,
  input  wire                       req_ready_i,
  output wire [ADDR_W-1:0]          req_addr_o,
  output wire [11:0]                req_beats_o,
  input  wire                       rsp_valid_i,
  output wire                       rsp_ready_o,
  input  wire [DATA_W-1:0]          rsp_data_i,
  // scratchpad write port
  output reg                        write_o,
  output reg  [$clog2(S_DEPTH)-1:0] write_addr_o,
  output reg  [COLS*ELEM_W-1:0]     write_word_o,
  // ring accounting
  output reg                        commit_o,
  input  wire                       release_i,
  input  wire [$clog2(S_DEPTH):0]   release_words_i
);

  localparam integer COLS_L  = $clog2(COLS);
  localparam integer ADDR_L  = $clog2(S_DEPTH);
  localparam integer BYTE_L  = $clog2(DATA_W / 8);
  localparam integer ELEM_L  = $clog2(ELEM_W);
  localparam integer WORD_L  = COLS_L + ELEM_L;            // bits of a word, log2
  localparam integer BEAT_L  = BYTE_L + 3;
  localparam integer UNIT_L  = (WORD_L < BEAT_L) ? COLS_L : BEAT_L - ELEM_L;  // elements, log2
  localparam integer COUNT_W = 12;
  localparam integer ROWS_L  = $clog2(DATA_W / 4);         // rows in flight, log2

  localparam [0:0] ST_IDLE = 1'd0, ST_ROWS = 1'd1;

  // ---- Requests
  // What ends with a row, and what is left of the ring behind it, is known before the row goes:
  // whether it goes is known late, and only selects.
  reg  [0:0]         state_q;
  reg  [15:0]        tiles_left_q;
  reg  [23:0]        passes_left_q;
  reg  [24:0]        rows_left_q;
  reg  [24:0]        position_left_q;  // rows of the kernel position from this one on
  reg                last_tile_q, last_pass_q, last_row_q, position_last_q;
  reg  [ADDR_W-1:0]  tile_addr_q, row_addr_q;
  reg  [3:0]         ky_q, kx_q;
  reg                taken_q;          // the kernel position takes part
  reg  [ADDR_L+1:0]  left_q;           // words of room in the ring behind this row, if any; signed
  reg  [ADDR_L:0]    words_q;          // of a row of this tile
  reg  [COUNT_W-1:0] units_q;          // the same in units

  wire [4:0]  span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0] span      = 17'd1 << span_log2;
  wire        pass_end, tile_end, position_end;

  // A row of the last tile has the rest of the columns, all others a span.
  wire [4:0]  span_units_log2 = COLS_L[4:0] - UNIT_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0] span_words = 17'd1 << t1_log2_i;
  wire [16:0] span_units = 17'd1 << span_units_log2;
  wire [16:0] last_col   = {1'b0, cols_i} - 17'd1;
  wire [16:0] rest_words = (last_col >> COLS_L & (span_words - 17'd1)) + 17'd1;
  wire [16:0] rest_units = (last_col >> UNIT_L & (span_units - 17'd1)) + 17'd1;

  // The tile behind this one; while nothing is loaded, the first.
  reg                then_last_q;
  reg  [ADDR_L:0]    rest_words_q;
  reg  [COUNT_W-1:0] rest_units_q;
  wire [ADDR_L:0]    then_words = then_last_q ? rest_words_q : span_words[ADDR_L:0];

  always @(posedge clk) begin
    rest_words_q <= rest_words[ADDR_L:0];
    rest_units_q <= rest_units[COUNT_W-1:0];
    if (start_i || tile_end) begin
      words_q <= then_words;
      units_q <= then_last_q ? rest_units_q : span_units[COUNT_W-1:0];
    end
  end

  wire [COUNT_W-1:0] start;
  wire [COUNT_W-1:0] beats;
  generate
    if (WORD_L < BEAT_L) begin : gen_sub_beat
      localparam integer RATIO_L = BEAT_L - WORD_L;
      assign start = {{COUNT_W-RATIO_L{1'b0}}, tile_addr_q[BYTE_L-1 -: RATIO_L]};
      localparam integer ROUND   = (1 << RATIO_L) - 1;
      assign beats = (start + units_q + ROUND[COUNT_W-1:0]) >> RATIO_L;
    end else begin : gen_whole_beats
      assign start = {COUNT_W{1'b0}};
      assign beats = units_q;
    end
  endgenerate

  wire pass_by = (state_q == ST_ROWS) && !taken_q;

  wire info_ready;
  wire offered  = (state_q == ST_ROWS) && taken_q && !left_q[ADDR_L+1] && info_ready;
  wire row_fire = offered && (skip_i || req_ready_i);
  // Once offered a request stays: room in ring and notes can only grow until it is taken.
  assign req_valid_o = offered && !skip_i;
  assign req_addr_o  = {row_addr_q[ADDR_W-1:BYTE_L], {BYTE_L{1'b0}}};
  assign req_beats_o = beats;

  wire [ADDR_W-1:0] stride    = {{ADDR_W-24{1'b0}}, stride_i};
  wire [ADDR_W-1:0] next_tile = tile_addr_q + ({{ADDR_W-17{1'b0}}, span} << ELEM_L >> 3);

  always @(posedge clk) begin
    if (!rst_n) state_q <= ST_IDLE;
    else if (start_i) state_q <= ST_ROWS;
    else if (row_fire && last_row_q && last_pass_q && last_tile_q) state_q <= ST_IDLE;
  end

  assign pass_end     = row_fire && last_row_q;
  assign tile_end     = pass_end && last_pass_q;
  assign position_end = pass_by || (row_fire && position_last_q);

  // The first kernel position, and the one after this.
  wire [2:0] mask    = (3'd1 << positions_i[`SAT_S_POSITIONS_SPACING]) - 3'd1;
  wire [2:0] first_y = positions_i[`SAT_S_POSITIONS_FIRST_Y];
  wire [2:0] first_x = positions_i[`SAT_S_POSITIONS_FIRST_X];
  wire       kx_last = kx_q + 4'd1 == positions_i[`SAT_S_POSITIONS_KERNEL_W];
  wire [3:0] ky_next = ky_q + {3'd0, kx_last};
  wire [3:0] kx_next = kx_last ? 4'd0 : kx_q + 4'd1;

  always @(posedge clk) begin
    if (start_i || pass_end) begin
      ky_q            <= 4'd0;
      kx_q            <= 4'd0;
      taken_q         <= ((first_y | first_x) & mask) == 3'd0;
      position_left_q <= position_rows_i;
      position_last_q <= position_rows_i == 25'd1;
    end else if (position_end) begin
      ky_q            <= ky_next;
      kx_q            <= kx_next;
      taken_q         <= (((ky_next[2:0] ^ first_y) | (kx_next[2:0] ^ first_x)) & mask) == 3'd0;
      position_left_q <= position_rows_i;
      position_last_q <= position_rows_i == 25'd1;
    end else if (row_fire) begin
      position_left_q <= position_left_q - 25'd1;
      position_last_q <= position_left_q == 25'd2;
    end
  end

  always @(posedge clk) begin
    if (start_i) begin
      tiles_left_q  <= col_tiles_i;
      last_tile_q   <= then_last_q;
      then_last_q   <= col_tiles_i == 16'd2;
      passes_left_q <= passes_i;
      last_pass_q   <= passes_i == 24'd1;
      rows_left_q   <= kept_i;
      last_row_q    <= kept_i == 25'd1;
      tile_addr_q   <= base_i;
      row_addr_q    <= base_i;
    end else if (state_q == ST_IDLE) begin
      then_last_q <= col_tiles_i == 16'd1;
    end else if (pass_by) begin
      row_addr_q  <= row_addr_q + position_bytes_i[ADDR_W-1:0];
    end else if (row_fire) begin
      rows_left_q <= rows_left_q - 25'd1;
      last_row_q  <= rows_left_q == 25'd2;
      row_addr_q  <= row_addr_q + stride;
      if (last_row_q) begin
        rows_left_q   <= kept_i;
        last_row_q    <= kept_i == 25'd1;
        row_addr_q    <= tile_addr_q;
        passes_left_q <= passes_left_q - 24'd1;
        last_pass_q   <= passes_left_q == 24'd2;
        if (last_pass_q) begin
          passes_left_q <= passes_i;
          last_pass_q   <= passes_i == 24'd1;
          tiles_left_q  <= tiles_left_q - 16'd1;
          last_tile_q   <= then_last_q;
          then_last_q   <= tiles_left_q == 16'd3;
          tile_addr_q   <= next_tile;
          row_addr_q    <= next_tile;
        end
      end
    end
  end

  wire [ADDR_L:0]   next_words = (state_q == ST_IDLE) ? then_words
                                 : !(last_row_q && last_pass_q) ? words_q
                                 : last_tile_q ? {ADDR_L+1{1'b0}} : then_words;
  wire [ADDR_L+1:0] left_stays = left_q + (release_i ? {1'b0, release_words_i} : {ADDR_L+2{1'b0}});
  wire [ADDR_L+1:0] left_goes  = left_stays - {1'b0, next_words};

  always @(posedge clk) begin
    if (!rst_n) left_q <= {1'b0, S_DEPTH[ADDR_L:0]};
    else left_q <= (start_i || row_fire) ? left_goes : left_stays;
  end

  // ---- Responses
  wire                   info_valid, row_done, word_valid;
  wire [COUNT_W-1:0]     info_start, info_units;
  wire [COLS*ELEM_W-1:0] word;
  wire [COUNT_W-1:0]     word_index;
  wire [ROWS_L:0]        count_unused;
  sat_fifo #(.WIDTH(2*COUNT_W), .DEPTH(1 << ROWS_L)) u_info (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (row_fire && !skip_i),
    .in_ready_o (info_ready),
    .in_data_i  ({start, units_q}),
    .out_valid_o(info_valid),
    .out_ready_i(row_done),
    .out_data_o ({info_start, info_units}),
    .count_o    (count_unused)
  );
  wire              beat_valid, beat_ready;
  wire [DATA_W-1:0] beat;
  generate
    if (WORD_L < BEAT_L) begin : gen_beats
      // A beat lasts for several words, for which nobody else on the bus should wait.
      wire [3:0] unused_beats;
      sat_fifo #(.WIDTH(DATA_W), .DEPTH(8)) u_beats (
        .clk        (clk),
        .rst_n      (rst_n),
        .flush_i    (1'b0),
        .in_valid_i (rsp_valid_i),
        .in_ready_o (rsp_ready_o),
        .in_data_i  (rsp_data_i),
        .out_valid_o(beat_valid),
        .out_ready_i(beat_ready),
        .out_data_o (beat),
        .count_o    (unused_beats)
      );
      wire unused_ok = &{1'b0, unused_beats};
    end else begin : gen_direct
      assign beat_valid  = rsp_valid_i;
      assign rsp_ready_o = beat_ready;
      assign beat        = rsp_data_i;
    end
  endgenerate
  sat_unpack #(.BEAT_W(DATA_W), .WORD_W(COLS*ELEM_W), .COUNT_W(COUNT_W)) u_unpack (
    .clk         (clk),
    .rst_n       (rst_n),
    .row_valid_i (info_valid),
    .row_start_i (info_start),
    .row_units_i (info_units),
    .row_done_o  (row_done),
    .beat_valid_i(beat_valid),
    .beat_ready_o(beat_ready),
    .beat_i      (beat),
    .word_valid_o(word_valid),
    .word_o      (word),
    .word_index_o(word_index)
  );

  reg [ADDR_L-1:0] next_addr_q;
  reg              commit_q;
  always @(posedge clk) begin
    if (!rst_n) next_addr_q <= {ADDR_L{1'b0}};
    else if (word_valid) next_addr_q <= next_addr_q + 1'b1;
    else if (row_fire && skip_i) next_addr_q <= next_addr_q + words_q[ADDR_L-1:0];
    write_addr_o <= next_addr_q;
    write_word_o <= word;
  end
  always @(posedge clk) begin
    if (!rst_n) begin
      write_o  <= 1'b0;
      commit_q <= 1'b0;
      commit_o <= 1'b0;
    end else begin
      write_o  <= word_valid;
      commit_q <= row_done;
      commit_o <= commit_q;
    end
  end

  assign idle_o = (state_q == ST_IDLE) && !info_valid;

  wire unused_ok = &{1'b0, count_unused, word_index, row_addr_q, rest_words, rest_units, span_words,
                     span_units};

  `SAT_ASSERT(ring_within_depth, rst_n,
              left_q + {1'b0, (state_q == ST_ROWS) ? words_q : {ADDR_L+1{1'b0}}}
              <= {1'b0, S_DEPTH[ADDR_L:0]})
  `SAT_REQUIRE(tiles_are_of_the_columns, rst_n && start_i,
               {1'b0, col_tiles_i} == (last_col >> span_log2) + 17'd1)
  `SAT_REQUIRE(columns_known_before, rst_n && start_i,
               then_last_q == (col_tiles_i == 16'd1) && rest_words_q == rest_words[ADDR_L:0]
               && rest_units_q == rest_units[COUNT_W-1:0])

endmodule

`default_nettype wire
