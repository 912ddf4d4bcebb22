// SPDX-License-Identifier: Apache-2.0
// sat_error_record: keeps what the error registers will say about the error that stops a program.
// A later event overwrites an earlier one: the caller lets events through only while the program
// runs, and a bus error or hang of a running command comes before the bad descriptor behind it.
`default_nettype none
`include "sat_assert.vh"
`include "sat_defs.vh"

module sat_error_record #(
  parameter integer ADDR_W = 40  // address bits
) (
  input  wire              clk,
  // A program begins; PROGRAM is the error if it may not
  input  wire              begins_i,
  input  wire [63:0]       prog_addr_i,
  // Bus error of a running command; a read goes first
  input  wire              rd_err_i,
  input  wire [1:0]        rd_resp_i,      // SLVERR, DECERR; OKAY: RLAST was wrong
  input  wire [ADDR_W-1:0] rd_addr_i,
  input  wire              wr_err_i,
  input  wire              wr_decerr_i,
  input  wire [ADDR_W-1:0] wr_addr_i,
  input  wire [31:0]       bus_index_i,    // the command
  // Hang: the caller says whether an error goes first
  input  wire              hang_i,
  input  wire [31:0]       hang_index_i,
  // Descriptor that could not be read, or is illegal
  input  wire              fetch_bad_i,
  input  wire [1:0]        fetch_resp_i,
  input  wire [ADDR_W-1:0] fetch_addr_i,
  input  wire              check_bad_i,
  input  wire [7:0]        check_code_i,
  input  wire              check_tensor_i, // the address is the tensor's
  input  wire [63:0]       check_base_i,
  input  wire [31:0]       desc_index_i,
  // Register values
  output wire [7:0]        code_o,
  output wire [31:0]       index_o,
  output wire [63:0]       addr_o
);

  reg [7:0]        code_q;
  reg [31:0]       index_q, hang_index_q;
  reg [63:0]       addr_q;
  reg              at_desc_q;    // the address is that of descriptor index_o
  reg [ADDR_W-1:0] prog_addr_q;

  // A hang comes late in its cycle: it is seen from a register, and written behind it, over what
  // was beside it. Nothing else is recorded then.
  reg hang_q;

  assign code_o  = hang_q ? `SAT_ERR_HANG : code_q;
  assign index_o = hang_q ? hang_index_q : index_q;
  assign addr_o  = (hang_q || at_desc_q) ? {{64-ADDR_W{1'b0}}, prog_addr_q} + {25'd0, index_o, 7'd0}
                                         : addr_q;

  wire [7:0] rd_code    = !rd_resp_i[1] ? `SAT_ERR_READ_PROTOCOL
                          : rd_resp_i[0] ? `SAT_ERR_READ_DECERR : `SAT_ERR_READ_SLVERR;
  wire [7:0] fetch_code = !fetch_resp_i[1] ? `SAT_ERR_READ_PROTOCOL
                          : fetch_resp_i[0] ? `SAT_ERR_READ_DECERR : `SAT_ERR_READ_SLVERR;

  always @(posedge clk) begin
    hang_q       <= hang_i;
    hang_index_q <= hang_index_i;
    if (begins_i) begin
      code_q      <= `SAT_ERR_PROGRAM;
      index_q     <= 32'd0;
      addr_q      <= prog_addr_i;
      at_desc_q   <= 1'b0;
      prog_addr_q <= prog_addr_i[ADDR_W-1:0];
    end else if (rd_err_i) begin
      code_q    <= rd_code;
      index_q   <= bus_index_i;
      addr_q    <= {{64-ADDR_W{1'b0}}, rd_addr_i};
      at_desc_q <= 1'b0;
    end else if (wr_err_i) begin
      code_q    <= wr_decerr_i ? `SAT_ERR_WRITE_DECERR : `SAT_ERR_WRITE_SLVERR;
      index_q   <= bus_index_i;
      addr_q    <= {{64-ADDR_W{1'b0}}, wr_addr_i};
      at_desc_q <= 1'b0;
    end else if (hang_q) begin
      code_q    <= `SAT_ERR_HANG;
      index_q   <= hang_index_q;
      at_desc_q <= 1'b1;
    end else if (fetch_bad_i) begin
      code_q    <= fetch_code;
      index_q   <= desc_index_i;
      addr_q    <= {{64-ADDR_W{1'b0}}, fetch_addr_i};
      at_desc_q <= 1'b0;
    end else if (check_bad_i) begin
      code_q    <= check_code_i;
      index_q   <= desc_index_i;
      addr_q    <= check_base_i;
      at_desc_q <= !check_tensor_i;
    end
  end

  `SAT_REQUIRE(hang_while_running, hang_i, !begins_i)
  `SAT_REQUIRE(nothing_behind_hang, hang_q, !begins_i && !rd_err_i && !wr_err_i)

endmodule

`default_nettype wire
