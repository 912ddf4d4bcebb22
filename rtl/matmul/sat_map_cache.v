// SPDX-License-Identifier: Apache-2.0
// sat_map_cache: between the A loader and the read DMA. A convolution sees a pixel once per kernel
// position and column tile: with cache_i (it, pairs_i and channels_i stable from start_i to idle_o,
// after the last response) lines are kept, so that what fits is read from memory once per command.
// A line is 64 bytes, or two beats if that is more. Of two beats only those are read that are
// wanted; else those that hold channels, as a line belongs to one pixel.
// The cache is direct mapped (sat_map_lookup). Without cache_i the ports are connected. The DMA is
// asked only for what the fill queues have room for, so that its data never waits behind hits.
// Beats leave in request order, seven cycles after the request at the earliest; with pairs_i two
// per cycle that are an aligned pair, else one. Lines are replaced in that order too: an earlier
// hit still finds the old one.
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
  localparam integer PARTS      = (LINE_L > ALIGN_L) ? 2 : 1;  // of a line, kept or not
  localparam integer LINE_VALUES = 1 << (LINE_L - 1);        // FP16
  localparam integer FILL_LINES = (PARTS == 2) ? 256 : 128 / BEATS;  // in flight
  localparam integer FILLING_L  = $clog2(FILL_LINES);
  localparam integer FILL_DEPTH = FILL_LINES * BEATS / 2;    // of lower or upper beats, at most
  localparam integer FILL_L     = $clog2(FILL_DEPTH);
  localparam integer ASKS       = 16;

  localparam [31:0]       BEATS_WORD = BEATS;
  localparam [STEP_W-1:0] LAST_STEP  = BEATS_WORD[STEP_W-1:0] - 1'b1, ONE_STEP = 1;

  generate
    if (CACHE_LINES < 16 || (1 << INDEX_W) != LINES) begin : gen_check
      sat_error_cache_lines_must_be_a_power_of_two u_error ();
    end
  endgenerate

  // ---- Lookup
  wire              line_valid, line_hit, lookup_ready, ask_ready, queue_ready;
  wire [LINE_W-1:0] line;
  wire [STEP_W-1:0] line_first, line_last;
  wire              line_ready = ask_ready && queue_ready;  // of registers
  wire              line_fire  = line_valid && line_ready;
  sat_map_lookup #(
    .LINES (LINES),
    .LINE_W(LINE_W),
    .BEATS (BEATS),
    .PARTS (PARTS)
  ) u_lookup (
    .clk         (clk),
    .rst_n       (rst_n),
    .start_i     (start_i && cache_i),
    .sweep_o     (sweep_o),
    .req_valid_i (cache_i && req_valid_i),
    .req_ready_o (lookup_ready),
    .req_line_i  (req_addr_i[ADDR_W-1:LINE_L]),
    .req_first_i (req_addr_i[LINE_L-1:BEAT_L]),
    .req_beats_i (req_beats_i),
    .line_valid_o(line_valid),
    .line_ready_i(line_ready),
    .line_hit_o  (line_hit),
    .line_o      (line),
    .line_first_o(line_first),
    .line_last_o (line_last)
  );

  // ---- Misses
  // What is read: the line as far as it holds channels, or of two beats those that are wanted.
  reg  [STEP_W-1:0] last_q;          // beat of a line with channels
  wire [23:0]       last_channel = channels_i - 24'd1;
  always @(posedge clk)
    last_q <= (channels_i > LINE_VALUES[23:0]) ? LAST_STEP : last_channel[LINE_L-2 -: STEP_W];

  wire [STEP_W-1:0] miss_first = (PARTS == 2) ? line_first : {STEP_W{1'b0}};
  wire [STEP_W-1:0] miss_last  = (PARTS == 2) ? line_last : last_q;
  wire              ask_valid;
  wire [LINE_W-1:0] ask_line;
  wire [STEP_W-1:0] ask_first, ask_last;
  wire [$clog2(ASKS):0] asks_unused;
  sat_fifo #(
    .WIDTH(LINE_W + 2*STEP_W),
    .DEPTH(ASKS)
  ) u_asks (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (line_fire && !line_hit),
    .in_ready_o (ask_ready),
    .in_data_i  ({line, miss_first, miss_last}),
    .out_valid_o(ask_valid),
    .out_ready_i(ask_fire),
    .out_data_o ({ask_line, ask_first, ask_last}),
    .count_o    (asks_unused)
  );

  // The fill queues have room for whole lines.
  reg  [FILLING_L:0] filling_q;      // lines asked for and not yet in the data RAM
  wire               room     = !filling_q[FILLING_L];
  wire               ask_fire = cache_i && ask_valid && room && dma_req_ready_i;
  always @(posedge clk) begin
    if (!rst_n) filling_q <= {FILLING_L+1{1'b0}};
    else filling_q <= filling_q + {{FILLING_L{1'b0}}, ask_fire}
                                - {{FILLING_L{1'b0}}, entry_done && entry_miss_q};
  end

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
        .in_valid_i (ask_fire),
        .in_ready_o (some_ready),
        .in_data_i  ({ask_first[0], ask_last[0]}),
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

  // ---- Lines in order: where the beats come from
  // The first of them is in registers, which a line enters at once if none is before it.
  localparam integer ENTRY_W = 1 + INDEX_W + 2*STEP_W;
  reg                entry_valid_q, entry_miss_q;
  reg  [INDEX_W-1:0] entry_index_q;
  reg  [STEP_W-1:0]  entry_first_q, entry_last_q;  // beats that are wanted
  reg  [STEP_W-1:0]  beat_q, final_q;              // beats yet to be handled
  wire [ENTRY_W-1:0] line_entry = {!line_hit, line[INDEX_W-1:0], line_first, line_last};
  wire [ENTRY_W-1:0] queue_entry;
  wire               queue_valid, next_miss;
  wire [INDEX_W-1:0] next_index;
  wire [STEP_W-1:0]  next_first, next_last;
  wire               entry_done;
  wire               entry_free = !entry_valid_q || entry_done;
  wire               next_whole = next_miss && (PARTS == 1);  // from the line's first beat on
  wire [$clog2(FILL_LINES)+1:0] queue_unused;
  assign {next_miss, next_index, next_first, next_last} = queue_valid ? queue_entry : line_entry;
  sat_fifo #(
    .WIDTH(ENTRY_W),
    .DEPTH(2 * FILL_LINES)
  ) u_entries (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (line_fire && (queue_valid || !entry_free)),
    .in_ready_o (queue_ready),
    .in_data_i  (line_entry),
    .out_valid_o(queue_valid),
    .out_ready_i(entry_free),
    .out_data_o (queue_entry),
    .count_o    (queue_unused)
  );

  // A miss passes all that it reads of its line into the data RAM, what is wanted also to the
  // output. The RAM holds pairs of beats. With pairs_i both of a pair are handled at once.
  wire               both      = pairs_i && !beat_q[0] && (beat_q != final_q);
  reg  [STEP_W-1:0]  end_beat;                    // the last one that is handled now
  always @(*) begin
    end_beat    = beat_q;
    end_beat[0] = beat_q[0] || both;
  end
  wire               access_free;
  wire [INDEX_W+STEP_W-1:0] place = {entry_index_q, beat_q};
  wire               filled    = (beat_q[0] || fill_valid[0]) && (!end_beat[0] || fill_valid[1]);
  wire               beat_fire = entry_valid_q && access_free && (!entry_miss_q || filled);
  wire               begins    = (beat_q >= entry_first_q) && (beat_q <= entry_last_q);  // wanted
  wire               ends      = (end_beat >= entry_first_q) && (end_beat <= entry_last_q);
  assign fill_take  = {2{beat_fire && entry_miss_q}} & {end_beat[0], !beat_q[0]};
  assign entry_done = beat_fire && (end_beat == final_q);

  always @(posedge clk) begin
    if (!rst_n) entry_valid_q <= 1'b0;
    else if (entry_free) entry_valid_q <= queue_valid || line_fire;
    if (entry_free) begin
      entry_miss_q  <= next_miss;
      entry_index_q <= next_index;
      entry_first_q <= next_first;
      entry_last_q  <= next_last;
      beat_q        <= next_whole ? {STEP_W{1'b0}} : next_first;
      final_q       <= next_whole ? last_q : next_last;
    end else if (beat_fire) begin
      beat_q <= end_beat + ONE_STEP;
    end
  end

  // ---- Data RAM
  // It lies between registers, in three stages, and is made of narrow ones: those of an FPGA then
  // need no multiplexers behind their blocks.
  localparam integer RAM_W  = 64;
  localparam integer PAIR_W = INDEX_W + STEP_W - 1;
  reg                 access_fire_q, access_valid_q, read_valid_q, out_valid_q;
  reg                 access_hit_q, read_hit_q;
  reg                 access_two_q, read_two_q, out_two_q;
  reg                 access_upper_q, read_upper_q, out_upper_q;
  reg  [1:0]          access_lanes_q;
  reg  [PAIR_W-1:0]   access_pair_q;
  reg  [2*DATA_W-1:0] access_fill_q, read_fill_q, out_pair_q;
  wire [2*DATA_W-1:0] kept;
  wire                out_free  = !out_valid_q || rsp_ready_i;
  wire                read_free = !read_valid_q || out_free;
  wire [1:0]          write     = access_lanes_q & {2{access_fire_q && !access_hit_q}};
  assign access_free = !access_valid_q || read_free;
  generate
    for (x = 0; x < 2*DATA_W/RAM_W; x = x + 1) begin : gen_data
      sat_ram_1r1w #(
        .WIDTH(RAM_W),
        .DEPTH(LINES * BEATS / 2)
      ) u_ram (
        .clk    (clk),
        .we_i   (write[x*RAM_W/DATA_W]),
        .waddr_i(access_pair_q),
        .wdata_i(access_fill_q[x*RAM_W +: RAM_W]),
        .re_i   (read_free && access_hit_q),
        .raddr_i(access_pair_q),
        .rdata_o(kept[x*RAM_W +: RAM_W])
      );
    end
  endgenerate

  always @(posedge clk) begin
    if (!rst_n) begin
      access_fire_q  <= 1'b0;
      access_valid_q <= 1'b0;
      read_valid_q   <= 1'b0;
      out_valid_q    <= 1'b0;
    end else begin
      access_fire_q <= beat_fire;
      if (access_free) access_valid_q <= beat_fire && (begins || ends);
      if (read_free) read_valid_q <= access_valid_q;
      if (out_free) out_valid_q <= read_valid_q;
    end
    if (access_free) begin
      access_hit_q   <= !entry_miss_q;
      access_two_q   <= both && begins && ends;
      access_upper_q <= beat_q[0] || !begins;
      access_lanes_q <= {end_beat[0], !beat_q[0]};
      access_pair_q  <= place[INDEX_W+STEP_W-1:1];
      access_fill_q  <= fill;
    end
    if (read_free) begin
      read_hit_q   <= access_hit_q;
      read_two_q   <= access_two_q;
      read_upper_q <= access_upper_q;
      read_fill_q  <= access_fill_q;
    end
    if (out_free) begin
      out_two_q   <= read_two_q;
      out_upper_q <= read_upper_q;
      out_pair_q  <= read_hit_q ? kept : read_fill_q;
    end
  end
  wire [DATA_W-1:0] out_beat = out_upper_q ? out_pair_q[2*DATA_W-1:DATA_W] : out_pair_q[DATA_W-1:0];

  // ---- Ports
  assign idle_o          = filling_q == {FILLING_L+1{1'b0}};
  assign req_ready_o     = cache_i ? lookup_ready : dma_req_ready_i;
  assign rsp_valid_o     = cache_i ? out_valid_q : dma_rsp_valid_i;
  assign rsp_two_o       = cache_i && out_two_q;
  assign rsp_data_o      = {out_pair_q[2*DATA_W-1:DATA_W], cache_i ? out_beat : dma_rsp_data_i};
  assign dma_req_valid_o = cache_i ? ask_valid && room : req_valid_i;
  assign dma_req_addr_o  = cache_i ? {ask_line, ask_first, {BEAT_L{1'b0}}} : req_addr_i;
  assign dma_req_beats_o = cache_i ? {{12-STEP_W{1'b0}}, ask_last - ask_first} + 12'd1
                                   : req_beats_i;
  assign dma_rsp_ready_o = cache_i ? fill_ready[in_upper] : rsp_ready_i;

  wire unused_ok = &{1'b0, asks_unused, queue_unused, fill_unused, req_addr_i[BEAT_L-1:0], place[0],
                     last_channel, line_first, line_last, last_q};

endmodule

`default_nettype wire
