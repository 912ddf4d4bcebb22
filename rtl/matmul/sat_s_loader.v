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
  // command, stable from start_i on
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
  reg  [0:0]        state_q;
  reg  [15:0]       tiles_left_q;
  reg  [23:0]       passes_left_q;
  reg  [16:0]       cols_left_q;     // columns from this tile on
  reg  [24:0]       rows_left_q;
  reg  [ADDR_W-1:0] tile_addr_q, row_addr_q;
  reg  [3:0]        ky_q, kx_q;
  reg  [24:0]       position_left_q; // rows of the kernel position from this one on
  reg  [ADDR_L:0]   free_q;          // words of room in the ring

  wire [4:0]  span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0] span      = 17'd1 << span_log2;
  wire [16:0] tile_cols = (cols_left_q < span) ? cols_left_q : span;
  wire [16:0] row_words = (tile_cols + COLS[16:0] - 17'd1) >> COLS_L;
  wire        row_fits  = row_words[ADDR_L:0] <= free_q;
  wire        last_row  = rows_left_q == 25'd1;
  wire        last_pass = passes_left_q == 24'd1;
  wire        last_tile = tiles_left_q == 16'd1;

  wire [16:0]        unit_total = (tile_cols + (17'd1 << UNIT_L) - 17'd1) >> UNIT_L;
  wire [COUNT_W-1:0] unit_count     = unit_total[COUNT_W-1:0];
  wire [COUNT_W-1:0] start;
  wire [COUNT_W-1:0] beats;
  generate
    if (WORD_L < BEAT_L) begin : gen_sub_beat
      localparam integer RATIO_L = BEAT_L - WORD_L;
      assign start = {{COUNT_W-RATIO_L{1'b0}}, tile_addr_q[BYTE_L-1 -: RATIO_L]};
      localparam integer ROUND   = (1 << RATIO_L) - 1;
      assign beats = (start + unit_count + ROUND[COUNT_W-1:0]) >> RATIO_L;
    end else begin : gen_whole_beats
      assign start = {COUNT_W{1'b0}};
      assign beats = unit_count;
    end
  endgenerate

  wire [2:0] mask  = (3'd1 << positions_i[`SAT_S_POSITIONS_SPACING]) - 3'd1;
  wire       taken = (((ky_q[2:0] ^ positions_i[`SAT_S_POSITIONS_FIRST_Y])
                       | (kx_q[2:0] ^ positions_i[`SAT_S_POSITIONS_FIRST_X])) & mask) == 3'd0;
  wire       pass_by = (state_q == ST_ROWS) && !taken;

  wire info_ready;
  wire offered  = (state_q == ST_ROWS) && taken && row_fits && info_ready;
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
    else if (row_fire && last_row && last_pass && last_tile) state_q <= ST_IDLE;
  end

  wire pass_end     = row_fire && last_row;
  wire position_end = pass_by || (row_fire && position_left_q == 25'd1);
  wire kx_last      = kx_q + 4'd1 == positions_i[`SAT_S_POSITIONS_KERNEL_W];
  always @(posedge clk) begin
    if (start_i || pass_end) begin
      ky_q            <= 4'd0;
      kx_q            <= 4'd0;
      position_left_q <= position_rows_i;
    end else if (position_end) begin
      kx_q            <= kx_last ? 4'd0 : kx_q + 4'd1;
      if (kx_last) ky_q <= ky_q + 4'd1;
      position_left_q <= position_rows_i;
    end else if (row_fire) begin
      position_left_q <= position_left_q - 25'd1;
    end
  end

  always @(posedge clk) begin
    if (start_i) begin
      tiles_left_q  <= col_tiles_i;
      passes_left_q <= passes_i;
      cols_left_q   <= {1'b0, cols_i};
      rows_left_q   <= kept_i;
      tile_addr_q   <= base_i;
      row_addr_q    <= base_i;
    end else if (pass_by) begin
      row_addr_q  <= row_addr_q + position_bytes_i[ADDR_W-1:0];
    end else if (row_fire) begin
      rows_left_q <= rows_left_q - 25'd1;
      row_addr_q  <= row_addr_q + stride;
      if (last_row) begin
        rows_left_q   <= kept_i;
        row_addr_q    <= tile_addr_q;
        passes_left_q <= passes_left_q - 24'd1;
        if (last_pass) begin
          passes_left_q <= passes_i;
          tiles_left_q  <= tiles_left_q - 16'd1;
          cols_left_q   <= cols_left_q - span;
          tile_addr_q   <= next_tile;
          row_addr_q    <= next_tile;
        end
      end
    end
  end

  always @(posedge clk) begin
    if (!rst_n) free_q <= S_DEPTH[ADDR_L:0];
    else
      free_q <= free_q + (release_i ? release_words_i : {ADDR_L+1{1'b0}})
                       - (row_fire ? row_words[ADDR_L:0] : {ADDR_L+1{1'b0}});
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
    .in_data_i  ({start, unit_count}),
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
    else if (row_fire && skip_i) next_addr_q <= next_addr_q + row_words[ADDR_L-1:0];
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

  wire unused_ok = &{1'b0, count_unused, word_index, row_words, row_addr_q, unit_total};

  `SAT_ASSERT(ring_within_depth, rst_n && !idle_o, free_q <= S_DEPTH[ADDR_L:0])

endmodule

`default_nettype wire
