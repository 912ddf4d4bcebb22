// SPDX-License-Identifier: Apache-2.0
// sat_map_cache: between the A loader and the read DMA. A convolution sees a pixel once per kernel
// position and column tile: with cache_i (it, pairs_i and channels_i stable from start_i to idle_o,
// after the last response) lines are kept, so that what fits is read from memory once per command.
// A line is 64 bytes, or two beats if that is more. Of two beats only those are read that are
// wanted; else those that hold channels, as a line belongs to one pixel.
// The cache is direct mapped. Without cache_i the ports are connected. A line is looked up per
// cycle, the first of a request in the cycle after it; a miss asks the DMA at once, and only for
// what the fill queues have room for, so that DMA data never waits behind hits. Beats leave in
// request order, three cycles after the request at the earliest; with pairs_i two per cycle that
// are an aligned pair, else one. Lines are replaced in that order too: an earlier hit still finds
// the old one.
// Each command has its own generation, part of the tags: start_i forgets all lines. The tags are
// cleared after reset and when the generations are used up.
`default_nettype none
`include "sat_defs.vh"

module sat_map_cache #(
  parameter integer CACHE_LINES = 2048,  // of 64 bytes; power of two, >= 16
  parameter integer ADDR_W      = 40,
  parameter integer DATA_W      = 128
) (
  input  wire                clk,
  input  wire                rst_n,
  input  wire                start_i,
  input  wire                cache_i,
  input  wire                pairs_i,
  input  wire [23:0]         channels_i, // FP16 values of a pixel
  output wire                idle_o,     // no line is on its way
  output wire                sweep_o,    // the tags are being cleared
  // the loader, a read client
  input  wire                req_valid_i,
  output wire                req_ready_o,
  input  wire [ADDR_W-1:0]   req_addr_i,
  input  wire [11:0]         req_beats_i,
  output wire                rsp_valid_o,
  output wire                rsp_two_o,  // there is a second beat, above the first
  input  wire                rsp_ready_i,
  output wire [2*DATA_W-1:0] rsp_data_o,
  // read DMA client
  output wire                dma_req_valid_o,
  input  wire                dma_req_ready_i,
  output wire [ADDR_W-1:0]   dma_req_addr_o,
  output wire [11:0]         dma_req_beats_o,
  input  wire                dma_rsp_valid_i,
  output wire                dma_rsp_ready_o,
  input  wire [DATA_W-1:0]   dma_rsp_data_i
);

  localparam integer BEAT_L     = $clog2(DATA_W / 8);
  localparam integer ALIGN_L    = $clog2(`SAT_TENSOR_ALIGN);
  localparam integer LINE_L     = (BEAT_L + 1 > ALIGN_L) ? BEAT_L + 1 : ALIGN_L;
  localparam integer BEATS      = 1 << (LINE_L - BEAT_L);
  localparam integer STEP_W     = $clog2(BEATS);             // of a place in a line
  localparam integer LINES      = CACHE_LINES >> (LINE_L - ALIGN_L);
  localparam integer INDEX_W    = $clog2(LINES);
  localparam integer LINE_W     = ADDR_W - LINE_L;
  localparam integer GEN_W      = 8;
  localparam integer PARTS      = (LINE_L > ALIGN_L) ? 2 : 1;  // of a line, present or not
  localparam integer TAG_W      = GEN_W + LINE_W - INDEX_W;
  localparam integer WORD_W     = PARTS + TAG_W;
  localparam integer LINE_VALUES = 1 << (LINE_L - 1);        // FP16
  localparam integer FILL_BEATS = 128 * PARTS;               // in flight
  localparam integer FILL_LINES = FILL_BEATS * PARTS / BEATS;
  localparam integer FILL_W     = $clog2(FILL_BEATS);
  localparam integer FILL_DEPTH = FILL_LINES * BEATS / 2;    // of lower or upper beats, at most
  localparam integer FILL_L     = $clog2(FILL_DEPTH);

  localparam [GEN_W-1:0]  GEN_NONE = {GEN_W{1'b0}}, GEN_FIRST = 1;
  localparam [31:0]       BEATS_WORD = BEATS;
  localparam [STEP_W-1:0] LAST_STEP  = BEATS_WORD[STEP_W-1:0] - 1'b1, ONE_STEP = 1;

  generate
    if (CACHE_LINES < 16 || (1 << INDEX_W) != LINES) begin : gen_check
      sat_error_cache_lines_must_be_a_power_of_two u_error ();
    end
  endgenerate

  // ---- Lookup
  localparam [1:0] ST_SWEEP = 2'd0, ST_IDLE = 2'd1, ST_LOOKUP = 2'd2;

  reg  [1:0]         state_q;
  reg  [INDEX_W-1:0] sweep_q;
  reg  [GEN_W-1:0]   gen_q;
  reg  [LINE_W-1:0]  line_q;        // under lookup
  reg  [STEP_W-1:0]  first_q;       // beat wanted first
  reg  [11:0]        left_q;        // beats of the request from here on
  reg  [FILL_W:0]    filling_q;     // beats of what is asked for and not yet in the data RAM
  reg                bypass_q;      // the tag was read while it was written: it is this one
  reg  [WORD_W-1:0]  bypass_word_q;

  wire [WORD_W-1:0]  word;          // parts, tag
  wire               entry_ready;
  wire [STEP_W-1:0]  miss_first, miss_last, unread;
  wire [INDEX_W-1:0] index     = line_q[INDEX_W-1:0];
  wire [LINE_W-1:0]  next_line = line_q + 1'b1;
  wire [TAG_W-1:0]   wanted    = {gen_q, line_q[LINE_W-1:INDEX_W]};
  wire [WORD_W-1:0]  found     = bypass_q ? bypass_word_q : word;
  wire [PARTS-1:0]   present   = found[TAG_W +: PARTS] & {PARTS{found[TAG_W-1:0] == wanted}};
  wire [PARTS-1:0]   parts;         // that are wanted
  wire               hit       = &(present | ~parts);
  wire [11:0]        to_end    = BEATS[11:0] - {{12-STEP_W{1'b0}}, first_q};
  wire               last_line = left_q <= to_end;
  wire [STEP_W-1:0]  last_beat = last_line ? first_q + left_q[STEP_W-1:0] - 1'b1 : LAST_STEP;
  wire               looking   = (state_q == ST_LOOKUP) && entry_ready;
  wire               room      = filling_q <= FILL_BEATS[FILL_W:0] - BEATS[FILL_W:0];
  wire               miss_fire = looking && !hit && room;
  wire [FILL_W:0]    asked     = {{FILL_W+1-STEP_W{1'b0}}, miss_last - miss_first + unread} + 1'b1;
  wire               line_fire = (looking && hit) || miss_fire;
  wire               free      = (state_q == ST_IDLE) || (line_fire && last_line);
  wire               accept    = cache_i && req_valid_i && free;
  wire               sweep     = state_q == ST_SWEEP;

  assign sweep_o = sweep;

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q <= ST_SWEEP;
    end else begin
      case (state_q)
        ST_SWEEP:  if (&sweep_q) state_q <= ST_IDLE;
        ST_LOOKUP: if (line_fire && last_line && !accept) state_q <= ST_IDLE;
        default: begin
          if (start_i && cache_i && (&gen_q)) state_q <= ST_SWEEP;
          else if (accept) state_q <= ST_LOOKUP;
        end
      endcase
    end
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      sweep_q   <= {INDEX_W{1'b0}};
      filling_q <= {FILL_W+1{1'b0}};
    end else begin
      if (sweep) sweep_q <= sweep_q + 1'b1;
      filling_q <= filling_q + (miss_fire ? asked : {FILL_W+1{1'b0}})
                             - {{FILL_W{1'b0}}, fill_take[0]} - {{FILL_W{1'b0}}, fill_take[1]}
                             - (entry_done && entry_miss ? {{FILL_W+1-STEP_W{1'b0}}, unread}
                                                         : {FILL_W+1{1'b0}});
    end
    if (sweep) gen_q <= GEN_FIRST;
    else if (start_i && cache_i) gen_q <= gen_q + 1'b1;
    if (accept || line_fire) begin
      bypass_q     <= accept && miss_fire && (req_addr_i[LINE_L +: INDEX_W] == index);
      bypass_word_q <= {present | parts, wanted};
    end
    if (accept) begin
      line_q  <= req_addr_i[ADDR_W-1:LINE_L];
      first_q <= req_first;
      left_q  <= req_beats_i;
    end else if (line_fire) begin
      line_q  <= next_line;
      first_q <= {STEP_W{1'b0}};
      left_q  <= left_q - to_end;
    end
  end

  // The next tag is read while this one is written.
  sat_ram_1r1w #(
    .WIDTH(WORD_W),
    .DEPTH(LINES)
  ) u_tags (
    .clk    (clk),
    .we_i   (sweep || miss_fire),
    .waddr_i(sweep ? sweep_q : index),
    .wdata_i(sweep ? {{PARTS{1'b0}}, GEN_NONE, {TAG_W-GEN_W{1'b0}}} : {present | parts, wanted}),
    .re_i   (accept || line_fire),
    .raddr_i(accept ? req_addr_i[LINE_L +: INDEX_W] : next_line[INDEX_W-1:0]),
    .rdata_o(word)
  );

  // What a miss reads: the line as far as it holds channels, or of two beats those that are wanted.
  // In the fill queues it has room for all of it.
  reg  [STEP_W-1:0] last_q;          // beat of a line with channels
  wire [23:0]       last_channel = channels_i - 24'd1;
  always @(posedge clk)
    last_q <= (channels_i > LINE_VALUES[23:0]) ? LAST_STEP : last_channel[LINE_L-2 -: STEP_W];
  generate
    if (PARTS == 2) begin : gen_parts
      assign parts      = {last_beat[0], !first_q[0]};
      assign miss_first = first_q;
      assign miss_last  = last_beat;
      assign unread     = {STEP_W{1'b0}};
    end else begin : gen_whole
      assign parts      = 1'b1;
      assign miss_first = {STEP_W{1'b0}};
      assign miss_last  = last_q;
      assign unread     = LAST_STEP - last_q;
    end
  endgenerate

  // A line has room here when it has room in the fill queue.
  wire              ask_ready, ask_valid;
  wire [LINE_W-1:0] ask_line;
  wire [STEP_W-1:0] ask_first, ask_last;
  wire [$clog2(FILL_LINES):0] asks_unused;
  sat_fifo #(
    .WIDTH(LINE_W + 2*STEP_W),
    .DEPTH(FILL_LINES)
  ) u_asks (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (miss_fire),
    .in_ready_o (ask_ready),
    .in_data_i  ({line_q, miss_first, miss_last}),
    .out_valid_o(ask_valid),
    .out_ready_i(cache_i && dma_req_ready_i),
    .out_data_o ({ask_line, ask_first, ask_last}),
    .count_o    (asks_unused)
  );

  // ---- Lines in order: where the beats come from
  wire               entry_valid, entry_miss, entry_done;
  wire [INDEX_W-1:0] entry_index;
  wire [STEP_W-1:0]  entry_first, entry_last;
  wire [$clog2(FILL_LINES)+1:0] entries_unused;
  sat_fifo #(
    .WIDTH(1 + INDEX_W + 2*STEP_W),
    .DEPTH(2 * FILL_LINES)
  ) u_entries (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (line_fire),
    .in_ready_o (entry_ready),
    .in_data_i  ({!hit, index, first_q, last_beat}),
    .out_valid_o(entry_valid),
    .out_ready_i(entry_done),
    .out_data_o ({entry_miss, entry_index, entry_first, entry_last}),
    .count_o    (entries_unused)
  );

  // What comes from memory waits in two queues, for the lower and the upper beats of pairs.
  wire                in_upper;      // where the next one goes
  wire [1:0]          fill_ready, fill_valid, fill_take;
  wire [2*DATA_W-1:0] fill;
  wire [2*FILL_L+1:0] fill_unused;
  wire                fill_in = cache_i && dma_rsp_valid_i;
  genvar x;
  generate
    for (x = 0; x < 2; x = x + 1) begin : gen_fill
      sat_fifo #(
        .WIDTH(DATA_W),
        .DEPTH(FILL_DEPTH)
      ) u_fill (
        .clk        (clk),
        .rst_n      (rst_n),
        .flush_i    (1'b0),
        .in_valid_i (fill_in && (in_upper == (x == 1))),
        .in_ready_o (fill_ready[x]),
        .in_data_i  (dma_rsp_data_i),
        .out_valid_o(fill_valid[x]),
        .out_ready_i(fill_take[x]),
        .out_data_o (fill[x*DATA_W +: DATA_W]),
        .count_o    (fill_unused[x*(FILL_L+1) +: FILL_L+1])
      );
    end
    if (PARTS == 2) begin : gen_some
      wire       some_ready, some_valid, some_first, some_last;
      wire [$clog2(FILL_LINES):0] some_unused;
      reg        second_q;  // of two beats
      wire       some_done = fill_in && (second_q || some_first == some_last);
      assign in_upper = second_q || some_first;
      always @(posedge clk) begin
        if (!rst_n) second_q <= 1'b0;
        else if (fill_in) second_q <= !some_done;
      end
      sat_fifo #(
        .WIDTH(2),
        .DEPTH(FILL_LINES)
      ) u_some (
        .clk        (clk),
        .rst_n      (rst_n),
        .flush_i    (1'b0),
        .in_valid_i (miss_fire),
        .in_ready_o (some_ready),
        .in_data_i  ({miss_first[0], miss_last[0]}),
        .out_valid_o(some_valid),
        .out_ready_i(some_done),
        .out_data_o ({some_first, some_last}),
        .count_o    (some_unused)
      );
      wire unused_some = &{1'b0, some_ready, some_valid, some_unused};
    end else begin : gen_all
      reg [STEP_W-1:0] next_q;     // beat of its line
      assign in_upper = next_q[0];
      always @(posedge clk) begin
        if (!rst_n) next_q <= {STEP_W{1'b0}};
        else if (fill_in) next_q <= (next_q == last_q) ? {STEP_W{1'b0}} : next_q + ONE_STEP;
      end
    end
  endgenerate

  // A miss passes all that it reads of its line into the data RAM, what is wanted also to the
  // output. The RAM holds pairs of beats. With pairs_i both of a pair are handled at once.
  localparam integer PLACE_W = INDEX_W + STEP_W;
  wire [STEP_W-1:0]  req_first = req_addr_i[LINE_L-1:BEAT_L];
  reg  [STEP_W-1:0]  step_q;                      // beats of the line already handled
  reg                out_valid_q, out_hit_q, out_two_q, out_upper_q;
  reg  [2*DATA_W-1:0] out_fill_q;
  wire               whole     = entry_miss && (PARTS == 1);  // from the line's first beat on
  wire [STEP_W-1:0]  beat      = whole ? step_q : entry_first + step_q;
  wire [STEP_W-1:0]  final_beat = whole ? last_q : entry_last;
  wire [PLACE_W-1:0] place     = {entry_index, beat};
  wire               both      = pairs_i && !beat[0] && (beat != final_beat);
  wire [STEP_W-1:0]  step      = both ? ONE_STEP << 1 : ONE_STEP;
  reg  [STEP_W-1:0]  end_beat;                    // the last one that is handled now
  always @(*) begin
    end_beat    = beat;
    end_beat[0] = beat[0] || both;
  end
  wire               out_free  = !out_valid_q || rsp_ready_i;
  wire               filled    = (beat[0] || fill_valid[0]) && (!end_beat[0] || fill_valid[1]);
  wire               beat_fire = entry_valid && out_free && (!entry_miss || filled);
  wire               begins    = (beat >= entry_first) && (beat <= entry_last);      // wanted
  wire               ends      = (end_beat >= entry_first) && (end_beat <= entry_last);
  assign fill_take  = {2{beat_fire && entry_miss}} & {end_beat[0], !beat[0]};
  assign entry_done = beat_fire && (end_beat == final_beat);

  always @(posedge clk) begin
    if (!rst_n) begin
      step_q      <= {STEP_W{1'b0}};
      out_valid_q <= 1'b0;
    end else begin
      if (beat_fire) step_q <= entry_done ? {STEP_W{1'b0}} : step_q + step;
      if (out_free) out_valid_q <= beat_fire && (begins || ends);
    end
    if (beat_fire) begin
      out_hit_q   <= !entry_miss;
      out_two_q   <= both && begins && ends;
      out_upper_q <= beat[0] || !begins;
      out_fill_q  <= fill;
    end
  end

  wire [2*DATA_W-1:0] kept;
  sat_ram_1r1w #(
    .WIDTH   (2 * DATA_W),
    .DEPTH   (LINES * BEATS / 2),
    .WE_LANES(2)
  ) u_data (
    .clk    (clk),
    .we_i   (fill_take),
    .waddr_i(place[PLACE_W-1:1]),
    .wdata_i(fill),
    .re_i   (beat_fire && !entry_miss),
    .raddr_i(place[PLACE_W-1:1]),
    .rdata_o(kept)
  );
  wire [2*DATA_W-1:0] out_pair = out_hit_q ? kept : out_fill_q;
  wire [DATA_W-1:0]   out_beat = out_upper_q ? out_pair[2*DATA_W-1:DATA_W] : out_pair[DATA_W-1:0];

  // ---- Ports
  assign idle_o          = filling_q == {FILL_W+1{1'b0}};
  assign req_ready_o     = cache_i ? free : dma_req_ready_i;
  assign rsp_valid_o     = cache_i ? out_valid_q : dma_rsp_valid_i;
  assign rsp_two_o       = cache_i && out_two_q;
  assign rsp_data_o      = {out_pair[2*DATA_W-1:DATA_W], cache_i ? out_beat : dma_rsp_data_i};
  assign dma_req_valid_o = cache_i ? ask_valid : req_valid_i;
  assign dma_req_addr_o  = cache_i ? {ask_line, ask_first, {BEAT_L{1'b0}}} : req_addr_i;
  assign dma_req_beats_o = cache_i ? {{12-STEP_W{1'b0}}, ask_last - ask_first} + 12'd1
                                   : req_beats_i;
  assign dma_rsp_ready_o = cache_i ? fill_ready[in_upper] : rsp_ready_i;

  wire unused_ok = &{1'b0, ask_ready, asks_unused, entries_unused, fill_unused,
                     req_addr_i[LINE_L-1:0], last_beat, place[0], last_channel, last_q};

endmodule

`default_nettype wire
