// SPDX-License-Identifier: Apache-2.0
// sat_a_loader: brings operand A from memory into the row banks of its scratchpad. A is loaded in
// chunks: the rows of one row tile times up to CHUNK_K reduction elements. A chunk is requested
// when the ring has room for it (room comes back on release_i) and no more than two full chunks
// wait unused (taken_i: one has begun to be used), so that A does not crowd out S when a command
// starts. It is announced on commit_o when its last word is written. Order: for each pass, row
// tile, chunk; one pass if A stays resident, else one per column tile. Chunk layout in a bank, W =
// ceil(elements/LANES) words per row: word t2*W + k/LANES, lane k%LANES of bank r is A[tile row
// t2*ROWS + r][chunk start + k]; row major memory fills whole words of one bank, transposed memory
// one lane of all banks.
`default_nettype none

module sat_a_loader #(
  parameter integer ROWS    = 8,
  parameter integer A_DEPTH = 512,
  parameter integer CHUNK_K = 256,
  parameter integer ADDR_W  = 40,
  parameter integer DATA_W  = 128
) (
  input  wire                       clk,
  input  wire                       rst_n,
  // command, stable from start_i on
  input  wire                       start_i,
  input  wire                       trans_i,
  input  wire [ADDR_W-1:0]          base_i,
  input  wire [23:0]                stride_i,
  input  wire [15:0]                rows_i,
  input  wire [15:0]                depth_i,
  input  wire [15:0]                row_tiles_i,
  input  wire [15:0]                passes_i,
  input  wire [2:0]                 t2_log2_i,
  output wire                       idle_o,
  // read DMA client
  output wire                       req_valid_o,
  input  wire                       req_ready_i,
  output wire [ADDR_W-1:0]          req_addr_o,
  output wire [11:0]                req_beats_o,
  input  wire                       rsp_valid_i,
  output wire                       rsp_ready_o,
  input  wire [DATA_W-1:0]          rsp_data_i,
  // scratchpad write port: either a word of one bank or a lane of every bank
  output reg  [ROWS-1:0]            write_bank_o,
  output reg  [DATA_W/16-1:0]       write_lane_o,
  output reg  [$clog2(A_DEPTH)-1:0] write_addr_o,
  output reg                        write_trans_o,
  output reg  [DATA_W-1:0]          write_beat_o,
  output reg  [ROWS*16-1:0]         write_column_o,
  // ring accounting
  output reg                        commit_o,
  input  wire                       taken_i,
  input  wire [$clog2(A_DEPTH):0]   taken_words_i,
  input  wire                       release_i,
  input  wire [$clog2(A_DEPTH):0]   release_words_i
);

  localparam integer LANES    = DATA_W / 16;
  localparam integer LANES_L  = $clog2(LANES);
  localparam integer ROWS_L   = $clog2(ROWS);
  localparam integer ADDR_L   = $clog2(A_DEPTH);
  localparam integer UNIT     = (ROWS < LANES) ? ROWS : LANES;  // rows per transposed unit
  localparam integer UNIT_L   = $clog2(UNIT);
  localparam integer COUNT_W  = 12;
  localparam integer BYTE_L   = $clog2(DATA_W / 8);
  localparam integer INFO_W   = ADDR_L + ROWS_L + LANES_L + 2*COUNT_W + COUNT_W + 1;

  localparam [1:0] ST_IDLE = 2'd0, ST_CHUNK = 2'd1, ST_ROWS = 2'd2;

  // ---- Requests ---------------------------------------------------------------------------
  reg  [1:0]        state_q;
  reg  [15:0]       passes_left_q, tiles_left_q;
  reg  [16:0]       rows_left_q;        // rows of A from this tile on
  reg  [16:0]       depth_left_q;       // reduction elements from this chunk on
  reg  [ADDR_W-1:0] tile_addr_q, chunk_addr_q, row_addr_q;
  reg  [ADDR_L-1:0] chunk_base_q, block_base_q;
  reg  [16:0]       row_q;              // row (or reduction element, if transposed) of the chunk
  reg  [ADDR_L:0]   free_q;             // words of room in the ring
  reg  [ADDR_L+1:0] ahead_q;            // words requested and not yet taken

  wire [4:0]  span_log2  = ROWS_L[4:0] + {2'd0, t2_log2_i};
  wire [16:0] span       = 17'd1 << span_log2;
  wire [16:0] tile_rows  = (rows_left_q < span) ? rows_left_q : span;
  wire [16:0] chunk_len  = (depth_left_q < CHUNK_K[16:0]) ? depth_left_q : CHUNK_K[16:0];
  wire [16:0] row_words  = (chunk_len + LANES[16:0] - 17'd1) >> LANES_L;
  wire [16:0] chunk_words = row_words << t2_log2_i;
  wire [16:0] ahead_max  = (2 * CHUNK_K[16:0] / LANES[16:0]) << t2_log2_i;
  wire        chunk_fits = (chunk_words[ADDR_L:0] <= free_q) &&
                           ({1'b0, chunk_words[ADDR_L:0]} + ahead_q <= ahead_max[ADDR_L+1:0]);
  wire        chunk_fire = (state_q == ST_CHUNK) && chunk_fits;
  wire        last_row   = row_q + 17'd1 == (trans_i ? chunk_len : tile_rows);
  wire        last_chunk = depth_left_q <= CHUNK_K[16:0];
  wire        last_tile  = tiles_left_q == 16'd1;
  wire        last_pass  = passes_left_q == 16'd1;

  wire [COUNT_W-1:0] column_units = (tile_rows[COUNT_W-1:0] + UNIT[COUNT_W-1:0] - 1'b1) >> UNIT_L;
  wire [COUNT_W-1:0] column_start;
  wire [COUNT_W-1:0] column_beats;
  generate
    if (ROWS < LANES) begin : gen_sub_beat
      localparam integer RATIO_L = LANES_L - ROWS_L;
      assign column_start = {{COUNT_W-RATIO_L{1'b0}}, row_addr_q[BYTE_L-1:BYTE_L-RATIO_L]};
      localparam integer ROUND   = LANES / ROWS - 1;
      assign column_beats = (column_start + column_units + ROUND[COUNT_W-1:0]) >> RATIO_L;
    end else begin : gen_whole_beats
      assign column_start = {COUNT_W{1'b0}};
      assign column_beats = column_units;
    end
  endgenerate

  wire info_ready;
  wire requesting = state_q == ST_ROWS;
  wire row_fire   = requesting && req_ready_i && info_ready;
  assign req_valid_o = requesting && info_ready;
  assign req_addr_o  = {row_addr_q[ADDR_W-1:BYTE_L], {BYTE_L{1'b0}}};
  assign req_beats_o = trans_i ? column_beats : row_words[11:0];

  wire [ADDR_W-1:0] stride    = {{ADDR_W-24{1'b0}}, stride_i};
  wire [ADDR_W-1:0] next_tile = tile_addr_q + (trans_i ? {{ADDR_W-18{1'b0}}, span, 1'b0}
                                                       : stride << span_log2);
  wire [ADDR_W-1:0] next_chunk = chunk_addr_q + 2*CHUNK_K;

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q <= ST_IDLE;
    end else begin
      case (state_q)
        ST_IDLE:  if (start_i) state_q <= ST_CHUNK;
        ST_CHUNK: if (chunk_fits) state_q <= ST_ROWS;
        default:
          if (row_fire && last_row)
            state_q <= (last_chunk && last_tile && last_pass) ? ST_IDLE : ST_CHUNK;
      endcase
    end
  end

  always @(posedge clk) begin
    if (start_i) begin
      passes_left_q <= passes_i;
      tiles_left_q  <= row_tiles_i;
      rows_left_q   <= {1'b0, rows_i};
      depth_left_q  <= {1'b0, depth_i};
      tile_addr_q   <= base_i;
      chunk_addr_q  <= base_i;
      row_addr_q    <= base_i;
      chunk_base_q  <= {ADDR_L{1'b0}};
      row_q         <= 17'd0;
    end else if (row_fire) begin
      row_q      <= row_q + 17'd1;
      row_addr_q <= row_addr_q + stride;
      if (&row_q[ROWS_L-1:0]) block_base_q <= block_base_q + row_words[ADDR_L-1:0];
      if (last_row) begin
        row_q        <= 17'd0;
        chunk_base_q <= chunk_base_q + chunk_words[ADDR_L-1:0];
        depth_left_q <= depth_left_q - CHUNK_K[16:0];
        chunk_addr_q <= next_chunk;
        if (!trans_i) row_addr_q <= next_chunk;
        if (last_chunk) begin
          depth_left_q <= {1'b0, depth_i};
          tiles_left_q <= tiles_left_q - 16'd1;
          rows_left_q  <= rows_left_q - span;
          tile_addr_q  <= next_tile;
          chunk_addr_q <= next_tile;
          row_addr_q   <= next_tile;
          if (last_tile) begin
            passes_left_q <= passes_left_q - 16'd1;
            tiles_left_q  <= row_tiles_i;
            rows_left_q   <= {1'b0, rows_i};
            tile_addr_q   <= base_i;
            chunk_addr_q  <= base_i;
            row_addr_q    <= base_i;
          end
        end
      end
    end
    if (state_q == ST_CHUNK) block_base_q <= chunk_base_q;
  end

  always @(posedge clk) begin
    if (start_i) begin
      free_q  <= A_DEPTH[ADDR_L:0];
      ahead_q <= {ADDR_L+2{1'b0}};
    end else begin
      free_q  <= free_q + (release_i ? release_words_i : {ADDR_L+1{1'b0}})
                        - (chunk_fire ? chunk_words[ADDR_L:0] : {ADDR_L+1{1'b0}});
      ahead_q <= ahead_q + {1'b0, chunk_fire ? chunk_words[ADDR_L:0] : {ADDR_L+1{1'b0}}}
                         - {1'b0, taken_i ? taken_words_i : {ADDR_L+1{1'b0}}};
    end
  end

  // ---- Responses: each request left a note of where its beats go ----------------------------
  wire                info_valid, info_last, info_done;
  wire [ADDR_L-1:0]   info_addr, note_addr;
  wire [ROWS_L-1:0]   info_bank;
  wire [LANES_L-1:0]  info_lane;
  wire [COUNT_W-1:0]  info_start, info_units, info_step;
  assign note_addr = trans_i ? chunk_base_q + row_q[LANES_L +: ADDR_L] : block_base_q;
  wire [5:0] count_unused;
  sat_fifo #(.WIDTH(INFO_W), .DEPTH(32)) u_info (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (start_i),
    .in_valid_i (row_fire),
    .in_ready_o (info_ready),
    .in_data_i  ({last_row, note_addr, row_q[ROWS_L-1:0], row_q[LANES_L-1:0],
                  column_start, trans_i ? column_units : row_words[COUNT_W-1:0],
                  row_words[COUNT_W-1:0]}),
    .out_valid_o(info_valid),
    .out_ready_i(info_done),
    .out_data_o ({info_last, info_addr, info_bank, info_lane, info_start, info_units, info_step}),
    .count_o    (count_unused)
  );

  // Row major: beat b of the row is word b of its block.
  reg  [COUNT_W-1:0] beat_q;
  wire               row_beat  = rsp_valid_i && info_valid && !trans_i;
  wire               row_done  = row_beat && (beat_q + 1'b1 == info_units);
  // Transposed: word t2 of the column goes to block t2.
  wire               column_done, column_ready, word_valid;
  wire [ROWS*16-1:0] word;
  wire [COUNT_W-1:0] word_index;
  reg  [ADDR_L-1:0]  step_q;            // word_index * words per row
  sat_unpack #(.BEAT_W(DATA_W), .WORD_W(ROWS*16), .COUNT_W(COUNT_W)) u_unpack (
    .clk         (clk),
    .rst_n       (rst_n),
    .row_valid_i (info_valid && trans_i),
    .row_start_i (info_start),
    .row_units_i (info_units),
    .row_done_o  (column_done),
    .beat_valid_i(rsp_valid_i),
    .beat_ready_o(column_ready),
    .beat_i      (rsp_data_i),
    .word_valid_o(word_valid),
    .word_o      (word),
    .word_index_o(word_index)
  );
  assign info_done   = trans_i ? column_done : row_done;
  assign rsp_ready_o = trans_i ? column_ready : info_valid;

  always @(posedge clk) begin
    if (!rst_n) beat_q <= {COUNT_W{1'b0}};
    else if (row_beat) beat_q <= row_done ? {COUNT_W{1'b0}} : beat_q + 1'b1;
  end
  always @(posedge clk) begin
    if (column_done || !info_valid) step_q <= {ADDR_L{1'b0}};
    else if (word_valid) step_q <= step_q + info_step[ADDR_L-1:0];
  end

  reg commit_q;
  always @(posedge clk) begin
    if (!rst_n) begin
      write_bank_o <= {ROWS{1'b0}};
      commit_q     <= 1'b0;
      commit_o     <= 1'b0;
    end else begin
      write_bank_o <= trans_i ? {ROWS{word_valid}}
                              : {{ROWS-1{1'b0}}, row_beat} << info_bank;
      commit_q     <= info_done && info_last;
      commit_o     <= commit_q;
    end
    write_lane_o   <= trans_i ? {{LANES-1{1'b0}}, 1'b1} << info_lane : {LANES{1'b1}};
    write_addr_o   <= info_addr + (trans_i ? step_q : beat_q[ADDR_L-1:0]);
    write_trans_o  <= trans_i;
    write_beat_o   <= rsp_data_i;
    write_column_o <= word;
  end

  assign idle_o = (state_q == ST_IDLE) && !info_valid;

  wire unused_ok = &{1'b0, count_unused, word_index, chunk_words, row_words,
                     row_addr_q, info_step, ahead_max};

endmodule

`default_nettype wire
