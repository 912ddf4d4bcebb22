// SPDX-License-Identifier: Apache-2.0
// sat_plane_store: collects one direction's kept elements of a tile, vector after vector, and
// writes the tile's part of the compressed values and indices (N = M: of the dense matrix) row by
// row, 32 and 8 bytes each, as packets of one beat or (values, 128 bits) two. Two tile buffers: one
// is filled while the other is written out. The tiles' parts follow each other along the columns of
// the planes (BP = 0, W_FF), or along their rows (BP = 1, W_BP, whose rows run along W's columns).
// Up to EMIT elements of a vector come at once. in_ready_o depends on registers only. Packets: as
// in sat_store_mux; between those of two tiles a cycle passes.
`default_nettype none
`include "sat_buses.vh"

module sat_plane_store #(
  parameter integer ADDR_W = 40,   // bits, 32..40
  parameter integer DATA_W = 128,  // bits, 128, 256 or 512
  parameter integer EMIT   = 1,    // 1, 2 or 4
  parameter integer BP     = 0     // 0 or 1: direction
) (
  input  wire                          clk,
  input  wire                          rst_n,
  // command: values, indices; n, m stable until done
  input  wire                          start_i,
  input  wire           [2*ADDR_W-1:0] base_i,
  input  wire [2*`SAT_STRIDE_BITS-1:0] stride_i,
  input  wire                    [4:0] n_i,
  input  wire                    [2:0] m_log2_i,
  // tiles in order, as in sat_tile_loader
  input  wire                          tile_valid_i,
  output wire                          tile_ready_o,
  input  wire     [`SAT_TILE_BITS-1:0] tile_i,
  // kept elements (sat_sore); rows EMIT * rank and up
  input  wire               [EMIT-1:0] in_valid_i,
  output wire                          in_ready_o,
  input  wire            [16*EMIT-1:0] in_value_i,
  input  wire             [4*EMIT-1:0] in_index_i,
  input  wire                    [3:0] in_rank_i,
  input  wire                          in_end_i,
  input  wire                          in_last_i,
  // packets
  output wire                          out_valid_o,
  input  wire                          out_ready_i,
  output wire             [ADDR_W-1:0] out_addr_o,
  output wire                    [2:0] out_beats_o,
  output wire                          out_last_o,
  output wire             [DATA_W-1:0] out_data_o,
  output wire           [DATA_W/8-1:0] out_strb_o
);

  localparam integer EMIT_W = $clog2(EMIT);
  localparam integer TURN_W = 4 - EMIT_W;
  localparam integer BYTE_W = $clog2(DATA_W / 8);

  // ---- Filling: column `number_q` of the buffer, a cycle later
  reg         [1:0] filled_q;
  reg               fill_half_q, send_half_q;
  reg         [3:0] number_q;
  reg    [EMIT-1:0] write_q;
  reg               fill_q;
  reg         [3:0] column_q, rank_q;
  reg [16*EMIT-1:0] value_q;
  reg  [4*EMIT-1:0] index_q;

  wire in_fire = in_valid_i[0] && in_ready_o;
  wire fire    = out_valid_o && out_ready_i;

  assign in_ready_o = !(filled_q[1] || (filled_q[0] && fill_q));

  always @(posedge clk) begin
    if (!rst_n) begin
      filled_q    <= 2'd0;
      fill_half_q <= 1'b0;
      send_half_q <= 1'b0;
      number_q    <= 4'd0;
      write_q     <= {EMIT{1'b0}};
      fill_q      <= 1'b0;
    end else begin
      filled_q    <= filled_q + {1'b0, fill_q} - {1'b0, tile_ready_o};
      fill_half_q <= fill_half_q ^ fill_q;
      send_half_q <= send_half_q ^ tile_ready_o;
      write_q     <= in_valid_i & {EMIT{in_ready_o}};
      fill_q      <= in_fire && in_last_i;
      if (in_fire && in_end_i) number_q <= in_last_i ? 4'd0 : number_q + 4'd1;
    end
  end

  always @(posedge clk) begin
    column_q <= number_q;
    rank_q   <= in_rank_i;
    value_q  <= in_value_i;
    index_q  <= in_index_i;
  end

  // ---- Size of the part: rows of the planes and columns in use; where it lies across
  reg         known_q, dense_q, wide_q;
  reg   [3:0] last_row_q;
  wire  [4:0] length   = BP != 0 ? tile_i[`SAT_TILE_COLS] : tile_i[`SAT_TILE_ROWS];
  wire  [4:0] width    = BP != 0 ? tile_i[`SAT_TILE_ROWS] : tile_i[`SAT_TILE_COLS];
  wire [19:0] across   = BP != 0 ? tile_i[`SAT_TILE_ROW] : {8'd0, tile_i[`SAT_TILE_COL]};
  wire        band_end = tile_i[`SAT_TILE_BAND_END];
  wire        dense    = n_i == (5'd1 << m_log2_i);
  wire  [4:0] groups   = (length + ~(5'h1F << m_log2_i)) >> m_log2_i;
  wire  [4:0] kept     = (groups[0] ? n_i : 5'd0) + (groups[1] ? {n_i[3:0], 1'b0} : 5'd0)
                       + (groups[2] ? {n_i[2:0], 2'd0} : 5'd0)
                       + (groups[3] ? {n_i[1:0], 3'd0} : 5'd0);
  wire  [4:0] last_row = (dense ? length : kept) - 5'd1;
  wire        wide     = DATA_W == 128 && width > 5'd8;

  always @(posedge clk) begin
    known_q    <= rst_n && tile_valid_i && !tile_ready_o;
    last_row_q <= last_row[3:0];
    dense_q    <= dense;
    wide_q     <= wide;
  end

  // ---- Sending: row, then within it the values' beats and the index beat
  reg  [3:0] row_q;
  reg        second_q, indices_q;

  wire row_last = row_q == last_row_q;
  wire row_end  = out_last_o && (indices_q || dense_q);
  wire row_step = fire && row_end;

  assign out_valid_o  = |filled_q && known_q && tile_valid_i;
  assign out_last_o   = indices_q || (second_q == wide_q);
  assign out_beats_o  = (wide_q && !indices_q) ? 3'd2 : 3'd1;
  assign tile_ready_o = row_step && row_last;

  always @(posedge clk) begin
    if (!rst_n) begin
      row_q     <= 4'd0;
      second_q  <= 1'b0;
      indices_q <= 1'b0;
    end else if (fire) begin
      second_q  <= !out_last_o;
      indices_q <= out_last_o && !row_end;
      if (row_end) row_q <= row_last ? 4'd0 : row_q + 4'd1;
    end
  end

  // ---- Buffers: row r of column c lies in bank (c + 16/EMIT * r) mod 16, so that the EMIT rows
  // of a column that come at once, and the columns of a row, lie in different banks.
  wire [16*20-1:0] words;  // {index, value}
  wire     [255:0] values;
  wire      [63:0] indices;
  wire      [31:0] values_strb;
  wire       [7:0] indices_strb;
  wire       [3:0] turn = row_q << TURN_W;

  genvar k, e;
  generate
    for (k = 0; k < 16; k = k + 1) begin : gen_bank
      // Of the slots of the input at most one is this bank's: AND-OR.
      wire          [EMIT-1:0] mine;
      wire [24*(EMIT+1)-1:0]   chain;  // {rank, index, value}
      wire              [23:0] word = chain[24*EMIT +: 24];

      assign chain[0 +: 24] = 24'd0;
      for (e = 0; e < EMIT; e = e + 1) begin : gen_slot
        wire [3:0] slot   = e;
        wire [3:0] bank   = column_q + (slot << TURN_W);
        wire [3:0] rank   = (rank_q << EMIT_W) | slot;

        assign mine[e] = write_q[e] && bank == k;
        assign chain[24*(e+1) +: 24] = chain[24*e +: 24]
          | ({24{bank == k}} & {rank, index_q[4*e +: 4], value_q[16*e +: 16]});
      end

      sat_lutram #(
        .WIDTH(20),
        .DEPTH(32)
      ) u_bank (
        .clk    (clk),
        .we_i   (|mine),
        .waddr_i({fill_half_q, word[23:20]}),
        .wdata_i(word[19:0]),
        .raddr_i({send_half_q, row_q}),
        .rdata_o(words[20*k +: 20])
      );
    end

    for (k = 0; k < 16; k = k + 1) begin : gen_column
      wire  [3:0] column = k;
      wire  [3:0] bank   = column + turn;
      wire [19:0] word   = words[20*bank +: 20];
      wire        used   = {1'b0, column} < width;

      assign values[16*k +: 16]     = word[15:0];
      assign values_strb[2*k +: 2]  = {2{used}};
      // The nibble past an odd width is zero.
      assign indices[4*k +: 4]      = used ? word[19:16] : 4'd0;
      if (k % 2 == 0) begin : gen_strobe
        assign indices_strb[k/2] = used;
      end
    end
  endgenerate

  // ---- Packets: parts of a row that are less than a beat are given wherever they could lie in it
  wire   [2*ADDR_W-1:0] row_addr;
  wire     [DATA_W-1:0] values_beat;
  wire   [DATA_W/8-1:0] values_beat_strb;
  wire   [DATA_W/8-1:0] indices_beat_strb = {{DATA_W/8-8{1'b0}}, indices_strb}
                                            << {across[BYTE_W-4:0], 3'd0};
  wire     [ADDR_W-1:0] part_addr = indices_q
      ? row_addr[ADDR_W +: ADDR_W] + {{ADDR_W-23{1'b0}}, across, 3'd0}
      : row_addr[0 +: ADDR_W]      + {{ADDR_W-25{1'b0}}, across, 5'd0};

  generate
    if (DATA_W == 128) begin : gen_two
      assign values_beat      = second_q ? values[255:128] : values[127:0];
      assign values_beat_strb = second_q ? values_strb[31:16] : values_strb[15:0];
    end else if (DATA_W == 256) begin : gen_one
      assign values_beat      = values;
      assign values_beat_strb = values_strb;
    end else begin : gen_half
      assign values_beat      = {2{values}};
      assign values_beat_strb = across[0] ? {values_strb, 32'd0} : {32'd0, values_strb};
    end
  endgenerate

  assign out_data_o = indices_q ? {DATA_W/64{indices}} : values_beat;
  assign out_strb_o = indices_q ? indices_beat_strb : values_beat_strb;
  assign out_addr_o = {part_addr[ADDR_W-1:BYTE_W], {BYTE_W{1'b0}}};

  generate
    for (k = 0; k < 2; k = k + 1) begin : gen_plane
      // W_FF: the next tile lies beside this one, or below the whole row of tiles. W_BP: the next
      // tile lies below this one, or beside the first.
      sat_row_pointer #(
        .ADDR_W(ADDR_W)
      ) u_pointer (
        .clk     (clk),
        .start_i (start_i),
        .base_i  (base_i[ADDR_W*k +: ADDR_W]),
        .stride_i(stride_i[`SAT_STRIDE_BITS*k +: `SAT_STRIDE_BITS]),
        .step_i  (row_step),
        .save_i  (tile_ready_o && band_end && BP == 0),
        .rewind_i(tile_ready_o && (BP == 0 ? !band_end : band_end)),
        .row_o   (row_addr[ADDR_W*k +: ADDR_W])
      );
    end
  endgenerate

  wire unused_ok = &{1'b0, groups[4], tile_i, last_row, part_addr};

endmodule

`default_nettype wire
