// SPDX-License-Identifier: Apache-2.0
// sat_map_cache: between the A loader and the read DMA. A convolution sees a pixel once per kernel
// position and column tile: with cache_i (stable from start_i to idle_o, after the last response)
// lines of 64 bytes are kept, so that what fits is read from memory once per command. It is direct
// mapped. Without cache_i the ports are connected. A line is looked up per cycle, the first of a
// request in the cycle after it; a miss asks the DMA at once, and only for what the fill queue has
// room for, so that DMA data never waits behind hits. Beats leave in request order, one per cycle,
// three cycles after the request at the earliest. Lines are replaced in that order too: an earlier
// hit still finds the old one. Each command has its own generation, part of the tags: start_i
// forgets all lines. The tags are cleared, in CACHE_LINES cycles, after reset and when the
// generations are used up.
`default_nettype none
`include "sat_defs.vh"

module sat_map_cache #(
  parameter integer CACHE_LINES = 2048,  // power of two, >= 16
  parameter integer ADDR_W      = 40,
  parameter integer DATA_W      = 128
) (
  input  wire              clk,
  input  wire              rst_n,
  input  wire              start_i,
  input  wire              cache_i,
  output wire              idle_o,           // no line is on its way
  output wire              sweep_o,          // the tags are being cleared
  // the loader, a read client
  input  wire              req_valid_i,
  output wire              req_ready_o,
  input  wire [ADDR_W-1:0] req_addr_i,
  input  wire [11:0]       req_beats_i,
  output wire              rsp_valid_o,
  input  wire              rsp_ready_i,
  output wire [DATA_W-1:0] rsp_data_o,
  // read DMA client
  output wire              dma_req_valid_o,
  input  wire              dma_req_ready_i,
  output wire [ADDR_W-1:0] dma_req_addr_o,
  output wire [11:0]       dma_req_beats_o,
  input  wire              dma_rsp_valid_i,
  output wire              dma_rsp_ready_o,
  input  wire [DATA_W-1:0] dma_rsp_data_i
);

  localparam integer BEAT_L     = $clog2(DATA_W / 8);
  localparam integer LINE_L     = $clog2(`SAT_TENSOR_ALIGN);
  localparam integer BEATS      = 1 << (LINE_L - BEAT_L);
  localparam integer STEP_W     = (BEATS == 1) ? 1 : $clog2(BEATS);  // of a place in a line
  localparam integer INDEX_W    = $clog2(CACHE_LINES);
  localparam integer LINE_W     = ADDR_W - LINE_L;
  localparam integer GEN_W      = 8;
  localparam integer TAG_W      = GEN_W + LINE_W - INDEX_W;
  localparam integer FILL_LINES = 64 / BEATS;            // misses in flight
  localparam integer FILL_W     = $clog2(FILL_LINES);

  localparam [GEN_W-1:0]  GEN_NONE = {GEN_W{1'b0}}, GEN_FIRST = 1;
  localparam [31:0]       BEATS_WORD = BEATS;
  localparam [STEP_W-1:0] LAST_STEP  = BEATS_WORD[STEP_W-1:0] - 1'b1;

  generate
    if (CACHE_LINES < 16 || (1 << INDEX_W) != CACHE_LINES) begin : gen_check
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
  reg  [FILL_W:0]    filling_q;     // lines asked for and not yet in the data RAM
  reg                bypass_q;      // the tag was read while it was written: it is this one
  reg  [TAG_W-1:0]   bypass_tag_q;

  wire [TAG_W-1:0]   tag;
  wire               entry_ready, fill_done;
  wire [INDEX_W-1:0] index     = line_q[INDEX_W-1:0];
  wire [LINE_W-1:0]  next_line = line_q + 1'b1;
  wire [TAG_W-1:0]   wanted    = {gen_q, line_q[LINE_W-1:INDEX_W]};
  wire               hit       = (bypass_q ? bypass_tag_q : tag) == wanted;
  wire [11:0]        to_end    = BEATS[11:0] - {{12-STEP_W{1'b0}}, first_q};
  wire               last_line = left_q <= to_end;
  wire [STEP_W-1:0]  last_beat = last_line ? first_q + left_q[STEP_W-1:0] - 1'b1 : LAST_STEP;
  wire               looking   = (state_q == ST_LOOKUP) && entry_ready;
  wire               miss_fire = looking && !hit && !filling_q[FILL_W];
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
      filling_q <= filling_q + {{FILL_W{1'b0}}, miss_fire} - {{FILL_W{1'b0}}, fill_done};
    end
    if (sweep) gen_q <= GEN_FIRST;
    else if (start_i && cache_i) gen_q <= gen_q + 1'b1;
    if (accept || line_fire) begin
      bypass_q     <= accept && miss_fire && (req_addr_i[LINE_L +: INDEX_W] == index);
      bypass_tag_q <= wanted;
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
    .WIDTH(TAG_W),
    .DEPTH(CACHE_LINES)
  ) u_tags (
    .clk    (clk),
    .we_i   (sweep || miss_fire),
    .waddr_i(sweep ? sweep_q : index),
    .wdata_i(sweep ? {GEN_NONE, {TAG_W-GEN_W{1'b0}}} : wanted),
    .re_i   (accept || line_fire),
    .raddr_i(accept ? req_addr_i[LINE_L +: INDEX_W] : next_line[INDEX_W-1:0]),
    .rdata_o(tag)
  );

  // A line has room here when it has room in the fill queue.
  wire              ask_ready, ask_valid;
  wire [LINE_W-1:0] ask_line;
  wire [FILL_W:0]   asks_unused;
  sat_fifo #(
    .WIDTH(LINE_W),
    .DEPTH(FILL_LINES)
  ) u_asks (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (miss_fire),
    .in_ready_o (ask_ready),
    .in_data_i  (line_q),
    .out_valid_o(ask_valid),
    .out_ready_i(cache_i && dma_req_ready_i),
    .out_data_o (ask_line),
    .count_o    (asks_unused)
  );

  // ---- Lines in order: where the beats come from
  wire               entry_valid, entry_miss, entry_done;
  wire [INDEX_W-1:0] entry_index;
  wire [STEP_W-1:0]  entry_first, entry_last;
  wire [FILL_W+1:0]  entries_unused;
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

  wire                              fill_ready, fill_valid, fill_take;
  wire [DATA_W-1:0]                 fill_beat;
  wire [$clog2(FILL_LINES*BEATS):0] fill_unused;
  sat_fifo #(
    .WIDTH(DATA_W),
    .DEPTH(FILL_LINES * BEATS)
  ) u_fill (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (cache_i && dma_rsp_valid_i),
    .in_ready_o (fill_ready),
    .in_data_i  (dma_rsp_data_i),
    .out_valid_o(fill_valid),
    .out_ready_i(fill_take),
    .out_data_o (fill_beat),
    .count_o    (fill_unused)
  );

  // Beats: the first one that a request wants, and the one in hand in the data RAM.
  localparam integer PLACE_W = INDEX_W + $clog2(BEATS);
  wire [STEP_W-1:0]  req_first;
  wire [PLACE_W-1:0] place;
  wire [STEP_W-1:0]  beat;
  generate
    if (BEATS == 1) begin : gen_whole_line
      assign req_first = 1'b0;
      assign place     = entry_index;
    end else begin : gen_beats
      assign req_first = req_addr_i[LINE_L-1:BEAT_L];
      assign place     = {entry_index, beat};
    end
  endgenerate

  // A miss passes all beats of its line into the data RAM, those wanted also to the output.
  reg  [STEP_W-1:0] step_q;
  reg               out_valid_q, out_hit_q;
  reg  [DATA_W-1:0] out_beat_q;
  wire [DATA_W-1:0] kept_beat;
  wire              out_free  = !out_valid_q || rsp_ready_i;
  wire              beat_fire = entry_valid && out_free && (fill_valid || !entry_miss);
  wire              forward   = (beat >= entry_first) && (beat <= entry_last);
  assign beat       = entry_miss ? step_q : entry_first + step_q;
  assign fill_take  = beat_fire && entry_miss;
  assign entry_done = beat_fire && (entry_miss ? step_q == LAST_STEP : beat == entry_last);
  assign fill_done  = entry_done && entry_miss;

  always @(posedge clk) begin
    if (!rst_n) begin
      step_q      <= {STEP_W{1'b0}};
      out_valid_q <= 1'b0;
    end else begin
      if (beat_fire) step_q <= entry_done ? {STEP_W{1'b0}} : step_q + 1'b1;
      if (out_free) out_valid_q <= beat_fire && forward;
    end
    if (beat_fire) begin
      out_hit_q  <= !entry_miss;
      out_beat_q <= fill_beat;
    end
  end

  sat_ram_1r1w #(
    .WIDTH(DATA_W),
    .DEPTH(CACHE_LINES * BEATS)
  ) u_data (
    .clk    (clk),
    .we_i   (fill_take),
    .waddr_i(place),
    .wdata_i(fill_beat),
    .re_i   (beat_fire && !entry_miss),
    .raddr_i(place),
    .rdata_o(kept_beat)
  );

  // ---- Ports
  assign idle_o          = filling_q == {FILL_W+1{1'b0}};
  assign req_ready_o     = cache_i ? free : dma_req_ready_i;
  assign rsp_valid_o     = cache_i ? out_valid_q : dma_rsp_valid_i;
  assign rsp_data_o      = !cache_i ? dma_rsp_data_i : out_hit_q ? kept_beat : out_beat_q;
  assign dma_req_valid_o = cache_i ? ask_valid : req_valid_i;
  assign dma_req_addr_o  = cache_i ? {ask_line, {LINE_L{1'b0}}} : req_addr_i;
  assign dma_req_beats_o = cache_i ? BEATS[11:0] : req_beats_i;
  assign dma_rsp_ready_o = cache_i ? fill_ready : rsp_ready_i;

  wire unused_ok = &{1'b0, ask_ready, asks_unused, entries_unused, fill_unused,
                     req_addr_i[LINE_L-1:0], last_beat};

endmodule

`default_nettype wire
