// SPDX-License-Identifier: Apache-2.0
// sat_a_loader: brings operand A from memory into the row banks of its scratchpad, in the chunks of
// sat_a_walk: the rows of one row tile times up to CHUNK_K reduction elements. A chunk is requested
// when the ring has room for it (room comes back on release_i) and no more than two full chunks
// wait unused (taken_i: one has begun to be used), so that A does not crowd out S when a command
// starts. It is announced on commit_o when its last word is written. One pass over A if it stays
// resident, else one per column tile. The ring goes on from command to command. With conv_i lines
// are pixels of a map, and one outside is not requested but written as zeros; the window_* inputs
// are otherwise zero.
// Chunk layout in a bank, W = ceil(elements/LANES) words per row: word t2*W + k/LANES, lane
// k%LANES of bank r is A[row][chunk start + k]. Row major memory fills whole words of one bank, and
// the row is r*2^t2_log2 + t2 of the tile; transposed memory fills one lane of many banks, and it
// is t2*ROWS + r. A chunk is an even number of words long, so it begins with an even one.
// Word w lies in word w/2 of one of the bank's two RAMs, of RAM w%2, or in the other one where t2
// is odd and W even: neighbouring words of a row, and words of a pair of row blocks, never meet.
`default_nettype none
`include "sat_assert.vh"
`include "sat_window.vh"

module sat_a_loader #(
  parameter integer ROWS    = 8,
  parameter integer A_DEPTH = 512,
  parameter integer CHUNK_K = 256,
  parameter integer ADDR_W  = 40,
  parameter integer DATA_W  = 128
) (
  input  wire                         clk,
  input  wire                         rst_n,
  // command, stable from start_i on
  input  wire                         start_i,
  input  wire                         trans_i,
  input  wire                         conv_i,
  input  wire [ADDR_W-1:0]            base_i,
  input  wire [23:0]                  stride_i,
  input  wire [23:0]                  rows_i,
  input  wire [23:0]                  depth_i,
  input  wire [7:0]                   k_segments_i,
  input  wire [23:0]                  position_rows_i,
  input  wire [23:0]                  row_tiles_i,
  input  wire [15:0]                  passes_i,
  input  wire [2:0]                   t2_log2_i,
  input  wire [15:0]                  map_h_i,
  input  wire [15:0]                  map_w_i,
  input  wire [15:0]                  out_h_i,
  input  wire [15:0]                  out_w_i,
  input  wire [3:0]                   kernel_w_i,
  input  wire [1:0]                   step_log2_i,
  input  wire [1:0]                   dilation_log2_i,
  input  wire [1:0]                   upsample_log2_i,
  input  wire [7:0]                   pad_top_i,  // signed
  input  wire [7:0]                   pad_left_i,
  output wire                         idle_o,
  // read DMA client
  output wire                         req_valid_o,
  input  wire                         req_ready_i,
  output wire [ADDR_W-1:0]            req_addr_o,
  output wire [11:0]                  req_beats_o,
  input  wire                         rsp_valid_i,
  input  wire                         rsp_two_i,  // also the next beat; not with trans_i
  output wire                         rsp_ready_o,
  input  wire [2*DATA_W-1:0]          rsp_data_i,
  // scratchpad write port: either words of one bank or a lane of many; RAM 1 above RAM 0
  output wire [2*ROWS-1:0]            write_bank_o,
  output reg  [DATA_W/16-1:0]         write_lane_o,
  output reg  [2*$clog2(A_DEPTH)-3:0] write_addr_o,
  output reg                          write_trans_o,
  output reg  [2*DATA_W-1:0]          write_beat_o,
  output wire [ROWS*16-1:0]           write_column_o,
  // ring accounting
  output reg                          commit_o,
  input  wire                         taken_i,
  input  wire [$clog2(A_DEPTH):0]     taken_words_i,
  input  wire                         release_i,
  input  wire [$clog2(A_DEPTH):0]     release_words_i
);

  localparam integer LANES    = DATA_W / 16;
  localparam integer LANES_L  = $clog2(LANES);
  localparam integer ROWS_L   = $clog2(ROWS);
  localparam integer ADDR_L   = $clog2(A_DEPTH);
  localparam integer UNIT     = (ROWS < LANES) ? ROWS : LANES;  // rows per transposed unit
  localparam integer UNIT_L   = $clog2(UNIT);
  localparam integer COUNT_W  = 12;
  localparam integer BYTE_L   = $clog2(DATA_W / 8);
  // In flight: one a cycle, while some wait for memory; with the widest bus, where they come behind
  // bursts of the vector engine, twice as many.
  localparam integer LINES    = (DATA_W == 512) ? 256 : 128;
  localparam integer LINES_L  = $clog2(LINES);
  localparam integer NOTE_W   = 2*ROWS_L + UNIT_L + LANES_L + 3*COUNT_W + 2;
  localparam integer NOTE_CYCLES = `SAT_PIXEL_ADDR_LATENCY;

  localparam integer CHUNK_L  = $clog2(CHUNK_K);
  localparam [COUNT_W-1:0] FULL_ROW = CHUNK_K[COUNT_W-1:0] / LANES[COUNT_W-1:0];

  // ---- Chunks: room in the ring
  // What a chunk takes, a segment's last one or one before, is known a cycle behind the command.
  // Room is taken a cycle after the chunk, whose first line comes before the next chunk does.
  wire              walk_idle, chunk_valid, chunk_last, line_valid, line_ready, line_last;
  wire [16:0]       part_row, part_rows, line;
  wire [23:0]       image, ox;
  wire [15:0]       oy;
  wire [3:0]        ky, kx;
  wire [24:0]       offset;
  reg  [ADDR_L-1:0] chunk_base_q, block_base_q;
  reg  [ADDR_L:0]   free_q;             // words of room in the ring
  reg  [ADDR_L+1:0] ahead_q;            // words requested and not yet taken

  reg  [COUNT_W-1:0] tail_row_q;        // words per row of a segment's last chunk
  reg  [16:0]        tail_words_q, full_words_q;  // of the last chunk, of one before
  reg                chunk_fire_q;
  wire [COUNT_W-1:0] tail_len   = {{COUNT_W-CHUNK_L{1'b0}}, depth_i[CHUNK_L-1:0]};
  wire [COUNT_W-1:0] tail_row   = (tail_len == {COUNT_W{1'b0}}) ? FULL_ROW
                                : (tail_len + LANES[COUNT_W-1:0] - 1'b1) >> LANES_L;
  wire [16:0]        tail_words = ({5'd0, tail_row} << t2_log2_i) + 17'd1;
  wire [16:0]        full_words = ({5'd0, FULL_ROW} << t2_log2_i) + 17'd1;
  always @(posedge clk) begin
    tail_row_q   <= tail_row;
    tail_words_q <= {tail_words[16:1], 1'b0};
    full_words_q <= {full_words[16:1], 1'b0};
  end

  wire [COUNT_W-1:0] row_words   = chunk_last ? tail_row_q : FULL_ROW;
  wire [16:0]        chunk_words = chunk_last ? tail_words_q : full_words_q;
  wire [17:0]        ahead_most  = {full_words_q, 1'b0} - {1'b0, chunk_words};
  wire               chunk_fits  = chunk_words[ADDR_L:0] <= free_q &&
                                   ahead_q <= ahead_most[ADDR_L+1:0];
  wire        line_fire   = line_valid && line_ready;
  wire [16:0] block_mask  = (17'd1 << t2_log2_i) - 17'd1;
  wire [16:0] block       = line & block_mask;
  wire        block_last  = block == block_mask;
  wire [16:0] bank        = line >> t2_log2_i;

  sat_a_walk #(
    .ROWS   (ROWS),
    .CHUNK_K(CHUNK_K)
  ) u_walk (
    .clk          (clk),
    .rst_n        (rst_n),
    .start_i      (start_i),
    .trans_i      (trans_i),
    .rows_i       (rows_i),
    .depth_i      (depth_i),
    .k_segments_i (k_segments_i),
    .position_rows_i(position_rows_i),
    .row_tiles_i  (row_tiles_i),
    .passes_i     (passes_i),
    .t2_log2_i    (t2_log2_i),
    .out_h_i      (out_h_i),
    .out_w_i      (out_w_i),
    .kernel_w_i   (kernel_w_i),
    .idle_o       (walk_idle),
    .chunk_valid_o(chunk_valid),
    .chunk_ready_i(chunk_fits),
    .chunk_last_o (chunk_last),
    .line_valid_o (line_valid),
    .line_ready_i (line_ready),
    .line_o       (line),
    .line_last_o  (line_last),
    .part_row_o   (part_row),
    .part_rows_o  (part_rows),
    .image_o      (image),
    .oy_o         (oy),
    .ox_o         (ox),
    .ky_o         (ky),
    .kx_o         (kx),
    .offset_o     (offset)
  );

  always @(posedge clk) begin
    if (!rst_n) begin
      chunk_base_q <= {ADDR_L{1'b0}};
      free_q       <= A_DEPTH[ADDR_L:0];
      ahead_q      <= {ADDR_L+2{1'b0}};
      chunk_fire_q <= 1'b0;
    end else begin
      chunk_fire_q <= chunk_valid && chunk_fits;
      if (line_fire && line_last) chunk_base_q <= chunk_base_q + chunk_words[ADDR_L-1:0];
      free_q  <= free_q + (release_i ? release_words_i : {ADDR_L+1{1'b0}})
                        - (chunk_fire_q ? chunk_words[ADDR_L:0] : {ADDR_L+1{1'b0}});
      ahead_q <= ahead_q + {1'b0, chunk_fire_q ? chunk_words[ADDR_L:0] : {ADDR_L+1{1'b0}}}
                         - {1'b0, taken_i ? taken_words_i : {ADDR_L+1{1'b0}}};
    end
    if (chunk_valid || (line_fire && block_last)) block_base_q <= chunk_base_q;
    else if (line_fire) block_base_q <= block_base_q + row_words[ADDR_L-1:0];
  end

  // ---- Lines: each leaves a note of where its beats go, and a request unless it is outside
  // Of transposed memory a line is part_rows values long and may begin within a beat, and within a
  // unit: `lead` values of that are not the part's. The unit's first would go to row first_row.
  wire [UNIT_L-1:0]  lead         = trans_i ? offset[UNIT_L:1] : {UNIT_L{1'b0}};
  wire [COUNT_W-1:0] part_end     = part_rows[COUNT_W-1:0] + {{COUNT_W-UNIT_L{1'b0}}, lead};
  wire [COUNT_W-1:0] part_last    = part_end - 1'b1;
  wire [COUNT_W-1:0] column_units = (part_end + UNIT[COUNT_W-1:0] - 1'b1) >> UNIT_L;
  wire [16:0]        first_row    = part_row - {{17-UNIT_L{1'b0}}, lead};
  wire [COUNT_W-1:0] line_start, line_units, note_start, note_units, note_beats;
  wire [NOTE_W-1:0]  note;
  wire [ADDR_W-1:0]  addr;
  wire               note_valid, outside;
  wire               zero = outside && conv_i;
  assign line_units = trans_i ? column_units : row_words;
  assign {note_start, note_units} = note[2*COUNT_W-1:0];
  generate
    if (ROWS < LANES) begin : gen_sub_beat
      localparam integer RATIO_L = LANES_L - ROWS_L;
      localparam integer ROUND   = LANES / ROWS - 1;
      wire [COUNT_W-1:0] column_beats = (note_start + note_units + ROUND[COUNT_W-1:0]) >> RATIO_L;
      assign line_start = {{COUNT_W-RATIO_L{1'b0}}, offset[BYTE_L-1:BYTE_L-RATIO_L]};
      assign note_beats = trans_i ? column_beats : note_units;
    end else begin : gen_whole_beats
      assign line_start = {COUNT_W{1'b0}};
      assign note_beats = note_units;
    end
  endgenerate

  sat_pixel_addr #(.ADDR_W(ADDR_W)) u_pixel_addr (
    .clk            (clk),
    .base_i         (base_i),
    .stride_i       (stride_i),
    .map_h_i        (map_h_i),
    .map_w_i        (map_w_i),
    .step_log2_i    (step_log2_i),
    .dilation_log2_i(dilation_log2_i),
    .upsample_log2_i(upsample_log2_i),
    .pad_top_i      (pad_top_i),
    .pad_left_i     (pad_left_i),
    .image_i        (image),
    .oy_i           (oy),
    .ox_i           (ox),
    .ky_i           (ky),
    .kx_i           (kx),
    .offset_i       (offset),
    .addr_o         (addr),
    .outside_o      (outside)
  );
  sat_valid_delay #(.WIDTH(1), .CYCLES(NOTE_CYCLES)) u_note_valid (
    .clk  (clk),
    .rst_n(rst_n),
    .in_i (line_fire),
    .out_o(note_valid)
  );
  sat_delay #(.WIDTH(NOTE_W), .CYCLES(NOTE_CYCLES)) u_note (
    .clk  (clk),
    .in_i ({line_last, trans_i ? first_row[ROWS_L] : block[0],
            trans_i ? first_row[ROWS_L-1:0] : bank[ROWS_L-1:0], part_last[ROWS_L-1:0], lead,
            line[LANES_L-1:0], row_words, line_start, line_units}),
    .out_o(note)
  );

  // Where in the ring, through a multiplier: the block that a part begins in is signed, -1 if only
  // values before the part would be there.
  wire signed [4:0]        first_block = first_row[ROWS_L +: 5];
  reg  signed [4:0]        s1_block_q;
  reg  signed [ADDR_L-1:0] s1_words_q, s2_rows_q;
  reg         [ADDR_L-1:0] s1_base_q, s2_base_q, s3_addr_q;
  wire        [ADDR_L-1:0] note_addr;
  always @(posedge clk) begin
    s1_block_q <= trans_i ? first_block : 5'sd0;
    s1_words_q <= $signed(row_words[ADDR_L-1:0]);
    s1_base_q  <= trans_i ? chunk_base_q + line[LANES_L +: ADDR_L] : block_base_q;
    s2_rows_q  <= s1_block_q * s1_words_q;
    s2_base_q  <= s1_base_q;
    s3_addr_q  <= s2_base_q + s2_rows_q;
  end
  sat_delay #(.WIDTH(ADDR_L), .CYCLES(NOTE_CYCLES - 3)) u_note_addr (
    .clk  (clk),
    .in_i (s3_addr_q),
    .out_o(note_addr)
  );

  // A line is let in when both queues are sure to have room for it.
  reg  [LINES_L:0] lines_q;
  wire             info_done;
  assign line_ready = !lines_q[LINES_L];
  always @(posedge clk) begin
    if (!rst_n) lines_q <= {LINES_L+1{1'b0}};
    else lines_q <= lines_q + {{LINES_L{1'b0}}, line_fire} - {{LINES_L{1'b0}}, info_done};
  end

  wire             request_ready, notes_ready;
  wire [LINES_L:0] requests_unused, notes_unused;
  sat_fifo #(.WIDTH(ADDR_W - BYTE_L + COUNT_W), .DEPTH(LINES)) u_requests (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (note_valid && !zero),
    .in_ready_o (request_ready),
    .in_data_i  ({note_beats, addr[ADDR_W-1:BYTE_L]}),
    .out_valid_o(req_valid_o),
    .out_ready_i(req_ready_i),
    .out_data_o ({req_beats_o, req_addr_o[ADDR_W-1:BYTE_L]}),
    .count_o    (requests_unused)
  );
  assign req_addr_o[BYTE_L-1:0] = {BYTE_L{1'b0}};

  // ---- Responses: the line whose beats come next stands in registers
  localparam integer INFO_W = 1 + ADDR_L + NOTE_W;

  wire               next_valid, info_zero, info_last, info_odd;
  wire [INFO_W-1:0]  next_info;
  wire [ADDR_L-1:0]  info_addr;
  wire [ROWS_L-1:0]  info_bank, info_part_last;
  wire [UNIT_L-1:0]  info_lead;
  wire [LANES_L-1:0] info_lane;
  wire [COUNT_W-1:0] info_start, info_units, info_step;
  reg                info_valid_q;
  reg  [INFO_W-1:0]  info_q;
  wire               info_free = !info_valid_q || info_done;
  sat_fifo #(.WIDTH(INFO_W), .DEPTH(LINES)) u_notes (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (note_valid),
    .in_ready_o (notes_ready),
    .in_data_i  ({zero, note_addr, note}),
    .out_valid_o(next_valid),
    .out_ready_i(info_free),
    .out_data_o (next_info),
    .count_o    (notes_unused)
  );
  always @(posedge clk) begin
    if (!rst_n) info_valid_q <= 1'b0;
    else if (info_free) info_valid_q <= next_valid;
    if (info_free) info_q <= next_info;
  end
  assign {info_zero, info_addr, info_last, info_odd, info_bank, info_part_last, info_lead,
          info_lane, info_step, info_start, info_units} = info_q;

  // One or two beats.
  reg  [ADDR_L-1:0]   beat_q;           // of the row
  reg  [COUNT_W-1:0]  upto_q, next_q;   // beats of it, with this one; and with one more
  wire                one_left   = upto_q == info_units;
  wire                two_left   = next_q == info_units;
  wire                beat_valid = rsp_valid_i || info_zero;
  wire                two        = info_zero ? !one_left : rsp_two_i;
  wire [2*DATA_W-1:0] beats      = info_zero ? {2*DATA_W{1'b0}} : rsp_data_i;

  // Row major: beat b of the row is word b of its block.
  wire               row_beat = beat_valid && info_valid_q && !trans_i;
  wire               row_done = row_beat && (two ? two_left : one_left);
  // Transposed: each word goes to the block behind that of the word before.
  wire               column_done, column_ready, word_valid;
  wire [ROWS*16-1:0] word;
  wire [COUNT_W-1:0] word_index;
  reg  [ADDR_L-1:0]  step_q;            // word_index * words per row
  sat_unpack #(.BEAT_W(DATA_W), .WORD_W(ROWS*16), .COUNT_W(COUNT_W)) u_unpack (
    .clk         (clk),
    .rst_n       (rst_n),
    .row_valid_i (info_valid_q && trans_i),
    .row_start_i (info_start),
    .row_units_i (info_units),
    .row_done_o  (column_done),
    .beat_valid_i(beat_valid),
    .beat_ready_o(column_ready),
    .beat_i      (beats[DATA_W-1:0]),
    .word_valid_o(word_valid),
    .word_o      (word),
    .word_index_o(word_index)
  );
  assign info_done   = trans_i ? column_done : row_done;
  assign rsp_ready_o = !info_zero && (trans_i ? column_ready : info_valid_q);

  always @(posedge clk) begin
    if (!rst_n || row_done) begin
      beat_q <= {ADDR_L{1'b0}};
      upto_q <= {{COUNT_W-1{1'b0}}, 1'b1};
      next_q <= {{COUNT_W-2{1'b0}}, 2'd2};
    end else if (row_beat) begin
      beat_q <= beat_q + 1'b1 + {{ADDR_L-1{1'b0}}, two};
      upto_q <= two ? next_q + 1'b1 : next_q;
      next_q <= next_q + 1'b1 + {{COUNT_W-1{1'b0}}, two};
    end
  end
  always @(posedge clk) begin
    if (column_done || !info_valid_q) step_q <= {ADDR_L{1'b0}};
    else if (word_valid) step_q <= step_q + info_step[ADDR_L-1:0];
  end

  wire [ADDR_L-1:0] first  = info_addr + (trans_i ? step_q : beat_q);
  wire [ADDR_L-1:0] second = first + (trans_i ? info_step[ADDR_L-1:0] : {{ADDR_L-1{1'b0}}, 1'b1});
  wire              odd    = info_odd ^ (trans_i && word_index[0]);
  wire              swap   = first[0] ^ (odd && !info_step[0]);

  // Of a column's first and last word not all values are the part's.
  wire [ROWS-1:0]   from     = (word_index == {COUNT_W{1'b0}}) ? {ROWS{1'b1}} << info_lead
                                                               : {ROWS{1'b1}};
  wire [ROWS-1:0]   to       = column_done ? ~({ROWS{1'b1}} << info_part_last << 1) : {ROWS{1'b1}};

  reg               commit_q, two_q, swap_q;
  reg  [ROWS-1:0]   banks_q;
  reg  [ROWS_L-1:0] rotate_q;
  reg  [ROWS*16-1:0] word_q;
  always @(posedge clk) begin
    if (!rst_n) begin
      banks_q  <= {ROWS{1'b0}};
      commit_q <= 1'b0;
      commit_o <= 1'b0;
    end else begin
      banks_q  <= trans_i ? {ROWS{word_valid}} & from & to
                          : {{ROWS-1{1'b0}}, row_beat} << info_bank;
      commit_q <= info_done && info_last;
      commit_o <= commit_q;
    end
    two_q         <= two && !trans_i;
    swap_q        <= swap;
    rotate_q      <= trans_i ? info_bank : {ROWS_L{1'b0}};
    word_q        <= word;
    write_lane_o  <= trans_i ? {{LANES-1{1'b0}}, 1'b1} << info_lane : {LANES{1'b1}};
    write_addr_o  <= swap ? {first[ADDR_L-1:1], second[ADDR_L-1:1]}
                          : {second[ADDR_L-1:1], first[ADDR_L-1:1]};
    write_trans_o <= trans_i;
    write_beat_o  <= swap ? {beats[DATA_W-1:0], beats[2*DATA_W-1:DATA_W]} : beats;
  end

  // A column begins at any row of the tile: it is rotated, and what wraps around belongs to the
  // next block, which is in the other RAM.
  wire [2*ROWS-1:0]    banks   = {banks_q, banks_q} << rotate_q;
  wire [2*ROWS*16-1:0] rotated = {word_q, word_q} << {rotate_q, 4'd0};
  wire [ROWS-1:0]      ram     = {ROWS{swap_q}} ^ ~({ROWS{1'b1}} << rotate_q);
  assign write_bank_o   = {banks[ROWS +: ROWS] & (ram | {ROWS{two_q}}),
                           banks[ROWS +: ROWS] & (~ram | {ROWS{two_q}})};
  assign write_column_o = rotated[ROWS*16 +: ROWS*16];

  assign idle_o = walk_idle && (lines_q == {LINES_L+1{1'b0}});

  wire unused_ok = &{1'b0, request_ready, notes_ready, requests_unused, notes_unused, depth_i,
                     chunk_words, row_words, tail_words[0], full_words[0], ahead_most, part_row,
                     part_rows, part_last, first_row, line, block, bank, offset, note_start, addr,
                     info_step, second[0], banks, rotated};

  `SAT_ASSERT(ring_within_depth, rst_n && !idle_o, free_q <= A_DEPTH[ADDR_L:0])

endmodule

`default_nettype wire
