// SPDX-License-Identifier: Apache-2.0
// Where sat_plane_store writes: every packet lies in a row of the values or indices, strobes too,
// for matrices of any size at one N:M; {row, offset} as in sat_c_store_props.v. Tiles come as
// sat_tile_loader gives them. Data is free. W_FF, or with BP defined W_BP;
// 128 bits, or with WIDE defined 512.
`default_nettype none

module sat_plane_store_props #(
  parameter integer ADDR_W = 40,
  parameter integer N      = 2,
  parameter integer M_LOG2 = 3
) (
  input wire        clk,
  input wire        rst_n,
  input wire        start_i,
  input wire [15:0] rows_i,  // of W, taken with start_i
  input wire [15:0] cols_i,
  input wire        tile_valid_i,
  input wire        in_valid_i,
  input wire  [3:0] in_index_i,
  input wire  [3:0] in_rank_i,
  input wire        in_end_i,
  input wire        in_last_i,
  input wire        out_ready_i
);
  localparam integer STRIDE_L = 18;
  localparam integer ROW_W    = ADDR_W - STRIDE_L;
`ifdef WIDE
  localparam integer DATA_W   = 512;
`else
  localparam integer DATA_W   = 128;
`endif
  localparam integer BYTES    = DATA_W / 8;
  localparam integer EMIT     = DATA_W / 128;
`ifdef BP
  localparam integer BP       = 1;
`else
  localparam integer BP       = 0;
