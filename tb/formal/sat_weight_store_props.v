// SPDX-License-Identifier: Apache-2.0
// Where sat_weight_store writes: every packet lies in a row of V or W, for matrices of any size;
// {row, offset} as in sat_c_store_props.v. Tiles come as sat_tile_loader gives them. Data is free.
// 128 bits, or with WIDE defined 512.
`default_nettype none

module sat_weight_store_props #(
  parameter integer ADDR_W = 40
) (
  input wire        clk,
  input wire        rst_n,
  input wire        start_i,
  input wire [15:0] rows_i,  // of W, taken with start_i
  input wire [15:0] cols_i,
  input wire        tile_valid_i,
  input wire        issue_i,
  input wire        in_valid_i,
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

  // The loader's tiles: rows and columns left from this tile on, and its number across.
  reg         started_q = 1'b0;
  reg         active_q;
  reg  [15:0] rows_q, cols_q, rows_left_q, cols_left_q;
  reg  [11:0] tile_row_q, tile_col_q;
  wire        band_end  = cols_left_q <= 16'd16;
  wire        last_band = rows_left_q <= 16'd16;
  wire  [4:0] rows      = last_band ? rows_left_q[4:0] : 5'd16;
  wire  [4:0] cols      = band_end ? cols_left_q[4:0] : 5'd16;

  wire              tile_ready, credit, out_valid, out_last;
  wire [ADDR_W-1:0] out_addr;
  wire        [2:0] out_beats;
  wire  [BYTES-1:0] strb;

  sat_weight_store #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_store (
    .clk         (clk),
    .rst_n       (rst_n),
    .start_i     (start_i),
    .base_i      ({2*ADDR_W{1'b0}}),
    .stride_i    ({2{24'd1 << STRIDE_L}}),
    .tile_valid_i(active_q && tile_valid_i),
    .tile_ready_o(tile_ready),
    .tile_i      ({last_band && band_end, band_end, 8'd0, tile_row_q, tile_col_q, rows, cols}),
    .credit_o    (credit),
    .issue_i     (issue_i),
    .in_valid_i  (in_valid_i),
    .in_data_i   ({DATA_W{1'b0}}),
    .out_valid_o (out_valid),
    .out_ready_i (out_ready_i),
    .out_addr_o  (out_addr),
    .out_beats_o (out_beats),
    .out_last_o  (out_last),
    .out_data_o  (),
    .out_strb_o  (strb)
  );

  always @(posedge clk) begin
    started_q <= 1'b1;
    if (!rst_n) active_q <= 1'b0;
    else active_q <= start_i || (active_q && !(tile_ready && band_end && last_band));
    if (start_i) begin
      {rows_q, cols_q, rows_left_q, cols_left_q} <= {2{rows_i, cols_i}};
      {tile_row_q, tile_col_q} <= 24'd0;
    end else if (tile_ready) begin
      cols_left_q <= band_end ? cols_q : cols_left_q - 16'd16;
      tile_col_q  <= band_end ? 12'd0 : tile_col_q + 12'd1;
      if (band_end) begin
        rows_left_q <= rows_left_q - 16'd16;
        tile_row_q  <= tile_row_q + 12'd1;
      end
    end
  end

  // Beat of the packet; bytes of W's rows up to here, and in all.
  reg         [1:0] beat_q;
  wire  [ROW_W-1:0] row    = out_addr[ADDR_W-1:STRIDE_L];
  wire       [18:0] offset = {1'b0, out_addr[STRIDE_L-1:0]};
  wire       [18:0] bytes  = {1'b0, cols_q, 2'b0};
  integer           b;

  always @(posedge clk)
    if (!rst_n) beat_q <= 2'd0;
    else if (out_valid && out_ready_i) beat_q <= out_last ? 2'd0 : beat_q + 2'd1;

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      if (start_i) m_start: assume (!active_q && rows_i != 16'd0 && cols_i != 16'd0);
      if (out_valid) begin
        a_row:    assert (row < rows_q);
        a_inside: assert (offset[5:0] == 6'd0 && out_beats != 3'd0
                          && out_beats * BYTES <= 64
                          && offset + out_beats * BYTES <= ((bytes + BYTES - 1) & ~(BYTES - 1)));
        a_last:   assert (out_last == ({1'b0, beat_q} == out_beats - 3'd1));
        // A byte is written if and only if it is the row's.
        for (b = 0; b < BYTES; b = b + 1)
          assert (strb[b] == (offset + beat_q * BYTES + b < bytes));
      end
      a_packet: assert (!out_valid || (active_q && tile_valid_i));
      a_tile:   assert (!tile_ready || (out_valid && out_ready_i && out_last));
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire              \u_store.weight_q ;
  (* hierconn *) wire        [3:0] \u_store.row_q ;
  (* hierconn *) wire        [3:0] \u_store.col_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_tensor[0].u_pointer.row_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_tensor[0].u_pointer.saved_q ;
  (* hierconn *) wire       [23:0] \u_store.gen_tensor[0].u_pointer.stride_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_tensor[1].u_pointer.row_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_store.gen_tensor[1].u_pointer.saved_q ;
  (* hierconn *) wire       [23:0] \u_store.gen_tensor[1].u_pointer.stride_q ;
  wire        weight = \u_store.weight_q ;
  wire  [3:0] in_row = \u_store.row_q ;
  // First row of this row of tiles, and of the next.
  wire [16:0] first  = {1'b0, tile_row_q, 4'd0};
  wire [16:0] after  = first + rows;

  always @(*) if (started_q) begin
    i_beat: assert (\u_store.col_q  == beat_q * (BYTES / 4));
    if (active_q) begin
      i_tile: assert (rows_left_q != 16'd0 && {1'b0, rows_left_q} + first == {1'b0, rows_q}
                      && cols_left_q != 16'd0
                      && {1'b0, cols_left_q} + {1'b0, tile_col_q, 4'd0} == {1'b0, cols_q});
      i_row:  assert ({1'b0, in_row} < rows && {1'b0, beat_q} < out_beats);
      i_stride: assert (\u_store.gen_tensor[0].u_pointer.stride_q  == 24'd1 << STRIDE_L
                        && \u_store.gen_tensor[1].u_pointer.stride_q  == 24'd1 << STRIDE_L);
      // W is written after V: its pointer waits at the tile's first row, V's is ahead by then.
      i_w: assert (\u_store.gen_tensor[0].u_pointer.row_q
                   == {first + (weight ? {13'd0, in_row} : 17'd0), {STRIDE_L{1'b0}}}
                   && \u_store.gen_tensor[0].u_pointer.saved_q  == {first, {STRIDE_L{1'b0}}});
      i_v: assert (\u_store.gen_tensor[1].u_pointer.row_q
                   == {!weight ? first + in_row : band_end ? after : first, {STRIDE_L{1'b0}}}
                   && \u_store.gen_tensor[1].u_pointer.saved_q
                      == {weight && band_end ? after : first, {STRIDE_L{1'b0}}});
    end else i_idle: assert (!weight && in_row == 4'd0 && beat_q == 2'd0);
  end
`endif

`ifdef COVER
  // Must fail: the end of the second tile across, where W ends in the middle of a beat.
  always @(*)
    if (started_q)
      c_last: assert (!(tile_ready && offset != 19'd0 && strb == {{BYTES-8{1'b0}}, 8'hFF}));
`endif
endmodule

`default_nettype wire
