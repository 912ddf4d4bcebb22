// SPDX-License-Identifier: Apache-2.0
// sat_random: the random bits of one block of 16 rows after the other, 16 for each quad of rows:
// Threefry-2x32 with 20 rounds (Salmon et al., SC 2011) of the counter {layer, block} under the key
// {seed, step}, a round or the addition of a key word a cycle. The next block is made while the
// one before is in use, so that next_i finds it 27 cycles later. Golden function: random_bits.
`default_nettype none

module sat_random (
  input  wire        clk,
  input  wire        rst_n,
  // command: start_i begins with block 0; the rest is stable from the cycle after it on
  input  wire        start_i,
  input  wire [31:0] seed_i,
  input  wire [31:0] step_i,
  input  wire [31:0] layer_i,
  // bits of a block, the first quad's lowest
  output wire        valid_o,
  input  wire        next_i,   // with valid_o
  output wire [63:0] bits_o
);

  localparam [31:0] PARITY = 32'h1BD11BDA;

  // ---- The state x, y and what comes next: an addition, or one of the four rounds behind it
  reg         start_q, busy_q, made_q, valid_q;
  reg   [2:0] phase_q;      // 0: addition, 1..4: rounds
  reg   [2:0] addition_q;   // number of the addition, 0..5
  reg   [1:0] word_q;       // addition_q modulo 3
  reg  [19:0] block_q;
  reg  [31:0] x_q, y_q;
  reg  [63:0] bits_q;

  wire [31:0] third    = seed_i ^ step_i ^ PARITY;
  wire [31:0] key_x    = word_q == 2'd0 ? seed_i : word_q == 2'd1 ? step_i : third;
  wire [31:0] key_y    = word_q == 2'd0 ? step_i : word_q == 2'd1 ? third : seed_i;
  wire        adds     = phase_q == 3'd0;
  wire        take     = made_q && (!valid_q || next_i);
  wire        ends     = busy_q && adds && addition_q == 3'd5;
  wire [31:0] sum_x    = x_q + (adds ? key_x : y_q);
  wire [31:0] sum_y    = y_q + key_y + {29'd0, addition_q};

  // Rounds 0..3 follow an even addition, 4..7 an odd one.
  reg  [31:0] turned;
  always @(*) begin
    case ({addition_q[0], phase_q[1:0]})  // addition_q counts the additions made
      3'b101:  turned = {y_q[18:0], y_q[31:19]};  // 13
      3'b110:  turned = {y_q[16:0], y_q[31:17]};  // 15
      3'b111:  turned = {y_q[5:0], y_q[31:6]};    // 26
      3'b100:  turned = {y_q[25:0], y_q[31:26]};  // 6
      3'b001:  turned = {y_q[14:0], y_q[31:15]};  // 17
      3'b010:  turned = {y_q[2:0], y_q[31:3]};    // 29
      3'b011:  turned = {y_q[15:0], y_q[31:16]};  // 16
      default: turned = {y_q[7:0], y_q[31:8]};    // 24
    endcase
  end

  assign valid_o = valid_q;
  assign bits_o  = bits_q;

  always @(posedge clk) begin
    if (!rst_n) begin
      start_q <= 1'b0;
      busy_q  <= 1'b0;
      made_q  <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      start_q <= start_i;
      busy_q  <= !start_i && (start_q || take || (busy_q && !ends));
      made_q  <= !start_i && (ends || (made_q && !take));
      valid_q <= !start_i && (take || (valid_q && !next_i));
    end
  end

  always @(posedge clk) begin
    if (start_q || take) begin
      x_q        <= layer_i;
      y_q        <= start_q ? 32'd0 : {12'd0, block_q + 20'd1};
      block_q    <= start_q ? 20'd0 : block_q + 20'd1;
      phase_q    <= 3'd0;
      addition_q <= 3'd0;
      word_q     <= 2'd0;
    end else if (busy_q) begin
      x_q     <= sum_x;
      y_q     <= adds ? sum_y : turned ^ sum_x;
      phase_q <= phase_q[2] ? 3'd0 : phase_q + 3'd1;
      if (adds) begin
        addition_q <= addition_q + 3'd1;
        word_q     <= word_q[1] ? 2'd0 : word_q + 2'd1;
      end
    end
    if (take) bits_q <= {y_q, x_q};
  end


endmodule

`default_nettype wire
