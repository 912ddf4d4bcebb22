// SPDX-License-Identifier: Apache-2.0
// sat_bias_loader: keeps the FP32 bias of two column tiles, loading the next while one is in use.
// group_i selects LANES_OUT consecutive columns of the tile in use; the values appear one cycle
// later. ready_o: the tile in use is complete. next_i: go on to the next column tile.
`default_nettype none

module sat_bias_loader #(
  parameter integer COLS      = 8,
  parameter integer T         = 8,
  parameter integer LANES_OUT = 4,   // FP32 values of a group, at most a beat
  parameter integer ADDR_W    = 40,
  parameter integer DATA_W    = 128
) (
  input  wire                      clk,
  input  wire                      rst_n,
  // command, stable from start_i on
  input  wire                      start_i,
  input  wire [ADDR_W-1:0]         base_i,
  input  wire [15:0]               cols_i,
  input  wire [15:0]               col_tiles_i,
  input  wire [2:0]                t1_log2_i,
  // read DMA client
  output wire                      req_valid_o,
  input  wire                      req_ready_i,
  output wire [ADDR_W-1:0]         req_addr_o,
  output wire [11:0]               req_beats_o,
  input  wire                      rsp_valid_i,
  output wire                      rsp_ready_o,
  input  wire [DATA_W-1:0]         rsp_data_i,
  // values
  output wire                      ready_o,
  input  wire                      next_i,
  input  wire [$clog2(COLS*T/LANES_OUT)-1:0] group_i,
  output wire [LANES_OUT*32-1:0]   values_o
);

  localparam integer WORDS   = (COLS * T * 32) / DATA_W;   // of a column tile
  localparam integer WORDS_L = $clog2(WORDS);
  localparam integer COLS_L  = $clog2(COLS);
  localparam integer SUBS    = DATA_W / (32 * LANES_OUT);  // groups of a word
  localparam integer SUBS_L  = $clog2(SUBS);
  localparam integer BEAT_ELEMS_L = $clog2(DATA_W / 32);

  reg  [15:0]       tiles_left_q;      // to be requested
  reg  [16:0]       cols_left_q;
  reg  [ADDR_W-1:0] addr_q;
  reg  [1:0]        held_q;            // halves requested and not yet given up
  reg  [1:0]        full_q;            // halves complete
  reg               read_half_q, write_half_q;
  reg  [WORDS_L:0]  word_q;            // beat of the half being written
  wire [WORDS_L:0]  expected;

  wire [4:0]  span_log2 = COLS_L[4:0] + {2'd0, t1_log2_i};
  wire [16:0] span      = 17'd1 << span_log2;
  wire [16:0] tile_cols = (cols_left_q < span) ? cols_left_q : span;
  wire [16:0] beats     = (tile_cols + (17'd1 << BEAT_ELEMS_L) - 17'd1) >> BEAT_ELEMS_L;
  wire        note_ready;
  wire        req_fire  = req_valid_o && req_ready_i;
  assign req_valid_o = (tiles_left_q != 16'd0) && (held_q != 2'd2) && note_ready;
  assign req_addr_o  = addr_q;
  assign req_beats_o = beats[11:0];

  // How many beats each requested half will have.
  wire note_valid, half_done;
  wire [1:0] count_unused;
  sat_fifo #(.WIDTH(WORDS_L+1), .DEPTH(2)) u_notes (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (start_i),
    .in_valid_i (req_fire),
    .in_ready_o (note_ready),
    .in_data_i  (beats[WORDS_L:0]),
    .out_valid_o(note_valid),
    .out_ready_i(half_done),
    .out_data_o (expected),
    .count_o    (count_unused)
  );
  wire rsp_fire = rsp_valid_i && rsp_ready_o;
  assign half_done   = rsp_fire && (word_q + 1'b1 == expected);
  assign rsp_ready_o = note_valid;

  always @(posedge clk) begin
    if (!rst_n) begin
      tiles_left_q <= 16'd0;
    end else if (start_i) begin
      tiles_left_q <= col_tiles_i;
      cols_left_q  <= {1'b0, cols_i};
      addr_q       <= base_i;
    end else if (req_fire) begin
      tiles_left_q <= tiles_left_q - 16'd1;
      cols_left_q  <= cols_left_q - span;
      addr_q       <= addr_q + ({{ADDR_W-17{1'b0}}, span} << 2);
    end
  end
  always @(posedge clk) begin
    if (!rst_n || start_i) begin
      held_q       <= 2'd0;
      full_q       <= 2'd0;
      read_half_q  <= 1'b0;
      write_half_q <= 1'b0;
      word_q       <= {WORDS_L+1{1'b0}};
    end else begin
      held_q <= held_q + {1'b0, req_fire} - {1'b0, next_i};
      full_q <= full_q + {1'b0, half_done} - {1'b0, next_i};
      if (next_i) read_half_q <= !read_half_q;
      if (half_done) write_half_q <= !write_half_q;
      if (rsp_fire) word_q <= half_done ? {WORDS_L+1{1'b0}} : word_q + 1'b1;
    end
  end
  assign ready_o = full_q != 2'd0;

  wire [DATA_W-1:0] word;
  sat_ram_1r1w #(.WIDTH(DATA_W), .DEPTH(2*WORDS)) u_ram (
    .clk    (clk),
    .we_i   (rsp_fire),
    .waddr_i({write_half_q, word_q[WORDS_L-1:0]}),
    .wdata_i(rsp_data_i),
    .re_i   (1'b1),
    .raddr_i({read_half_q, group_i[SUBS_L +: WORDS_L]}),
    .rdata_o(word)
  );
  generate
    if (SUBS == 1) begin : gen_whole
      assign values_o = word;
    end else begin : gen_part
      reg [SUBS_L-1:0] sub_q;
      always @(posedge clk) sub_q <= group_i[SUBS_L-1:0];
      assign values_o = word[sub_q*LANES_OUT*32 +: LANES_OUT*32];
    end
  endgenerate

  wire unused_ok = &{1'b0, count_unused, beats};

endmodule

`default_nettype wire
