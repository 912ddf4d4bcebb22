// SPDX-License-Identifier: Apache-2.0
// sat_sequencer: runs a program. Fetches a descriptor and checks it while earlier commands run,
// starts it on its engine in order, and stops everything on an error
// (docs/reference/commands.md, "Errors"). A MATMUL may start while the one before works, ahead of
// the end of which it only loads operands; then the next descriptor waits for that end, and so does
// an error in what is loaded.
// A bad descriptor, or a bus error on reading it, takes effect when all earlier commands are
// complete, so that it never cuts them short.
// Stopping: halt_o to the DMAs until no transfer is outstanding, flush_o for one cycle, then the
// error state until clear_i. The error is reported when the bus is quiet or the watchdog gives up.
// A start that cannot be accepted is reported as BUSY, unless an error waits to be reported.
// clear_i stops a running program the same way, without an error, and forgets an error that waits.
// But if a BUSY was reported since the last clear, and the program runs or its error waits, it only
// forgets that. start_i and clear_i never come together. What stops a program wins over its end.
`default_nettype none
`include "sat_buses.vh"
`include "sat_defs.vh"

module sat_sequencer #(
  parameter integer ADDR_W = 40,  // address bits, 32..40
  parameter integer DATA_W = 128  // bus bits
) (
  input  wire              clk,
  input  wire              rst_n,
  // Registers
  input  wire              start_i,
  input  wire              clear_i,
  input  wire [63:0]       prog_addr_i,
  input  wire [31:0]       prog_len_i,
  input  wire [31:0]       watchdog_i,
  output wire              busy_o,      // a program runs
  output wire              draining_o,  // stopping: a start is refused
  output reg               overflow_o,  // a NaN or infinity was written by this program
  output wire              done_set_o,
  output wire              fence_set_o,
  output wire              err_valid_o,
  output wire [7:0]        err_code_o,
  output wire [31:0]       err_index_o,
  output wire [63:0]       err_addr_o,
  // Engines
  output wire [1023:0]     desc_o,
  output wire              matmul_start_o,
  output wire              matmul_a_meets_o,  // A shares memory with C of the MATMUL before
  output wire              matmul_s_meets_o,  // S likewise
  input  wire              matmul_ready_i,
  input  wire              matmul_busy_i,
  input  wire              matmul_pair_i,     // two are inside
  input  wire              matmul_overflow_i,
  input  wire              matmul_progress_i,  // it works, though the bus may be quiet
  output wire              vector_start_o,
  input  wire              vector_busy_i,
  input  wire              vector_overflow_i,
  input  wire              vector_progress_i,
  output reg               overflow_latch_o,
  // Descriptor fetch: a read DMA client port
  output wire              rd_req_valid_o,
  input  wire              rd_req_ready_i,
  output wire [ADDR_W-1:0] rd_req_addr_o,
  output wire [11:0]       rd_req_beats_o,
  input  wire              rd_rsp_valid_i,
  output wire              rd_rsp_ready_o,
  input  wire [DATA_W-1:0] rd_rsp_data_i,
  // DMAs. Read ports: 6 vector, 7 descriptors, others matmul. Write ports: 0 matmul, 1 vector.
  output wire              halt_o,
  output wire              flush_o,
  input  wire              rd_drained_i,
  input  wire              wr_drained_i,
  input  wire              bus_progress_i,
  input  wire              rd_err_valid_i,
  input  wire [1:0]        rd_err_resp_i,
  input  wire [ADDR_W-1:0] rd_err_addr_i,
  input  wire [2:0]        rd_err_port_i,
  input  wire              wr_err_valid_i,
  input  wire [1:0]        wr_err_resp_i,
  input  wire [ADDR_W-1:0] wr_err_addr_i,
  input  wire              wr_err_port_i
);

  localparam [3:0] ST_IDLE  = 4'd0;
  localparam [3:0] ST_FETCH = 4'd1;  // read a descriptor
  localparam [3:0] ST_CHECK = 4'd2;  // is it legal?
  localparam [3:0] ST_ISSUE = 4'd3;  // wait until it may start
  localparam [3:0] ST_END   = 4'd4;  // wait for the last commands
  localparam [3:0] ST_BAD   = 4'd5;  // wait for the commands before the bad one
  localparam [3:0] ST_AHEAD = 4'd6;  // wait for the command before the last one
  localparam [3:0] ST_DRAIN = 4'd7;  // halted: wait for outstanding transfers
  localparam [3:0] ST_FLUSH = 4'd8;
  localparam [3:0] ST_ERROR = 4'd9;  // wait for a clear

  localparam [2:0] PORT_BIAS   = `SAT_RD_PORT_BIAS;  // those before it load operands of the array
  localparam [2:0] PORT_VECTOR = `SAT_RD_PORT_VECTOR;
  localparam [2:0] PORT_FETCH  = `SAT_RD_PORT_FETCH;

  localparam [ADDR_W-1:0] DESC_BYTES = `SAT_DESC_BYTES;

  // End address of a program: up to 2^40 + 2^32 * 128.
  localparam integer END_W = 41;
  localparam [END_W-1:0] SPACE = {{END_W-1{1'b0}}, 1'b1} << ADDR_W;

  reg [3:0]        state_q, state_d;
  reg [ADDR_W-1:0] desc_addr_q;
  reg [31:0]       prog_len_q;
  reg [31:0]       index_q;                         // of the descriptor in hand
  reg [31:0]       issued_q, matmul_index_q, vector_index_q;
  reg [31:0]       older_index_q;                   // of a pair
  reg              late_q;                          // an error in what is loaded ahead
  reg              cleared_q;                       // no error state after the flush
  reg              report_q;                        // an error waits to be reported
  reg              refused_q;                       // a start was refused and not yet cleared

  wire rst_local_n = rst_n && !flush_o;
  wire running = state_q != ST_IDLE && state_q < ST_DRAIN;
  wire begins  = state_q == ST_IDLE && start_i;

  assign busy_o     = running;
  assign draining_o = state_q == ST_DRAIN || state_q == ST_FLUSH;
  assign halt_o     = draining_o;
  assign flush_o    = state_q == ST_FLUSH;

  // ---- Program limits
  wire [END_W-1:0] prog_end = {{END_W-ADDR_W{1'b0}}, prog_addr_i[ADDR_W-1:0]}
                              + {{END_W-39{1'b0}}, prog_len_i, 7'd0};
  wire bad_program = prog_addr_i[6:0] != 7'd0 || prog_len_i == 32'd0
                     || prog_addr_i[63:ADDR_W] != 0 || prog_end > SPACE;

  // ---- Descriptor in hand
  wire              issue_fire;
  reg               last_q;         // known long before the descriptor can be issued
  wire              ahead;
  wire              fetch      = (begins && !bad_program) || (issue_fire && !last_q && !ahead)
                                 || (state_q == ST_AHEAD && !matmul_pair_i);
  wire [ADDR_W-1:0] fetch_addr = begins ? prog_addr_i[ADDR_W-1:0]
                                        : desc_addr_q + DESC_BYTES;

  wire              fetch_done, fetch_err;
  wire [1:0]        fetch_err_resp;
  wire [ADDR_W-1:0] fetch_err_addr;

  sat_desc_fetch #(
    .ADDR_W(ADDR_W),
    .DATA_W(DATA_W)
  ) u_fetch (
    .clk            (clk),
    .rst_n          (rst_local_n),
    .start_i        (fetch),
    .addr_i         (fetch_addr),
    .done_o         (fetch_done),
    .desc_o         (desc_o),
    .err_o          (fetch_err),
    .err_resp_o     (fetch_err_resp),
    .err_addr_o     (fetch_err_addr),
    .rd_req_valid_o (rd_req_valid_o),
    .rd_req_ready_i (rd_req_ready_i),
    .rd_req_addr_o  (rd_req_addr_o),
    .rd_req_beats_o (rd_req_beats_o),
    .rd_rsp_valid_i (rd_rsp_valid_i),
    .rd_rsp_ready_o (rd_rsp_ready_o),
    .rd_rsp_data_i  (rd_rsp_data_i),
    .rd_err_valid_i (rd_err_valid_i && rd_err_port_i == PORT_FETCH),
    .rd_err_resp_i  (rd_err_resp_i),
    .rd_err_addr_i  (rd_err_addr_i)
  );

  wire        check_done, check_tensor;
  wire [7:0]  check_code;
  wire [63:0] check_base;
  wire        fetch_bad = state_q == ST_FETCH && fetch_done && fetch_err;
  wire        check_bad = state_q == ST_CHECK && check_done && check_code != `SAT_ERR_NONE;

  sat_cmd_check #(
    .ADDR_W(ADDR_W)
  ) u_check (
    .clk      (clk),
    .rst_n    (rst_local_n),
    .start_i  (fetch_done && !fetch_err),
    .desc_i   (desc_o),
    .done_o   (check_done),
    .code_o   (check_code),
    .tensor_o (check_tensor),
    .base_o   (check_base),
    .a_meets_o(matmul_a_meets_o),
    .s_meets_o(matmul_s_meets_o)
  );

  // ---- Issue
  wire to_matmul = desc_o[`SAT_DESC_OPCODE_LSB +: 8] == `SAT_OP_MATMUL;
  wire is_fence  = desc_o[`SAT_DESC_OPCODE_LSB +: 8] == `SAT_OP_FENCE;
  wire fence_irq = desc_o[`SAT_DESC_FLAGS_LSB + `SAT_FLAG_FENCE_IRQ];
  wire overlap   = desc_o[`SAT_DESC_OVERLAP_LSB];
  wire idle      = !matmul_busy_i && !vector_busy_i;
  wire settled   = idle && (state_q == ST_END || state_q == ST_BAD);  // all commands are complete
  wire may_issue = to_matmul ? matmul_ready_i && (overlap || !vector_busy_i)
                             : !vector_busy_i && (overlap || !matmul_busy_i);

  wire fails, abort;

  assign issue_fire     = state_q == ST_ISSUE && may_issue;
  assign matmul_start_o = issue_fire && to_matmul;
  assign vector_start_o = issue_fire && !to_matmul && !is_fence;
  assign ahead          = matmul_start_o && matmul_busy_i;
  assign fence_set_o    = issue_fire && is_fence && fence_irq;
  assign done_set_o     = state_q == ST_END && settled && !fails && !abort;

  always @(posedge clk) begin
    if (begins) begin
      prog_len_q <= prog_len_i;
      index_q    <= 32'd0;
      issued_q   <= 32'd0;
    end else if (issue_fire) begin
      index_q  <= index_q + 32'd1;
      issued_q <= index_q;
    end
    last_q <= index_q + 32'd1 == prog_len_q;
    if (fetch) desc_addr_q <= fetch_addr;
    if (matmul_start_o) {older_index_q, matmul_index_q} <= {matmul_index_q, index_q};
    if (vector_start_o) vector_index_q <= index_q;
  end

  always @(posedge clk) begin
    if (!rst_n || begins) begin
      overflow_o       <= 1'b0;
      overflow_latch_o <= 1'b0;
    end else begin
      if (matmul_overflow_i || vector_overflow_i) overflow_o <= 1'b1;
      if (issue_fire && is_fence) overflow_latch_o <= overflow_o;
    end
  end

  // ---- Errors of running commands
  wire drained     = rd_drained_i && wr_drained_i;
  // One of a command that loads ahead is kept until the one before is complete, or fails.
  wire rd_load     = rd_err_port_i < PORT_BIAS;
  wire rd_late     = rd_err_valid_i && rd_load && matmul_pair_i;
  wire hang;
  wire rd_err      = rd_err_valid_i && rd_err_port_i != PORT_FETCH && !rd_late
                     && !(rd_load && late_q);
  wire late        = late_q && !matmul_pair_i;
  wire late_new    = rd_late && !late_q && !wr_err_valid_i;  // a hang beside it counts
  wire bus_err     = rd_err || wr_err_valid_i || late;
  wire err_vector  = rd_err ? rd_err_port_i == PORT_VECTOR : wr_err_port_i;
  wire [31:0] matmul_oldest = matmul_pair_i ? older_index_q : matmul_index_q;
  wire matmul_first = matmul_busy_i && (!vector_busy_i || matmul_oldest < vector_index_q);
  wire [31:0] oldest = matmul_first ? matmul_oldest : vector_busy_i ? vector_index_q : index_q;

  sat_watchdog #(
    .LIMIT_W(32)
  ) u_watchdog (
    .clk       (clk),
    .rst_n     (rst_n),
    .limit_i   (watchdog_i),
    .pending_i ((running && !settled) || draining_o),
    .progress_i(bus_progress_i || (running && (matmul_progress_i || vector_progress_i))),
    .hang_o    (hang)
  );

  wire [7:0]  code;
  wire [31:0] code_index;
  wire [63:0] code_addr;

  sat_error_record #(
    .ADDR_W(ADDR_W)
  ) u_record (
    .clk           (clk),
    .begins_i      (begins),
    .prog_addr_i   (prog_addr_i),
    .rd_err_i      (running && (rd_err || late_new)),
    .rd_resp_i     (rd_err_resp_i),
    .rd_addr_i     (rd_err_addr_i),
    .wr_err_i      (running && wr_err_valid_i),
    .wr_decerr_i   (wr_err_resp_i[0]),
    .wr_addr_i     (wr_err_addr_i),
    .bus_index_i   (late_new ? matmul_index_q : err_vector ? vector_index_q
                                                              : matmul_oldest),
    .hang_i        (running && hang && !bus_err),
    .hang_index_i  (oldest),
    .fetch_bad_i   (fetch_bad),
    .fetch_resp_i  (fetch_err_resp),
    .fetch_addr_i  (fetch_err_addr),
    .check_bad_i   (check_bad),
    .check_code_i  (check_code),
    .check_tensor_i(check_tensor),
    .check_base_i  (check_base),
    .desc_index_i  (index_q),
    .code_o        (code),
    .index_o       (code_index),
    .addr_o        (code_addr)
  );

  // A clear either stops what there is, or only forgets a refused start.
  wire only_refusal = refused_q && (running || report_q);
  wire stops        = clear_i && !only_refusal;
  wire report       = state_q == ST_DRAIN && report_q && (drained || hang) && !stops;
  wire refuses      = start_i && state_q != ST_IDLE && !report_q;

  assign abort = running && stops;
  assign fails = (running && (bus_err || hang)) || (begins && bad_program)
                 || (state_q == ST_BAD && settled);

  assign err_valid_o = report || refuses;
  assign err_code_o  = report ? code : `SAT_ERR_BUSY;
  assign err_index_o = report ? code_index : issued_q;
  assign err_addr_o  = report ? code_addr : prog_addr_i;

  always @(*) begin
    state_d = state_q;
    case (state_q)
      ST_IDLE:  if (start_i) state_d = ST_FETCH;
      ST_FETCH: if (fetch_done) state_d = fetch_bad ? ST_BAD : ST_CHECK;
      ST_CHECK: if (check_done) state_d = check_bad ? ST_BAD : ST_ISSUE;
      ST_ISSUE: if (issue_fire) state_d = last_q ? ST_END : ahead ? ST_AHEAD : ST_FETCH;
      ST_AHEAD: if (!matmul_pair_i) state_d = ST_FETCH;
      ST_END:   if (done_set_o) state_d = ST_IDLE;
      ST_BAD:   state_d = ST_BAD;
      ST_DRAIN: if (drained) state_d = ST_FLUSH;
      ST_FLUSH: state_d = cleared_q || clear_i ? ST_IDLE : ST_ERROR;
      ST_ERROR: if (clear_i) state_d = ST_IDLE;
      default:  state_d = ST_IDLE;
    endcase
    if (fails || abort) state_d = ST_DRAIN;
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      state_q   <= ST_IDLE;
      late_q    <= 1'b0;
      cleared_q <= 1'b0;
      report_q  <= 1'b0;
      refused_q <= 1'b0;
    end else begin
      state_q <= state_d;
      late_q  <= running && (late_q || rd_late) && !(fails || abort);
      if (fails || abort) cleared_q <= abort;
      else if (draining_o && stops) cleared_q <= 1'b1;
      if (fails || abort) report_q <= !abort;
      else if (report || stops) report_q <= 1'b0;
      if (clear_i) refused_q <= 1'b0;
      else if (refuses) refused_q <= 1'b1;
    end
  end

  wire unused_ok = &{1'b0, wr_err_resp_i[1]};

endmodule

`default_nettype wire
