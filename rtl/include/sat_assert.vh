// SPDX-License-Identifier: Apache-2.0
// Assertions of the RTL, written once for simulation (with SAT_ASSERTIONS a violation prints its
// place and time and stops) and proof (FORMAL: Yosys). Nothing is left of them elsewhere.
//   SAT_ASSERT(NAME, WHEN, GOOD)   GOOD holds at every rising edge of clk with WHEN
//   SAT_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA)
//                                  once VALID, it and DATA stay until READY, or until WHEN ends
//   SAT_REQUIRE, SAT_REQUIRE_STREAM   the same of the surroundings: simulated only, since a proof
//                                  lets them do anything, or says in tb/formal what it assumes
//   SAT_REQUIRE_SPACED(NAME, WHEN, GAP, BEGIN, EVENT)
//                                  likewise: no EVENT in the GAP cycles (2 or more) behind a BEGIN
`ifndef SAT_ASSERT
`ifdef FORMAL
`define SAT_ASSERT(NAME, WHEN, GOOD) always @(*) if (WHEN) assert (GOOD);
`define SAT_REQUIRE(NAME, WHEN, GOOD)
`define SAT_REQUIRE_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA)
`define SAT_REQUIRE_SPACED(NAME, WHEN, GAP, BEGIN, EVENT)
`elsif SAT_ASSERTIONS
`ifdef VERILATOR
`define SAT_STOP $stop
`else
`define SAT_STOP $fatal(1)
`endif
`define SAT_ASSERT(NAME, WHEN, GOOD) \
  always @(posedge clk) \
    if ((WHEN) && (GOOD) !== 1'b1) begin : NAME \
      $display("assertion violated: %m at %0t", $time); \
      `SAT_STOP; \
    end
`define SAT_REQUIRE(NAME, WHEN, GOOD) `SAT_ASSERT(NAME, WHEN, GOOD)
`define SAT_REQUIRE_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA) \
  `SAT_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA)
`define SAT_REQUIRE_SPACED(NAME, WHEN, GAP, BEGIN, EVENT) \
  if (1) begin : NAME \
    reg [(GAP)-1:0] recent_q; \
    always @(posedge clk) recent_q <= {recent_q[(GAP)-2:0], (WHEN) && (BEGIN)}; \
    `SAT_ASSERT(spaced, (WHEN) && (EVENT), ~|recent_q) \
  end
`else
`define SAT_ASSERT(NAME, WHEN, GOOD)
`define SAT_REQUIRE(NAME, WHEN, GOOD)
`define SAT_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA)
`define SAT_REQUIRE_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA)
`define SAT_REQUIRE_SPACED(NAME, WHEN, GAP, BEGIN, EVENT)
`endif
`ifndef SAT_STREAM
`define SAT_STREAM(NAME, WHEN, WIDTH, VALID, READY, DATA) \
  if (1) begin : NAME \
    reg                waits_q; \
    reg  [(WIDTH)-1:0] data_q; \
    wire [(WIDTH)-1:0] data = DATA; \
    always @(posedge clk) begin \
      waits_q <= (WHEN) && (VALID) && !(READY); \
      data_q  <= data; \
    end \
    `SAT_ASSERT(valid_stays, (WHEN) && waits_q, VALID) \
    `SAT_ASSERT(payload_stays, (WHEN) && waits_q, data === data_q) \
  end
`endif
`endif
