// SPDX-License-Identifier: Apache-2.0
// sat_regs: the registers of docs/reference/registers.md behind AXI4-Lite.
// clear_o pulses for every write of a one to CTRL.clear, start_o for one to CTRL.start without it:
// they never come together. The sequencer decides what a start while busy means, and what a clear
// stops; here a clear forgets done and the error. An event in the cycle of a clear wins. The first
// error is kept until the clear. irq_o is a level. Counters start again when busy_i rises.
`default_nettype none
`include "sat_defs.vh"

module sat_regs #(
  parameter integer ROWS   = 8,   // reported in CAPS0
  parameter integer COLS   = 8,   // reported in CAPS0
  parameter integer T      = 8,   // reported in CAPS0
  parameter integer ADDR_W = 40,  // reported in CAPS1
  parameter integer DATA_W = 128  // reported in CAPS1; bits per AXI beat
) (
  input  wire        clk,
  input  wire        rst_n,
  // AXI4-Lite
  input  wire [11:0] s_axil_awaddr,
  input  wire        s_axil_awvalid,
  output wire        s_axil_awready,
  input  wire [31:0] s_axil_wdata,
  input  wire [3:0]  s_axil_wstrb,
  input  wire        s_axil_wvalid,
  output wire        s_axil_wready,
  output wire [1:0]  s_axil_bresp,
  output wire        s_axil_bvalid,
  input  wire        s_axil_bready,
  input  wire [11:0] s_axil_araddr,
  input  wire        s_axil_arvalid,
  output wire        s_axil_arready,
  output wire [31:0] s_axil_rdata,
  output wire [1:0]  s_axil_rresp,
  output wire        s_axil_rvalid,
  input  wire        s_axil_rready,
  // Control
  output wire        start_o,
  output wire        clear_o,
  output wire [63:0] prog_addr_o,
  output wire [31:0] prog_len_o,
  output wire [31:0] watchdog_o,
  output reg  [31:0] seed_o,       // of the program that runs
  output reg  [31:0] step_o,
  output wire        irq_o,
  // Status and events (pulses)
  input  wire        busy_i,
  input  wire        draining_i,
  input  wire        matmul_busy_i,
  input  wire        vector_busy_i,
  input  wire        overflow_i,
  input  wire        done_set_i,
  input  wire        fence_set_i,
  input  wire        err_valid_i,
  input  wire [7:0]  err_code_i,
  input  wire [31:0] err_index_i,
  input  wire [63:0] err_addr_i,
  // Counter increments
  input  wire        count_cycle_i,
  input  wire        count_array_busy_i,
  input  wire        count_array_slot_i,
  input  wire        count_vector_busy_i,
  input  wire        count_rdma_busy_i,
  input  wire        count_wdma_busy_i,
  input  wire        count_stall_a_i,
  input  wire        count_stall_s_i,
  input  wire        count_stall_drain_i,
  input  wire        count_rd_beat_i,
  input  wire [$clog2(DATA_W/8):0] count_wr_bytes_i
);

  localparam integer COUNTERS   = 11;
  localparam integer BEAT_BYTES = DATA_W / 8;
  localparam integer BYTES_W    = $clog2(BEAT_BYTES) + 1;
  localparam integer EVENTS     = COUNTERS - 2;  // that count by one

  // ---- Bus
  wire        write_fire, read_fire;
  wire [11:0] write_addr, read_addr;
  wire [31:0] write_data;
  wire [3:0]  write_strb;
  reg         write_ok, read_ok;
  reg  [31:0] read_data;

  sat_axil_slave #(
    .ADDR_W(12)
  ) u_slave (
    .clk           (clk),
    .rst_n         (rst_n),
    .s_axil_awaddr (s_axil_awaddr),
    .s_axil_awvalid(s_axil_awvalid),
    .s_axil_awready(s_axil_awready),
    .s_axil_wdata  (s_axil_wdata),
    .s_axil_wstrb  (s_axil_wstrb),
    .s_axil_wvalid (s_axil_wvalid),
    .s_axil_wready (s_axil_wready),
    .s_axil_bresp  (s_axil_bresp),
    .s_axil_bvalid (s_axil_bvalid),
    .s_axil_bready (s_axil_bready),
    .s_axil_araddr (s_axil_araddr),
    .s_axil_arvalid(s_axil_arvalid),
    .s_axil_arready(s_axil_arready),
    .s_axil_rdata  (s_axil_rdata),
    .s_axil_rresp  (s_axil_rresp),
    .s_axil_rvalid (s_axil_rvalid),
    .s_axil_rready (s_axil_rready),
    .write_fire_o  (write_fire),
    .write_addr_o  (write_addr),
    .write_data_o  (write_data),
    .write_strb_o  (write_strb),
    .write_ok_i    (write_ok),
    .read_fire_o   (read_fire),
    .read_addr_o   (read_addr),
    .read_data_i   (read_data),
    .read_ok_i     (read_ok)
  );

  wire [11:0] write_offset = {write_addr[11:2], 2'b00};
  wire [11:0] read_offset  = {read_addr[11:2], 2'b00};

  // Bits without strobe keep their value.
  wire [31:0] write_keep = ~{{8{write_strb[3]}}, {8{write_strb[2]}},
                             {8{write_strb[1]}}, {8{write_strb[0]}}};
  wire [31:0] write_ones = write_data & ~write_keep;

  // ---- Writable registers
  reg [31:0] scratch_q, prog_addr_lo_q, prog_addr_hi_q, prog_len_q, watchdog_q, seed_q, step_q;
  reg [2:0]  irq_enable_q;

  wire write_ctrl       = write_fire && write_offset == `SAT_REG_CTRL;
  wire write_irq_status = write_fire && write_offset == `SAT_REG_IRQ_STATUS;

  assign clear_o     = write_ctrl && write_ones[`SAT_CTRL_CLEAR_LSB];
  assign start_o     = write_ctrl && write_ones[`SAT_CTRL_START_LSB] && !clear_o;
  assign prog_addr_o = {prog_addr_hi_q, prog_addr_lo_q};
  assign prog_len_o  = prog_len_q;
  assign watchdog_o  = watchdog_q;

  always @(*) begin
    case (write_offset)
      `SAT_REG_SCRATCH, `SAT_REG_CTRL, `SAT_REG_IRQ_ENABLE, `SAT_REG_IRQ_STATUS,
      `SAT_REG_PROG_ADDR_LO, `SAT_REG_PROG_ADDR_HI, `SAT_REG_PROG_LEN,
      `SAT_REG_WATCHDOG, `SAT_REG_SEED, `SAT_REG_STEP: write_ok = 1'b1;
      default:           write_ok = 1'b0;
    endcase
  end

  always @(posedge clk) begin
    if (!rst_n) begin
      scratch_q      <= 32'd0;
      irq_enable_q   <= 3'd0;
      prog_addr_lo_q <= 32'd0;
      prog_addr_hi_q <= 32'd0;
      prog_len_q     <= 32'd0;
      watchdog_q     <= 32'd0;
      seed_q         <= 32'd0;
      step_q         <= 32'd0;
    end else if (write_fire) begin
      case (write_offset)
        `SAT_REG_SCRATCH:      scratch_q      <= (scratch_q & write_keep) | write_ones;
        `SAT_REG_IRQ_ENABLE:   irq_enable_q   <= (irq_enable_q & write_keep[2:0]) | write_ones[2:0];
        `SAT_REG_PROG_ADDR_LO: prog_addr_lo_q <= (prog_addr_lo_q & write_keep) | write_ones;
        `SAT_REG_PROG_ADDR_HI: prog_addr_hi_q <= (prog_addr_hi_q & write_keep) | write_ones;
        `SAT_REG_PROG_LEN:     prog_len_q     <= (prog_len_q & write_keep) | write_ones;
        `SAT_REG_WATCHDOG:     watchdog_q     <= (watchdog_q & write_keep) | write_ones;
        `SAT_REG_SEED:         seed_q         <= (seed_q & write_keep) | write_ones;
        `SAT_REG_STEP:         step_q         <= (step_q & write_keep) | write_ones;
        default:               ;
      endcase
    end
  end

  always @(posedge clk) if (start_o && !busy_i) {seed_o, step_o} <= {seed_q, step_q};

  // ---- Events
  reg        done_q, error_q;
  reg [2:0]  irq_status_q;
  reg [7:0]  err_code_q;
  reg [31:0] err_index_q;
  reg [63:0] err_addr_q;

  wire [2:0] irq_set   = {fence_set_i, err_valid_i, done_set_i};
  wire [2:0] irq_clear = write_irq_status ? write_ones[2:0] : 3'd0;

  assign irq_o = (irq_status_q & irq_enable_q) != 3'd0;

  always @(posedge clk) begin
    if (!rst_n) begin
      done_q       <= 1'b0;
      error_q      <= 1'b0;
      irq_status_q <= 3'd0;
    end else begin
      done_q       <= done_set_i || (done_q && !start_o && !clear_o);
      error_q      <= err_valid_i || (error_q && !clear_o);
      irq_status_q <= irq_set | (irq_status_q & ~irq_clear);
    end
  end

  always @(posedge clk) begin
    if (!rst_n || (clear_o && !err_valid_i)) begin
      err_code_q  <= `SAT_ERR_NONE;
      err_index_q <= 32'd0;
      err_addr_q  <= 64'd0;
    end else if (err_valid_i && (!error_q || clear_o)) begin
      err_code_q  <= err_code_i;
      err_index_q <= err_index_i;
      err_addr_q  <= err_addr_i;
    end
  end

  // ---- Counters, in the order of their registers
  reg         busy_q;
  wire [31:0] counter_low, counter_high;
  wire [11:0] counter_offset = read_offset - `SAT_REG_CYCLES_LO;
  wire        counter_hit    = read_offset >= `SAT_REG_CYCLES_LO
                               && read_offset <= `SAT_REG_BYTES_WRITTEN_HI;
  wire        counter_is_low = !counter_offset[2];
  wire [BYTES_W-1:0] read_bytes = count_rd_beat_i ? BEAT_BYTES[BYTES_W-1:0] : {BYTES_W{1'b0}};
  wire [EVENTS-1:0]  events     = {count_stall_drain_i, count_stall_s_i, count_stall_a_i,
                                   count_wdma_busy_i, count_rdma_busy_i, count_vector_busy_i,
                                   count_array_slot_i, count_array_busy_i, count_cycle_i};
  wire [EVENTS*BYTES_W-1:0] event_increments;
  wire        unused_ok      = &{1'b0, write_addr[1:0], read_addr[1:0], counter_offset};

  genvar e;
  generate
    for (e = 0; e < EVENTS; e = e + 1) begin : gen_event
      assign event_increments[e*BYTES_W +: BYTES_W] = {{BYTES_W-1{1'b0}}, events[e]};
    end
  endgenerate

  always @(posedge clk) begin
    if (!rst_n) busy_q <= 1'b0;
    else busy_q <= busy_i;
  end

  sat_counters #(
    .COUNTERS(COUNTERS),
    .COUNT_W (48),
    .INC_W   (BYTES_W)
  ) u_counters (
    .clk        (clk),
    .rst_n      (rst_n),
    .restart_i  (busy_i && !busy_q),
    .increment_i({count_wr_bytes_i, read_bytes, event_increments}),
    .latch_i    (read_fire && counter_hit && counter_is_low),
    .select_i   (counter_offset[6:3]),
    .low_o      (counter_low),
    .high_o     (counter_high)
  );

  // ---- Reads
  always @(*) begin
    read_ok   = 1'b1;
    read_data = 32'd0;
    case (read_offset)
      `SAT_REG_ID:           read_data = `SAT_ID_VALUE;
      `SAT_REG_VERSION:      read_data = `SAT_VERSION_VALUE;
      `SAT_REG_CAPS0:        read_data = {8'd`SAT_M_MAX, T[7:0], COLS[7:0], ROWS[7:0]};
      `SAT_REG_CAPS1:        read_data = {8'd0, ADDR_W[7:0], DATA_W[15:0]};
      `SAT_REG_SCRATCH:      read_data = scratch_q;
      `SAT_REG_CTRL:         read_data = 32'd0;
      `SAT_REG_STATUS:       read_data = {25'd0, vector_busy_i, matmul_busy_i, draining_i,
                                          overflow_i, error_q, done_q, busy_i};
      `SAT_REG_IRQ_ENABLE:   read_data = {29'd0, irq_enable_q};
      `SAT_REG_IRQ_STATUS:   read_data = {29'd0, irq_status_q};
      `SAT_REG_PROG_ADDR_LO: read_data = prog_addr_lo_q;
      `SAT_REG_PROG_ADDR_HI: read_data = prog_addr_hi_q;
      `SAT_REG_PROG_LEN:     read_data = prog_len_q;
      `SAT_REG_ERR_CODE:     read_data = {24'd0, err_code_q};
      `SAT_REG_ERR_INDEX:    read_data = err_index_q;
      `SAT_REG_ERR_ADDR_LO:  read_data = err_addr_q[31:0];
      `SAT_REG_ERR_ADDR_HI:  read_data = err_addr_q[63:32];
      `SAT_REG_WATCHDOG:     read_data = watchdog_q;
      `SAT_REG_SEED:         read_data = seed_q;
      `SAT_REG_STEP:         read_data = step_q;
      default: begin
        read_ok = counter_hit;
        if (counter_hit) read_data = counter_is_low ? counter_low : counter_high;
      end
    endcase
  end

endmodule

`default_nettype wire
