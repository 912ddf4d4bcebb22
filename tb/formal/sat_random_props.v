// SPDX-License-Identifier: Apache-2.0
// Properties of sat_random: it is, cycle by cycle, a machine that takes the paper's Threefry-2x32-20
// a step at a time (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// The same step, taken 26 times, gives the vectors that the authors have published.
`default_nettype none

// Step 5*i + j of the function: addition i of two key words (j = 0), or a round behind it.
module threefry_step (
  input  wire  [4:0] step_i,   // 0..25
  input  wire [63:0] key_i,
  input  wire [63:0] before_i, // {x1, x0}
  output wire [63:0] after_o
);
  wire [31:0] ks_0 = key_i[31:0], ks_1 = key_i[63:32], ks_2 = 32'h1BD11BDA ^ ks_0 ^ ks_1;
  wire [31:0] x0   = before_i[31:0], x1 = before_i[63:32];
  wire [31:0] sum  = x0 + x1;

  reg [31:0] key_0, key_1, turned, count;
  always @(*) begin
    {key_0, key_1, turned, count} = {96'd0, 32'd0};
    case (step_i)
      5'd0:  {key_0, key_1, count} = {ks_0, ks_1, 32'd0};
      5'd5:  {key_0, key_1, count} = {ks_1, ks_2, 32'd1};
      5'd10: {key_0, key_1, count} = {ks_2, ks_0, 32'd2};
      5'd15: {key_0, key_1, count} = {ks_0, ks_1, 32'd3};
      5'd20: {key_0, key_1, count} = {ks_1, ks_2, 32'd4};
      5'd25: {key_0, key_1, count} = {ks_2, ks_0, 32'd5};
      5'd1, 5'd11, 5'd21: turned = x1 << 13 | x1 >> 19;
      5'd2, 5'd12, 5'd22: turned = x1 << 15 | x1 >> 17;
      5'd3, 5'd13, 5'd23: turned = x1 << 26 | x1 >> 6;
      5'd4, 5'd14, 5'd24: turned = x1 << 6 | x1 >> 26;
      5'd6, 5'd16: turned = x1 << 17 | x1 >> 15;
      5'd7, 5'd17: turned = x1 << 29 | x1 >> 3;
      5'd8, 5'd18: turned = x1 << 16 | x1 >> 16;
      default:     turned = x1 << 24 | x1 >> 8;
    endcase
  end
  wire adds = step_i % 5 == 0;
  assign after_o = adds ? {x1 + key_1 + count, x0 + key_0} : {turned ^ sum, sum};
endmodule

module threefry #(
  parameter [63:0] KEY     = 64'd0,
  parameter [63:0] COUNTER = 64'd0,
  parameter [63:0] RESULT  = 64'd0
) (
  output wire equal_o
);
  wire [64*27-1:0] trace;
  assign trace[63:0] = COUNTER;
  genvar s;
  generate
    for (s = 0; s < 26; s = s + 1) begin : gen_step
      localparam [4:0] STEP = s;
      threefry_step u_step (STEP, KEY, trace[64*s +: 64], trace[64*s + 64 +: 64]);
    end
  endgenerate
  assign equal_o = trace[64*26 +: 64] == RESULT;
endmodule

module sat_random_props (
  input wire        clk,
  input wire        rst_n,
  input wire        start_i,
  input wire [31:0] seed_i,
  input wire [31:0] step_i,
  input wire [31:0] layer_i,
  input wire        next_i
);
  localparam [4:0] STEPS = 5'd26;

  wire        valid;
  wire [63:0] bits;

  sat_random u_random (
    .clk    (clk),
    .rst_n  (rst_n),
    .start_i(start_i),
    .seed_i (seed_i),
    .step_i (step_i),
    .layer_i(layer_i),
    .valid_o(valid),
    .next_i (next_i),
    .bits_o (bits)
  );

  wire [2:0] vectors;
  threefry #(64'd0, 64'd0, 64'h99BA4EFE_6B200159) u_zeros (vectors[0]);
  threefry #(64'hFFFFFFFF_FFFFFFFF, 64'hFFFFFFFF_FFFFFFFF, 64'hBB002BE7_1CB996FC)
    u_ones (vectors[1]);
  threefry #(64'h03707344_13198A2E, 64'h85A308D3_243F6A88, 64'h483DF7A0_C4923A9C)
    u_pi (vectors[2]);

  // ---- The machine
  reg        started_q = 1'b0;
  reg        fresh_q;   // a command was started in the cycle before
  reg [95:0] command_q; // its seed, step and layer a cycle ago
  reg        works_q, full_q;
  reg  [4:0] at_q;      // steps taken
  reg [19:0] block_q;
  reg [63:0] words_q, result_q;
  wire       done = works_q && at_q == STEPS;
  wire       hand = done && (!full_q || next_i);
  wire [63:0] after;

  threefry_step u_step (at_q, {step_i, seed_i}, words_q, after);

  always @(posedge clk) begin
    started_q <= 1'b1;
    fresh_q   <= rst_n && start_i;
    command_q <= {seed_i, step_i, layer_i};
    works_q   <= rst_n && !start_i && (fresh_q || works_q);
    full_q    <= rst_n && !start_i && (hand || (full_q && !next_i));
    if (fresh_q || hand) begin
      at_q    <= 5'd0;
      block_q <= fresh_q ? 20'd0 : block_q + 20'd1;
      words_q <= {12'd0, fresh_q ? 20'd0 : block_q + 20'd1, layer_i};
    end else if (!done) begin
      at_q    <= at_q + 5'd1;
      words_q <= after;
    end
    if (hand) result_q <= words_q;
  end

  always @(*) begin
    if (!started_q) m_reset_first: assume (!rst_n);
    else begin
      m_next: assume (!next_i || valid);
      if (!fresh_q) m_stable: assume (command_q == {seed_i, step_i, layer_i});
`ifdef PROVE
      a_vectors: assert (&vectors);
