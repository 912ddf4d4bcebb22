// SPDX-License-Identifier: Apache-2.0
// sat_plane_store: collects one direction's kept elements of a tile, vector after vector, and
// writes the tile's part of the compressed values and indices (N = M: of the dense matrix) row by
// row, as packets of one or two beats. Two tile buffers: one is filled while the other is written
// out. The tiles' parts follow each other along the columns of the planes (BP = 0, W_FF), or along
// their rows (BP = 1, W_BP, whose rows run along W's columns).
// in_ready_o depends on registers only. Packets: as in sat_store_mux.
`default_nettype none
`include "sat_buses.vh"

module sat_plane_store #(
  parameter integer ADDR_W = 40,  // bits, 32..40
  parameter integer BP     = 0    // 0 or 1: direction
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
  // kept elements
  input  wire                          in_valid_i,
  output wire                          in_ready_o,
  input  wire                   [15:0] in_value_i,
  input  wire                    [3:0] in_index_i,
  input  wire                    [3:0] in_rank_i,
  input  wire                          in_end_i,
  input  wire                          in_last_i,
  // packets
  output wire                          out_valid_o,
  input  wire                          out_ready_i,
  output wire             [ADDR_W-1:0] out_addr_o,
  output wire                    [2:0] out_beats_o,
  output wire                          out_last_o,
  output wire                  [127:0] out_data_o,
  output wire                   [15:0] out_strb_o
);

  // ---- Filling: column `number_q` of the buffer, row in_rank_i
  reg [1:0] filled_q;
  reg       fill_half_q, send_half_q;
  reg [3:0] number_q;

  wire in_fire = in_valid_i && in_ready_o;
  wire fill    = in_fire && in_last_i;
  wire fire    = out_valid_o && out_ready_i;

  assign in_ready_o = !filled_q[1];

  always @(posedge clk) begin
    if (!rst_n) begin
      filled_q    <= 2'd0;
      fill_half_q <= 1'b0;
      send_half_q <= 1'b0;
      number_q    <= 4'd0;
    end else begin
      filled_q    <= filled_q + {1'b0, fill} - {1'b0, tile_ready_o};
      fill_half_q <= fill_half_q ^ fill;
      send_half_q <= send_half_q ^ tile_ready_o;
      if (fill)                     number_q <= 4'd0;
      else if (in_fire && in_end_i) number_q <= number_q + 4'd1;
    end
  end

  // Size of the part: rows of the planes and columns in use; where it lies across.
  wire  [4:0] length   = BP != 0 ? tile_i[`SAT_TILE_COLS] : tile_i[`SAT_TILE_ROWS];
  wire  [4:0] width    = BP != 0 ? tile_i[`SAT_TILE_ROWS] : tile_i[`SAT_TILE_COLS];
  wire [11:0] across   = BP != 0 ? tile_i[`SAT_TILE_ROW] : tile_i[`SAT_TILE_COL];
  wire        band_end = tile_i[`SAT_TILE_BAND_END];
  wire        dense    = n_i == (5'd1 << m_log2_i);
  wire  [4:0] groups   = (length + ~(5'h1F << m_log2_i)) >> m_log2_i;
  wire  [4:0] kept     = (groups[0] ? n_i : 5'd0) + (groups[1] ? {n_i[3:0], 1'b0} : 5'd0)
                       + (groups[2] ? {n_i[2:0], 2'd0} : 5'd0)
                       + (groups[3] ? {n_i[1:0], 3'd0} : 5'd0);
  wire  [4:0] rows     = dense ? length : kept;
  wire        wide     = width > 5'd8;

  wire unused_ok = &{1'b0, groups[4], tile_i};

  // ---- Sending: row, then within it the values' beats and the index beat
  reg  [3:0] row_q;
  reg        second_q, indices_q;

  wire row_last = {1'b0, row_q} == rows - 5'd1;
  wire row_end  = out_last_o && (indices_q || dense);
  wire row_step = fire && row_end;

  assign out_valid_o  = |filled_q && tile_valid_i;
  assign out_last_o   = indices_q || (second_q == wide);
  assign out_beats_o  = (wide && !indices_q) ? 3'd2 : 3'd1;
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

  wire [127:0] values;
  wire  [63:0] indices, indices_in_width;
  wire  [15:0] values_strb;
  wire   [7:0] indices_strb;

  genvar k;
  generate
    for (k = 0; k < 8; k = k + 1) begin : gen_value
      wire [3:0] column = {second_q, 3'd0} + k;

      assign values_strb[2*k +: 2] = {2{{1'b0, column} < width}};

      sat_lutram #(
        .WIDTH(16),
        .DEPTH(64)
      ) u_values (
        .clk    (clk),
        .we_i   (in_fire && (number_q[2:0] == k)),
        .waddr_i({fill_half_q, in_rank_i, number_q[3]}),
        .wdata_i(in_value_i),
        .raddr_i({send_half_q, row_q, second_q}),
        .rdata_o(values[16*k +: 16])
      );
    end
    // The nibble past an odd width is zero.
    for (k = 0; k < 16; k = k + 1) begin : gen_index
      assign indices_in_width[4*k +: 4] = (width > k) ? indices[4*k +: 4] : 4'd0;
      if (k % 2 == 0) begin : gen_strobe
        assign indices_strb[k/2] = width > k;
      end

      sat_lutram #(
        .WIDTH(4),
        .DEPTH(32)
      ) u_indices (
        .clk    (clk),
        .we_i   (in_fire && (number_q == k)),
        .waddr_i({fill_half_q, in_rank_i}),
        .wdata_i(in_index_i),
        .raddr_i({send_half_q, row_q}),
        .rdata_o(indices[4*k +: 4])
      );
    end
  endgenerate

  // A tile has 32 bytes of each row of values and 8 bytes, half a beat, of each row of indices.
  wire [2*ADDR_W-1:0] row_addr;

  assign out_data_o = indices_q ? {2{indices_in_width}} : values;
  assign out_strb_o = !indices_q ? values_strb
                    : across[0]  ? {indices_strb, 8'd0}
                                 : {8'd0, indices_strb};
  assign out_addr_o = indices_q
                    ? row_addr[ADDR_W +: ADDR_W] + {{ADDR_W-15{1'b0}}, across[11:1], 4'd0}
                    : row_addr[0 +: ADDR_W] + {{ADDR_W-17{1'b0}}, across, 5'd0};

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

endmodule

`default_nettype wire
