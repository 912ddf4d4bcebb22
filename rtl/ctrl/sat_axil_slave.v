// SPDX-License-Identifier: Apache-2.0
// sat_axil_slave: AXI4-Lite slave protocol (32-bit data) in front of a register file.
// Address and data of a write are taken in any order. One read and one write are in hand at a time:
// at most one transfer of each kind every two cycles. All outputs to the bus are registers.
// write_fire_o / read_fire_o mark the one cycle in which the register file acts and must give
// write_ok_i / read_ok_i and read_data_i (combinational); not ok is answered with SLVERR.
`default_nettype none
`include "sat_assert.vh"

module sat_axil_slave #(
  parameter integer ADDR_W = 12  // address bits of the window
) (
  input  wire              clk,
  input  wire              rst_n,
  // AXI4-Lite
  input  wire [ADDR_W-1:0] s_axil_awaddr,
  input  wire              s_axil_awvalid,
  output wire              s_axil_awready,
  input  wire [31:0]       s_axil_wdata,
  input  wire [3:0]        s_axil_wstrb,
  input  wire              s_axil_wvalid,
  output wire              s_axil_wready,
  output wire [1:0]        s_axil_bresp,
  output wire              s_axil_bvalid,
  input  wire              s_axil_bready,
  input  wire [ADDR_W-1:0] s_axil_araddr,
  input  wire              s_axil_arvalid,
  output wire              s_axil_arready,
  output wire [31:0]       s_axil_rdata,
  output wire [1:0]        s_axil_rresp,
  output wire              s_axil_rvalid,
  input  wire              s_axil_rready,
  // Register file
  output wire              write_fire_o,
  output wire [ADDR_W-1:0] write_addr_o,
  output wire [31:0]       write_data_o,
  output wire [3:0]        write_strb_o,
  input  wire              write_ok_i,
  output wire              read_fire_o,
  output wire [ADDR_W-1:0] read_addr_o,
  input  wire [31:0]       read_data_i,
  input  wire              read_ok_i
);

  localparam [1:0] RESP_OKAY   = 2'b00;
  localparam [1:0] RESP_SLVERR = 2'b10;

  reg              aw_full_q, w_full_q, b_valid_q, ar_full_q, r_valid_q;
  reg [ADDR_W-1:0] aw_addr_q, ar_addr_q;
  reg [31:0]       w_data_q, r_data_q;
  reg [3:0]        w_strb_q;
  reg              b_ok_q, r_ok_q;

  wire aw_fire = s_axil_awvalid && s_axil_awready;
  wire w_fire  = s_axil_wvalid && s_axil_wready;
  wire ar_fire = s_axil_arvalid && s_axil_arready;

  assign s_axil_awready = !aw_full_q;
  assign s_axil_wready  = !w_full_q;
  assign s_axil_bvalid  = b_valid_q;
  assign s_axil_bresp   = b_ok_q ? RESP_OKAY : RESP_SLVERR;
  assign s_axil_arready = !ar_full_q;
  assign s_axil_rvalid  = r_valid_q;
  assign s_axil_rdata   = r_data_q;
  assign s_axil_rresp   = r_ok_q ? RESP_OKAY : RESP_SLVERR;

  assign write_fire_o = aw_full_q && w_full_q && (!b_valid_q || s_axil_bready);
  assign write_addr_o = aw_addr_q;
  assign write_data_o = w_data_q;
  assign write_strb_o = w_strb_q;
  assign read_fire_o  = ar_full_q && (!r_valid_q || s_axil_rready);
  assign read_addr_o  = ar_addr_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      aw_full_q <= 1'b0;
      w_full_q  <= 1'b0;
      b_valid_q <= 1'b0;
      ar_full_q <= 1'b0;
      r_valid_q <= 1'b0;
    end else begin
      aw_full_q <= aw_fire || (aw_full_q && !write_fire_o);
      w_full_q  <= w_fire || (w_full_q && !write_fire_o);
      b_valid_q <= write_fire_o || (b_valid_q && !s_axil_bready);
      ar_full_q <= ar_fire || (ar_full_q && !read_fire_o);
      r_valid_q <= read_fire_o || (r_valid_q && !s_axil_rready);
    end
  end

  always @(posedge clk) begin
    if (aw_fire) aw_addr_q <= s_axil_awaddr;
    if (w_fire) begin
      w_data_q <= s_axil_wdata;
      w_strb_q <= s_axil_wstrb;
    end
    if (write_fire_o) b_ok_q <= write_ok_i;
    if (ar_fire) ar_addr_q <= s_axil_araddr;
    if (read_fire_o) begin
      r_data_q <= read_data_i;
      r_ok_q   <= read_ok_i;
    end
  end

  `SAT_STREAM(check_b, rst_n, 2, s_axil_bvalid, s_axil_bready, s_axil_bresp)
  `SAT_STREAM(check_r, rst_n, 34, s_axil_rvalid, s_axil_rready, {s_axil_rresp, s_axil_rdata})

endmodule

`default_nettype wire
