// SPDX-License-Identifier: Apache-2.0
// sat_map_lookup: the lines of the map cache's requests, in order, and whether they are kept. The
// cache is direct mapped, and behind a line its tag is there, be it a hit or a miss: a tag is read
// and written at once, before that is known, so that no line waits for one ahead of it. Each part
// of a line has a tag, exchanged by the lines that want it.
// A line per cycle, three cycles after its request at the earliest; with line_ready_i low nothing
// moves but a request into an empty place.
// Each command has its own generation, part of the tags: start_i forgets all lines. The tags are
// cleared after reset and when the generations are used up.
`default_nettype none

module sat_map_lookup #(
  parameter integer LINES  = 2048,  // power of two
  parameter integer LINE_W = 34,    // of a line's number
  parameter integer BEATS  = 4,     // of a line, power of two, >= 2
  parameter integer PARTS  = 1      // of a line: 1, or the beats if those are 2
) (
  input  wire                     clk,
  input  wire                     rst_n,
  input  wire                     start_i,      // while no line is on its way
  output wire                     sweep_o,      // the tags are being cleared
  input  wire                     req_valid_i,
  output wire                     req_ready_o,
  input  wire [LINE_W-1:0]        req_line_i,
  input  wire [$clog2(BEATS)-1:0] req_first_i,  // beat of that line
  input  wire [11:0]              req_beats_i,
  output wire                     line_valid_o,
  input  wire                     line_ready_i,
  output wire                     line_hit_o,   // all parts that are wanted are kept
  output wire [LINE_W-1:0]        line_o,
  output wire [$clog2(BEATS)-1:0] line_first_o, // beats that are wanted
  output wire [$clog2(BEATS)-1:0] line_last_o
);

  localparam integer STEP_W  = $clog2(BEATS);
  localparam integer INDEX_W = $clog2(LINES);
  localparam integer GEN_W   = 8;
  localparam integer TAG_W   = GEN_W + LINE_W - INDEX_W;

  localparam [GEN_W-1:0] GEN_NONE = {GEN_W{1'b0}}, GEN_FIRST = 1;

  // ---- Clearing
  reg                sweep_q;
  reg  [INDEX_W-1:0] sweep_index_q;
  reg  [GEN_W-1:0]   gen_q;

  assign sweep_o = sweep_q;
  always @(posedge clk) begin
    if (!rst_n) begin
      sweep_q       <= 1'b1;
      sweep_index_q <= {INDEX_W{1'b0}};
    end else begin
      sweep_q       <= sweep_q ? !(&sweep_index_q) : start_i && (&gen_q);
      sweep_index_q <= sweep_index_q + {{INDEX_W-1{1'b0}}, sweep_q};
    end
    if (sweep_q) gen_q <= GEN_FIRST;
    else if (start_i) gen_q <= gen_q + 1'b1;
  end

  // ---- A request line by line
  reg                asked_q;
  reg  [LINE_W-1:0]  line_q;
  reg  [STEP_W-1:0]  first_q;       // beat wanted first
  reg  [11:0]        left_q;        // beats of the request from here on

  wire [11:0]        to_end    = BEATS[11:0] - {{12-STEP_W{1'b0}}, first_q};
  wire               last_line = left_q <= to_end;
  wire [STEP_W-1:0]  last_beat = last_line ? first_q + left_q[STEP_W-1:0] - 1'b1 : {STEP_W{1'b1}};
  wire [INDEX_W-1:0] index     = line_q[INDEX_W-1:0];
  wire [TAG_W-1:0]   tag       = {gen_q, line_q[LINE_W-1:INDEX_W]};
  wire               line_fire = asked_q && line_ready_i;
  wire               accept    = req_valid_i && req_ready_o;

  assign req_ready_o = !sweep_q && (!asked_q || (line_ready_i && last_line));

  always @(posedge clk) begin
    if (!rst_n) asked_q <= 1'b0;
    else asked_q <= accept || (asked_q && !(line_ready_i && last_line));
    if (accept) begin
      line_q  <= req_line_i;
      first_q <= req_first_i;
      left_q  <= req_beats_i;
    end else if (line_fire) begin
      line_q  <= line_q + 1'b1;
      first_q <= {STEP_W{1'b0}};
      left_q  <= left_q - to_end;
    end
  end

  // ---- Tags
  // Exchanged, into a register, compared: stages that move together.
  localparam integer NOTE_W = LINE_W + 2*STEP_W;
  reg                    read_q, compare_q;  // a line is there
  reg  [NOTE_W-1:0]      read_note_q, compare_note_q;
  wire [PARTS*TAG_W-1:0] found;
  reg  [PARTS*TAG_W-1:0] found_q;
  wire [PARTS-1:0]       exchanged, wanted, kept;
  wire [INDEX_W-1:0]     at = sweep_q ? sweep_index_q : index;

  sat_ram_1rw #(
    .WIDTH   (PARTS * TAG_W),
    .DEPTH   (LINES),
    .WE_LANES(PARTS)
  ) u_tags (
    .clk    (clk),
    .en_i   (sweep_q || line_ready_i),
    .we_i   ({PARTS{sweep_q}} | ({PARTS{line_fire}} & exchanged)),
    .addr_i (at),
    .wdata_i({PARTS{sweep_q ? {GEN_NONE, {TAG_W-GEN_W{1'b0}}} : tag}}),
    .rdata_o(found)
  );

  always @(posedge clk) begin
    if (!rst_n) {compare_q, read_q} <= 2'b00;
    else if (line_ready_i) {compare_q, read_q} <= {read_q, asked_q};
    if (line_ready_i) begin
      read_note_q    <= {line_q, first_q, last_beat};
      compare_note_q <= read_note_q;
      found_q        <= found;
    end
  end

  assign {line_o, line_first_o, line_last_o} = compare_note_q;
  genvar p;
  generate
    for (p = 0; p < PARTS; p = p + 1) begin : gen_part
      assign kept[p] = found_q[p*TAG_W +: TAG_W] == {gen_q, line_o[LINE_W-1:INDEX_W]};
    end
    if (PARTS == 2) begin : gen_two
      assign exchanged = {last_beat[0], !first_q[0]};
      assign wanted    = {line_last_o[0], !line_first_o[0]};
    end else begin : gen_one
      assign exchanged = 1'b1;
      assign wanted    = 1'b1;
    end
  endgenerate
  assign line_valid_o = compare_q;
  assign line_hit_o   = &(kept | ~wanted);

endmodule

`default_nettype wire