`endif

  // The loader's tiles: rows and columns left from this tile on, and its number across.
  reg         started_q = 1'b0;
  reg         active_q;
  reg  [15:0] rows_q, cols_q, rows_left_q, cols_left_q;
  reg  [11:0] tile_row_q, tile_col_q;
  wire        band_end  = cols_left_q <= 16'd16;
  wire        last_band = rows_left_q <= 16'd16;
  wire  [4:0] rows      = last_band ? rows_left_q[4:0] : 5'd16;
  wire  [4:0] cols      = band_end ? cols_left_q[4:0] : 5'd16;

  wire              tile_ready, in_ready, out_valid, out_last;
  wire [ADDR_W-1:0] out_addr;
  wire        [2:0] out_beats;
  wire  [BYTES-1:0] strb;

  sat_plane_store #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W),
    .EMIT  (EMIT),
    .BP    (BP)
  ) u_store (
    .clk         (clk),
    .rst_n       (rst_n),
    .start_i     (start_i),
    .base_i      ({2*ADDR_W{1'b0}}),
    .stride_i    ({2{24'd1 << STRIDE_L}}),
    .n_i         (N),
    .m_log2_i    (M_LOG2),
    .tile_valid_i(active_q && tile_valid_i),
    .tile_ready_o(tile_ready),
    .tile_i      ({last_band && band_end, band_end, 8'd0, tile_row_q, tile_col_q, rows, cols}),
    .in_valid_i  ({EMIT{in_valid_i}}),
    .in_ready_o  (in_ready),
    .in_value_i  ({16*EMIT{1'b0}}),
    .in_index_i  ({EMIT{in_index_i}}),
    .in_rank_i   (in_rank_i),
    .in_end_i    (in_end_i),
    .in_last_i   (in_last_i),
    .out_valid_o (out_valid),
    .out_ready_i (out_ready_i),
    .out_addr_o  (out_addr),
    .out_beats_o (out_beats),
    .out_last_o  (out_last),
    .out_data_o  (),
    .out_strb_o  (strb)
  );

  // Of the planes: kept rows of this tile and of those before it, and of all; columns.
  wire  [4:0] length = BP != 0 ? cols : rows;
  wire  [4:0] kept   = ((length + (5'd1 << M_LOG2) - 5'd1) >> M_LOG2) * N;
  wire [16:0] all    = BP != 0 ? {1'b0, cols_q} : {1'b0, rows_q};
  wire [16:0] total  = ((all + (17'd1 << M_LOG2) - 17'd1) >> M_LOG2) * N;
  wire [16:0] width  = BP != 0 ? {1'b0, rows_q} : {1'b0, cols_q};
  reg  [16:0] before_q;

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (!rst_n) active_q <= 1'b0;
    else active_q <= start_i || (active_q && !(tile_ready && band_end && last_band));
    if (start_i) begin
      {rows_q, cols_q, rows_left_q, cols_left_q} <= {2{rows_i, cols_i}};
      {tile_row_q, tile_col_q} <= 24'd0;
      before_q <= 17'd0;
    end else if (tile_ready) begin
      cols_left_q <= band_end ? cols_q : cols_left_q - 16'd16;
      tile_col_q  <= band_end ? 12'd0 : tile_col_q + 12'd1;
      if (band_end) begin
        rows_left_q <= rows_left_q - 16'd16;
        tile_row_q  <= tile_row_q + 12'd1;
      end
      if (BP != 0 && band_end) before_q <= 17'd0;
      else if (BP != 0 || band_end) before_q <= before_q + kept;
    end
  end

  (* hierconn *) wire \u_store.indices_q ;
  (* hierconn *) wire \u_store.second_q ;
  wire             indices = \u_store.indices_q ;
  wire             second  = \u_store.second_q ;
  wire [ROW_W-1:0] row     = out_addr[ADDR_W-1:STRIDE_L];
  wire      [18:0] offset  = {1'b0, out_addr[STRIDE_L-1:0]};
  wire      [18:0] bytes   = indices ? ({2'd0, width} + 19'd1) >> 1 : {1'b0, width, 1'b0};
  wire      [18:0] at      = offset + {14'd0, second, 4'd0};  // of the beat
  integer k;

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      if (start_i) m_start: assume (!active_q && rows_i != 16'd0 && cols_i != 16'd0);
      if (out_valid) begin
        a_row:    assert (row < total);
        a_inside: assert (offset % BYTES == 0 && (out_beats == 3'd1 || out_beats == 3'd2)
                          && offset + out_beats * BYTES <= ((bytes + BYTES - 1) & ~(BYTES - 1)));
        for (k = 0; k < BYTES; k = k + 1) if (strb[k]) assert (at + k < bytes);
      end
      a_packet: assert (!out_valid || (active_q && tile_valid_i));
      a_tile:   assert (!tile_ready || (out_valid && out_ready_i && out_last));
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire        [3:0] \u_store.row_q ;
  (* hierconn *) wire              \u_store.known_q ;
  (* hierconn *) wire        [3:0] \u_store.last_row_q ;
  (* hierconn *) wire              \u_store.dense ;
  (* hierconn *) wire              \u_store.dense_q ;
  (* hierconn *) wire              \u_store.wide ;
  (* hierconn *) wire              \u_store.wide_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_plane[0].u_pointer.row_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_plane[0].u_pointer.saved_q ;
  (* hierconn *) wire       [23:0] \u_store.gen_plane[0].u_pointer.stride_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_plane[1].u_pointer.row_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_plane[1].u_pointer.saved_q ;
  (* hierconn *) wire       [23:0] \u_store.gen_plane[1].u_pointer.stride_q ;
  wire  [3:0] in_row = \u_store.row_q ;
  wire [16:0] left   = BP != 0 ? {1'b0, cols_left_q} : {1'b0, rows_left_q};
  wire [ADDR_W-1:0] row_addr   = {before_q + in_row, {STRIDE_L{1'b0}}};
  wire [ADDR_W-1:0] saved_addr = BP != 0 ? {ADDR_W{1'b0}} : {before_q, {STRIDE_L{1'b0}}};

  always @(*) if (started_q) begin
    if (active_q) begin
      i_tile: assert (rows_left_q != 16'd0
                      && {1'b0, rows_left_q} + {1'b0, tile_row_q, 4'd0} == {1'b0, rows_q}
                      && cols_left_q != 16'd0
                      && {1'b0, cols_left_q} + {1'b0, tile_col_q, 4'd0} == {1'b0, cols_q});
      i_before: assert (before_q + ((left + (17'd1 << M_LOG2) - 17'd1) >> M_LOG2) * N == total);
      i_row:    assert ({1'b0, in_row} < kept && !(second && indices));
      if (\u_store.known_q ) i_last: assert ({1'b0, \u_store.last_row_q } == kept - 5'd1
                                             && \u_store.dense_q  == \u_store.dense
                                             && \u_store.wide_q  == \u_store.wide );
      if (second) i_second: assert (out_beats == 3'd2);
      i_stride: assert (\u_store.gen_plane[0].u_pointer.stride_q  == 24'd1 << STRIDE_L
                        && \u_store.gen_plane[1].u_pointer.stride_q  == 24'd1 << STRIDE_L);
      i_values: assert (\u_store.gen_plane[0].u_pointer.row_q  == row_addr
                        && \u_store.gen_plane[0].u_pointer.saved_q  == saved_addr);
      i_indices: assert (\u_store.gen_plane[1].u_pointer.row_q  == row_addr
                         && \u_store.gen_plane[1].u_pointer.saved_q  == saved_addr);
    end else i_idle: assert (in_row == 4'd0 && !second && !indices && !\u_store.known_q );
  end
`endif

`ifdef COVER
  // Must fail: indices of the second tile across, an odd number of them.
  always @(*)
    if (started_q)
      c_odd: assert (!(out_valid && indices && row != 0 && strb == {{BYTES-9{1'b0}}, 9'h100}));
`endif
endmodule

`default_nettype wire
