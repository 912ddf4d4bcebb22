// SPDX-License-Identifier: Apache-2.0
// sat_affine: AFFINE on the lanes: out = alpha*x + gamma; with `second` two operations per beat of
// DATA_W/16 channels, u = beta*y + gamma and, when that has come back, out = alpha*x + u. Y and X
// are walked apart, Y ahead by the beats under way; X has precedence. One operation a cycle.
// The parameters of two bands are held: one band is filled while the other is in use.
// Operands leave one cycle after their beat is looked at; tag_o comes back with the result.
// Golden function: affine (rounding and ReLU are outside).
`default_nettype none
`include "sat_buses.vh"

module sat_affine #(
  parameter integer DATA_W = 128  // bits, 128, 256 or 512
) (
  input  wire                                   clk,
  input  wire                                   rst_n,
  // command; the flags are stable from the cycle after start_i on
  input  wire                                   start_i,
  input  wire                                   enable_i,  // it is AFFINE
  input  wire                                   second_i,
  // parameters: gamma, beta, alpha
  input  wire                             [2:0] param_valid_i,
  input  wire                             [3:0] param_index_i,
  input  wire                                   param_last_i,
  input  wire                      [DATA_W-1:0] param_data_i,
  output wire                                   band_done_o,  // a band's parameters are used up
  // queues of sat_feature_fetch: Y, X
  input  wire                             [1:0] queue_valid_i,
  output wire                             [1:0] queue_ready_o,
  input  wire [2*(DATA_W+`SAT_QUEUED_BITS)-1:0] queue_data_i,
  // place for a beat of the result
  input  wire                                   credit_i,
  output wire                                   reserve_o,
  // operation, one cycle later
  output wire                                   op_valid_o,
  output wire                      [DATA_W-1:0] factor_o,
  output wire                    [2*DATA_W-1:0] scalar_o,
  output wire                    [2*DATA_W-1:0] addend_o,
  output wire                             [1:0] tag_o,  // result, ends its band
  // its result
  input  wire                                   result_valid_i,
  input  wire                             [1:0] result_tag_i,
  input  wire                    [2*DATA_W-1:0] result_i
);

  localparam integer QUEUED_W = DATA_W + `SAT_QUEUED_BITS;

  // ---- Walks over X (0) and Y (1)
  wire          [1:0] issue, bank, ends_band;
  wire          [5:0] place;
  wire [2*DATA_W-1:0] data;

  genvar q, h;
  generate
    for (q = 0; q < 2; q = q + 1) begin : gen_walk
      reg  [2:0] place_q;  // of the beat in its band
      reg        bank_q;
      wire       row_last = queue_data_i[QUEUED_W*q + `SAT_QUEUED_PIECE_LAST];

      assign place[3*q +: 3]          = place_q;
      assign bank[q]                  = bank_q;
      assign ends_band[q]             = queue_data_i[QUEUED_W*q + `SAT_QUEUED_BAND_LAST];
      assign data[DATA_W*q +: DATA_W] = queue_data_i[QUEUED_W*q + `SAT_QUEUED_BITS +: DATA_W];

      always @(posedge clk) begin
        if (!rst_n || start_i) begin
          place_q <= 3'd0;
          bank_q  <= 1'b0;
        end else if (issue[q]) begin
          place_q <= row_last ? 3'd0 : place_q + 3'd1;
          bank_q  <= bank_q ^ ends_band[q];
        end
      end
    end
  endgenerate

  // Intermediate results u: free_q places that no operation has taken, ready_q results unclaimed.
  // Whether there are any is in registers, too.
  reg  [4:0] free_q, ready_q;
  reg        some_free_q, some_ready_q;
  wire       arrive = result_valid_i && enable_i && !result_tag_i[1];

  wire       claim  = issue[0] && second_i;

  assign issue[0] = enable_i && queue_valid_i[0] && credit_i && (!second_i || some_ready_q);
  assign issue[1] = enable_i && queue_valid_i[1] && second_i && !issue[0] && some_free_q;

  assign queue_ready_o = issue;
  assign reserve_o     = issue[0];
  assign band_done_o   = issue[0] && ends_band[0];

  always @(posedge clk) begin
    if (!rst_n) begin
      free_q       <= 5'd16;
      ready_q      <= 5'd0;
      some_free_q  <= 1'b1;
      some_ready_q <= 1'b0;
    end else begin
      free_q       <= free_q - {4'd0, issue[1]} + {4'd0, claim};
      ready_q      <= ready_q + {4'd0, arrive} - {4'd0, claim};
      some_free_q  <= claim || (|free_q[4:1]) || (free_q[0] && !issue[1]);
      some_ready_q <= arrive || (|ready_q[4:1]) || (ready_q[0] && !claim);
    end
  end

  // ---- Operands
  reg               valid_q, is_result_q, bank_q, ends_band_q;
  reg         [2:0] place_q;
  reg  [DATA_W-1:0] factor_q;

  always @(posedge clk) begin
    valid_q     <= rst_n && (|issue);
    is_result_q <= issue[0];
    bank_q      <= issue[0] ? bank[0] : bank[1];
    place_q     <= issue[0] ? place[2:0] : place[5:3];
    ends_band_q <= ends_band[0];
    factor_q    <= issue[0] ? data[0 +: DATA_W] : data[DATA_W +: DATA_W];
  end

  wire [2*DATA_W-1:0] u;
  wire                u_valid, u_ready;
  wire          [4:0] u_count;

  sat_fifo #(
    .WIDTH(2 * DATA_W),
    .DEPTH(16)
  ) u_intermediate (
    .clk        (clk),
    .rst_n      (rst_n),
    .flush_i    (1'b0),
    .in_valid_i (arrive),
    .in_ready_o (u_ready),
    .in_data_i  (result_i),
    .out_valid_o(u_valid),
    .out_ready_i(valid_q && is_result_q && second_i),
    .out_data_o (u),
    .count_o    (u_count)
  );

  // Gamma comes last and ends the filling of a band.
  wire [6*DATA_W-1:0] params;
  reg                 fill_bank_q;

  always @(posedge clk) begin
    if (!rst_n || start_i)                     fill_bank_q <= 1'b0;
    else if (param_valid_i[2] && param_last_i) fill_bank_q <= !fill_bank_q;
  end

  // A beat of parameters is for half a beat of channels: even and odd ones lie apart.
  generate
    for (q = 0; q < 3; q = q + 1) begin : gen_param
      for (h = 0; h < 2; h = h + 1) begin : gen_half
        sat_lutram #(
          .WIDTH(DATA_W),
          .DEPTH(16)
        ) u_param (
          .clk    (clk),
          .we_i   (param_valid_i[q] && param_index_i[0] == h),
          .waddr_i({fill_bank_q, param_index_i[3:1]}),
          .wdata_i(param_data_i),
          .raddr_i({bank_q, place_q}),
          .rdata_o(params[DATA_W*(2*q + h) +: DATA_W])
        );
      end
    end
  endgenerate

  assign op_valid_o = valid_q;
  assign factor_o   = factor_q;
  assign scalar_o   = is_result_q ? params[0 +: 2*DATA_W] : params[2*DATA_W +: 2*DATA_W];
  assign addend_o   = (is_result_q && second_i) ? u : params[4*DATA_W +: 2*DATA_W];
  assign tag_o      = {is_result_q, ends_band_q};

  wire unused_ok = &{1'b0, queue_data_i, u_valid, u_ready, u_count, result_tag_i[0]};

endmodule

`default_nettype wire
