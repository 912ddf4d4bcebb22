// SPDX-License-Identifier: Apache-2.0
// sat_burst_split: cuts a request into AXI bursts that do not cross a multiple of WINDOW beats.
// One burst per cycle, also from one request to the next. A window of at most 4 KB keeps the AXI
// rule. req_ready_o is combinational from burst_ready_i. Reset drops the request inside.
`default_nettype none
`include "sat_assert.vh"

module sat_burst_split #(
  parameter integer ADDR_W  = 40,  // address bits
  parameter integer BEATS_W = 12,  // bits of a request's length
  parameter integer DATA_W  = 128, // bus bits, power of two
  parameter integer WINDOW  = 64,  // beats, power of two, 2..256, at most 4 KB
  parameter integer LATE    = 0    // 1: for requests that come late in a cycle, 0: for early bursts
) (
  input  wire               clk,
  input  wire               rst_n,
  // Request: address is a multiple of the beat's bytes, 1 beat or more
  input  wire               req_valid_i,
  output wire               req_ready_o,
  input  wire [ADDR_W-1:0]  req_addr_i,
  input  wire [BEATS_W-1:0] req_beats_i,
  // Bursts, len as AXI: beats - 1
  output wire               burst_valid_o,
  input  wire               burst_ready_i,
  output wire [ADDR_W-1:0]  burst_addr_o,
  output wire [7:0]         burst_len_o
);

  localparam integer BYTE_W   = $clog2(DATA_W / 8);
  localparam integer OFFSET_W = $clog2(WINDOW);
  localparam integer LINE_W   = ADDR_W - BYTE_W;  // address in beats

  generate
    if ((1 << OFFSET_W) != WINDOW || WINDOW * DATA_W / 8 > 4096 || WINDOW > 256) begin : gen_check
      sat_error_window_must_be_a_power_of_two_up_to_4_kb u_error ();
    end
    if (BEATS_W <= OFFSET_W) begin : gen_check_beats
      sat_error_beats_w_must_hold_a_window u_error ();
    end
  endgenerate

  reg                 valid_q;
  reg  [LINE_W-1:0]   line_q;
  wire [OFFSET_W-1:0] len;
  wire                last;

  assign req_ready_o   = !valid_q || (burst_ready_i && last);
  assign burst_valid_o = valid_q;
  assign burst_addr_o  = {line_q, {BYTE_W{1'b0}}};

  always @(posedge clk) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (req_ready_o) valid_q <= req_valid_i;
  end

  always @(posedge clk) begin
    if (req_ready_o) line_q <= req_addr_i[ADDR_W-1:BYTE_W];
    else if (burst_ready_i) line_q <= {line_q[LINE_W-1:OFFSET_W] + 1'b1, {OFFSET_W{1'b0}}};
  end

  generate
    if (LATE != 0) begin : gen_late
      // A burst is cut from what is left of the request: 1..WINDOW beats to the end of the window.
      reg  [BEATS_W-1:0]  beats_q;
      wire [OFFSET_W-1:0] offset    = line_q[OFFSET_W-1:0];
      wire [OFFSET_W:0]   room      = {1'b1, {OFFSET_W{1'b0}}} - {1'b0, offset};
      wire [BEATS_W-1:0]  room_wide = {{BEATS_W-OFFSET_W-1{1'b0}}, room};
      wire [OFFSET_W-1:0] beats_len = beats_q[OFFSET_W-1:0] - {{OFFSET_W-1{1'b0}}, 1'b1};

      // What is left, if less than two windows, ends so many beats from the start of this one.
      wire [OFFSET_W+1:0] ends      = {1'b0, beats_q[OFFSET_W:0]} + {2'b00, offset};
      wire                at_window = ends[OFFSET_W-1:0] == {OFFSET_W{1'b0}};
      wire                more      = beats_q >> (OFFSET_W + 1) != {BEATS_W{1'b0}};

      assign last = !more && !ends[OFFSET_W+1] && (!ends[OFFSET_W] || at_window);
      assign len  = last ? beats_len : ~offset;

      always @(posedge clk) begin
        if (req_ready_o) beats_q <= req_beats_i;
        else if (burst_ready_i) beats_q <= beats_q - room_wide;
      end
    end else begin : gen_early
      // Bursts behind the one at hand: so many, of whole windows but the last, which has len end_q.
      localparam integer MORE_W = BEATS_W + 1 - OFFSET_W;
      localparam [BEATS_W:0] ONE = {{BEATS_W{1'b0}}, 1'b1};

      reg                last_q;
      reg [OFFSET_W-1:0] len_q, end_q;
      reg [MORE_W-1:0]   more_q;

      // A request's last beat, counted from the start of its first window.
      wire [OFFSET_W-1:0] offset   = req_addr_i[BYTE_W +: OFFSET_W];
      wire [BEATS_W:0]    last_at  = {1'b0, req_beats_i} + {{BEATS_W-OFFSET_W+1{1'b0}}, offset}
                                     - ONE;
      wire [MORE_W-1:0]   more     = last_at[BEATS_W:OFFSET_W];
      wire [OFFSET_W-1:0] req_len  = req_beats_i[OFFSET_W-1:0] - {{OFFSET_W-1{1'b0}}, 1'b1};
      wire [OFFSET_W-1:0] room_len = ~offset;
      wire                one_more = more_q == {{MORE_W-1{1'b0}}, 1'b1};

      assign last = last_q;
      assign len  = len_q;

      always @(posedge clk) begin
        if (req_ready_o) begin
          len_q  <= (more == {MORE_W{1'b0}}) ? req_len : room_len;
          end_q  <= last_at[OFFSET_W-1:0];
          more_q <= more;
          last_q <= more == {MORE_W{1'b0}};
        end else if (burst_ready_i) begin
          len_q  <= one_more ? end_q : {OFFSET_W{1'b1}};
          more_q <= more_q - {{MORE_W-1{1'b0}}, 1'b1};
          last_q <= one_more;
        end
      end
    end

    if (OFFSET_W == 8) begin : gen_len_full
      assign burst_len_o = len;
    end else begin : gen_len_padded
      assign burst_len_o = {{8-OFFSET_W{1'b0}}, len};
    end
  endgenerate

  wire unused_ok = &{1'b0, req_addr_i[BYTE_W-1:0]};

  `SAT_REQUIRE(request_has_beats, rst_n && req_valid_i, req_beats_i != {BEATS_W{1'b0}})
  `SAT_ASSERT(burst_in_window, rst_n && valid_q,
              {24'd0, burst_len_o} + {{32-OFFSET_W{1'b0}}, line_q[OFFSET_W-1:0]} < WINDOW)
  `SAT_STREAM(check_burst, rst_n, ADDR_W + 8, valid_q, burst_ready_i, {burst_len_o, burst_addr_o})

endmodule

`default_nettype wire
