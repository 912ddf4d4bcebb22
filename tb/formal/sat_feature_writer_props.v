// SPDX-License-Identifier: Apache-2.0
// Where sat_feature_writer writes: every packet lies in the beats of a row of its tensor, whatever
// its size; {row, offset} as in sat_c_store_props.v. Data is free.
// 128 bits, or with WIDE defined 512.
`default_nettype none

module sat_feature_writer_props #(
  parameter integer ADDR_W = 40
) (
  input wire        clk,
  input wire        rst_n,
  input wire        start_i,
  input wire  [1:0] format_i,  // 1: FP32, 2: 4 bits, else FP16; taken with start_i
  input wire [15:0] rows_i,
  input wire [15:0] cols_i,
  input wire        reserve_i,
  input wire        in_valid_i,
  input wire        band_last_i,
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

  reg   [1:0] format_q;
  reg  [15:0] rows_q, cols_q;
  wire        single = format_q == 2'd1;
  wire        nibble = format_q == 2'd2;

  always @(posedge clk) if (start_i) {format_q, rows_q, cols_q} <= {format_i, rows_i, cols_i};

  wire              done, special, credit, out_valid, out_last;
  wire [ADDR_W-1:0] out_addr;
  wire        [4:0] out_beats;

  sat_feature_writer #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_writer (
    .clk           (clk),
    .rst_n         (rst_n),
    .start_i       (start_i),
    .single_i      (single),
    .nibble_i      (nibble),
    .cols_i        (cols_q),
    .base_i        ({ADDR_W{1'b0}}),
    .stride_i      (24'd1 << STRIDE_L),
    .done_o        (done),
    .special_o     (special),
    .credit_o      (credit),
    .reserve_i     (reserve_i),
    .in_valid_i    (in_valid_i),
    .in_band_last_i(band_last_i),
    .in_data_i     ({DATA_W{1'b0}}),
    .out_valid_o   (out_valid),
    .out_ready_i   (out_ready_i),
    .out_addr_o    (out_addr),
    .out_beats_o   (out_beats),
    .out_last_o    (out_last),
    .out_data_o    (),
    .out_strb_o    ()
  );

  wire  [ROW_W-1:0] row    = out_addr[ADDR_W-1:STRIDE_L];
  wire       [18:0] offset = {1'b0, out_addr[STRIDE_L-1:0]};
  wire       [18:0] bytes  = single ? {1'b0, cols_q, 2'b0} : nibble ? ({3'd0, cols_q} + 19'd1) >> 1
                                                           : {2'b0, cols_q, 1'b0};

  // A band's rows come one by one, the last one marked. That is the mark's contract, here an
  // assumption: a packet that starts another row is not behind the last row.
  (* hierconn *) wire \u_writer.row_fire ;
  (* hierconn *) wire \u_writer.band_fire ;
  (* hierconn *) wire \u_writer.start_q ;
  wire row_fire  = \u_writer.row_fire ;
  wire band_fire = \u_writer.band_fire ;
  reg         started_q = 1'b0;
  reg         alive_q, start_q, done_q;
  reg  [15:0] row_q;
  reg         wait_q, last_q;
  reg [ADDR_W-1:0] addr_q;
  reg   [4:0] beats_q, beat_q;

  always @(posedge clk) begin
    started_q <= 1'b1;
    {alive_q, start_q, done_q} <= {rst_n, start_i, done};
    wait_q    <= rst_n && out_valid && !(out_ready_i && out_last);
    addr_q    <= out_addr;
    beats_q   <= out_beats;
    if (start_i || band_fire) row_q <= 16'd0;
    else if (row_fire) row_q <= row_q + 16'd1;
    if (!rst_n) beat_q <= 5'd0;
    else if (out_valid && out_ready_i) beat_q <= out_last ? 5'd0 : beat_q + 5'd1;
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      if (start_i) m_start: assume (done && cols_i != 16'd0 && rows_i != 16'd0);
      if (row_fire && row_q == rows_q - 16'd1) m_band_last: assume (band_fire);
      if (out_valid) begin
        a_row:    assert (row == row_q && row_q < rows_q);
        a_inside: assert (offset % BYTES == 0 && out_beats != 5'd0 && out_beats <= 5'd16
                          && offset + out_beats * BYTES <= ((bytes + BYTES - 1) & ~(BYTES - 1)));
        // The strobes of the last beat end with the row or the band.
        a_last: assert (out_last == (beat_q == out_beats - 5'd1));
      end
      // Once begun, a packet stays until its last beat is taken.
      if (wait_q) a_stable: assert (out_valid && out_addr == addr_q && out_beats == beats_q);
      if (done) a_done: assert (!out_valid);
      if (!alive_q) a_reset: assert (done);
      else a_stays: assert (start_q ? !done : !done_q || done);
    end
  end

`ifndef FAULT
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire              \u_writer.active_q ;
  (* hierconn *) wire              \u_writer.begun_q ;
  (* hierconn *) wire              \u_writer.known_q ;
  (* hierconn *) wire              \u_writer.last_band_q ;
  (* hierconn *) wire              \u_writer.last_band ;
  (* hierconn *) wire [$clog2(DATA_W/2)+1:0] \u_writer.last_byte_q ;
  (* hierconn *) wire [$clog2(DATA_W/2)+1:0] \u_writer.last_byte ;
  (* hierconn *) wire        [3:0] \u_writer.beat_q ;
  (* hierconn *) wire       [15:0] \u_writer.cols_left_q ;
  (* hierconn *) wire        [9:0] \u_writer.band_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_writer.u_pointer.row_q ;
  (* hierconn *) wire [ADDR_W-1:0] \u_writer.u_pointer.saved_q ;
  (* hierconn *) wire       [23:0] \u_writer.u_pointer.stride_q ;
  wire       active    = \u_writer.active_q ;
  wire       begun     = \u_writer.begun_q ;
  wire [9:0] band      = \u_writer.band_q ;
  wire [4:0] beat      = {1'b0, \u_writer.beat_q };

  always @(*) if (started_q) begin
    i_beat:  assert (beat == beat_q && (begun || beat == 5'd0) && (!begun || \u_writer.known_q ));
    if (!done) begin
      i_sizes:   assert (cols_q != 16'd0 && rows_q != 16'd0);
      i_pointer: assert (\u_writer.u_pointer.row_q  == {row_q, {STRIDE_L{1'b0}}}
                         && \u_writer.u_pointer.saved_q  == {ADDR_W{1'b0}}
                         && \u_writer.u_pointer.stride_q  == 24'd1 << STRIDE_L && row_q < rows_q);
    end
    i_start: assert (!(\u_writer.start_q  && active) && (!\u_writer.known_q  || active));
    if (\u_writer.known_q )
      i_known: assert (\u_writer.last_band_q  == \u_writer.last_band
                       && \u_writer.last_byte_q  == \u_writer.last_byte );
    if (active) begin
      i_cols:  assert (\u_writer.cols_left_q  != 16'd0
                       && {1'b0, \u_writer.cols_left_q } + band * (DATA_W / 2) == {1'b0, cols_q});
      if (\u_writer.known_q ) i_place: assert (beat < out_beats);
    end
  end
`endif

`ifdef COVER
  // Must fail: the second beat of the second row of the second band.
  always @(*)
    if (started_q) c_band: assert (!(out_valid && row == 1 && beat_q == 5'd1
                                     && out_addr[STRIDE_L-1:0] != 18'd0));
`endif
endmodule

`default_nettype wire
