// SPDX-License-Identifier: Apache-2.0
// Properties of sat_axil_slave in front of any register file, for any master, also one that breaks
// its own rules: every request is answered once, in order, in time, with what the register file
// said; a request is refused only while an earlier one is in hand. That responses wait unchanged is
// asserted inside.
`default_nettype none

module sat_axil_slave_props #(
  parameter integer ADDR_W = 3
) (
  input wire              clk,
  input wire              rst_n,
  input wire [ADDR_W-1:0] awaddr_i,
  input wire              awvalid_i,
  input wire       [31:0] wdata_i,
  input wire        [3:0] wstrb_i,
  input wire              wvalid_i,
  input wire              bready_i,
  input wire [ADDR_W-1:0] araddr_i,
  input wire              arvalid_i,
  input wire              rready_i,
  input wire              write_ok_i,
  input wire       [31:0] read_data_i,
  input wire              read_ok_i
);
  wire              awready, wready, bvalid, arready, rvalid, write_fire, read_fire;
  wire        [1:0] bresp, rresp;
  wire       [31:0] rdata, write_data;
  wire        [3:0] write_strb;
  wire [ADDR_W-1:0] write_addr, read_addr;

  sat_axil_slave #(
    .ADDR_W(ADDR_W)
  ) u_slave (
    .clk           (clk),
    .rst_n         (rst_n),
    .s_axil_awaddr (awaddr_i),
    .s_axil_awvalid(awvalid_i),
    .s_axil_awready(awready),
    .s_axil_wdata  (wdata_i),
    .s_axil_wstrb  (wstrb_i),
    .s_axil_wvalid (wvalid_i),
    .s_axil_wready (wready),
    .s_axil_bresp  (bresp),
    .s_axil_bvalid (bvalid),
    .s_axil_bready (bready_i),
    .s_axil_araddr (araddr_i),
    .s_axil_arvalid(arvalid_i),
    .s_axil_arready(arready),
    .s_axil_rdata  (rdata),
    .s_axil_rresp  (rresp),
    .s_axil_rvalid (rvalid),
    .s_axil_rready (rready_i),
    .write_fire_o  (write_fire),
    .write_addr_o  (write_addr),
    .write_data_o  (write_data),
    .write_strb_o  (write_strb),
    .write_ok_i    (write_ok_i),
    .read_fire_o   (read_fire),
    .read_addr_o   (read_addr),
    .read_data_i   (read_data_i),
    .read_ok_i     (read_ok_i)
  );

  wire aw_fire = awvalid_i && awready;
  wire w_fire  = wvalid_i && wready;
  wire b_fire  = bvalid && bready_i;
  wire ar_fire = arvalid_i && arready;
  wire r_fire  = rvalid && rready_i;

  // The model: requests taken and not answered, and the newest of each kind. At most one waits for
  // the register file and one for the master.
  reg              started_q = 1'b0;
  reg        [1:0] aw_open_q, w_open_q, ar_open_q;
  reg [ADDR_W-1:0] awaddr_q, araddr_q;
  reg       [31:0] wdata_q, rdata_q;
  reg        [3:0] wstrb_q;
  reg              write_ok_q, read_ok_q;
  reg        [1:0] b_late_q, r_late_q;       // cycles without a response that is due

  wire b_due = aw_open_q != 2'd0 && w_open_q != 2'd0;
  wire r_due = ar_open_q != 2'd0;

  always @(posedge clk) begin
    started_q    <= 1'b1;
    aw_open_q    <= rst_n ? aw_open_q + {1'b0, aw_fire} - {1'b0, b_fire} : 2'd0;
    w_open_q     <= rst_n ? w_open_q + {1'b0, w_fire} - {1'b0, b_fire} : 2'd0;
    ar_open_q    <= rst_n ? ar_open_q + {1'b0, ar_fire} - {1'b0, r_fire} : 2'd0;
    b_late_q     <= (rst_n && b_due && !bvalid) ? b_late_q + 2'd1 : 2'd0;
    r_late_q     <= (rst_n && r_due && !rvalid) ? r_late_q + 2'd1 : 2'd0;
    if (aw_fire) awaddr_q <= awaddr_i;
    if (w_fire) {wstrb_q, wdata_q} <= {wstrb_i, wdata_i};
    if (ar_fire) araddr_q <= araddr_i;
    if (write_fire) write_ok_q <= write_ok_i;
    if (read_fire) {read_ok_q, rdata_q} <= {read_ok_i, read_data_i};
  end

  // Requests that the register file has not seen.
  wire [1:0] aw_held = aw_open_q - {1'b0, bvalid};
  wire [1:0] w_held  = w_open_q - {1'b0, bvalid};
  wire [1:0] ar_held = ar_open_q - {1'b0, rvalid};

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      // No response without a whole request; two requests of a kind are in hand at most.
      if (bvalid) a_b_asked: assert (b_due);
      if (rvalid) a_r_asked: assert (r_due);
      a_aw_held: assert (aw_held <= 2'd1);
      a_w_held:  assert (w_held <= 2'd1);
      a_ar_held: assert (ar_held <= 2'd1);
      // Ready unless one is held: also after reset.
      a_awready: assert (awready == (aw_held == 2'd0));
      a_wready:  assert (wready == (w_held == 2'd0));
      a_arready: assert (arready == (ar_held == 2'd0));
      // A due response comes at once, in the second cycle after the request.
      a_b_late: assert (b_late_q <= 2'd1);
      a_r_late: assert (r_late_q <= 2'd1);
      // OKAY or SLVERR, and data, as the register file said.
      if (bvalid) a_bresp: assert (bresp == {!write_ok_q, 1'b0});
      if (rvalid) a_rresp: assert (rresp == {!read_ok_q, 1'b0} && rdata == rdata_q);
      // The register file acts once per request, in order, as soon as the response has room.
      a_write_fire: assert (write_fire == (aw_held != 2'd0 && w_held != 2'd0
                                           && (!bvalid || bready_i)));
      a_read_fire:  assert (read_fire == (ar_held != 2'd0 && (!rvalid || rready_i)));
      if (write_fire) a_write: assert (write_addr == awaddr_q && write_data == wdata_q
                                       && write_strb == wstrb_q);
      if (read_fire) a_read: assert (read_addr == araddr_q);
    end
  end

`ifdef COVER
  // Must fail: a refused write follows a refused write while two reads wait.
  always @(*)
    if (started_q) c_full: assert (!(b_fire && bresp == 2'b10 && write_fire && !write_ok_i
                                     && ar_open_q == 2'd2));
`endif
endmodule

`default_nettype wire