`else
      // What must be refuted is, with one command's numbers.
      m_command: assume (command_q == {32'h243F6A88, 32'h03707344, 32'h13198A2E});
`endif
`ifndef COVER
      a_valid: assert (valid == full_q);
      if (valid) a_bits: assert (bits == result_q);
`endif
    end
  end

`ifdef PROVE
  // ---- Invariants: a planted fault must be seen without them --------------------------------
  (* hierconn *) wire        \u_random.start_q ;
  (* hierconn *) wire        \u_random.busy_q ;
  (* hierconn *) wire        \u_random.made_q ;
  (* hierconn *) wire  [2:0] \u_random.phase_q ;
  (* hierconn *) wire  [2:0] \u_random.addition_q ;
  (* hierconn *) wire  [1:0] \u_random.word_q ;
  (* hierconn *) wire [19:0] \u_random.block_q ;
  (* hierconn *) wire [31:0] \u_random.x_q ;
  (* hierconn *) wire [31:0] \u_random.y_q ;
  wire [2:0] phase     = \u_random.phase_q ;
  wire [2:0] additions = \u_random.addition_q ;  // made; the rounds belong to the last of them
  wire [5:0] at        = 6'd5*additions + phase - (phase == 3'd0 ? 6'd0 : 6'd5);

  always @(*) if (started_q) begin
    i_state: assert (\u_random.start_q  == fresh_q
                     && \u_random.busy_q  == (works_q && at_q != STEPS)
                     && \u_random.made_q  == done && !(works_q && fresh_q)
                     && (!full_q || works_q));
    if (works_q) begin
      i_at:    assert (at == {1'b0, at_q} && at_q <= STEPS && phase <= 3'd4);
      i_word:  assert (\u_random.word_q  == additions % 3);
      i_words: assert (\u_random.block_q  == block_q
                       && {\u_random.y_q , \u_random.x_q } == words_q);
    end
  end
`endif

`ifdef COVER
  // Must fail: a block of a second command is kept waiting.
  reg second_q, waited_q;
  always @(posedge clk) begin
    second_q <= rst_n && (second_q || (start_i && full_q));
    waited_q <= full_q && !next_i;
  end
  always @(*) if (started_q) c_second: assert (!(second_q && waited_q && next_i));
`endif
endmodule

`default_nettype wire
