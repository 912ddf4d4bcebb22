# SPDX-License-Identifier: Apache-2.0
"""Properties of modules, decided by ABC.

formal/<subject>_props.v wraps a module, or several, and states properties. Two kinds of statement
beside them must be refuted: with COVER defined, that the most interesting state is never reached
(so the assumptions leave room), and that the properties hold of a design with a planted fault (so
they see it). docs/verification/verification.md, "Proofs", says what is proven, within which bounds.
"""

from dataclasses import dataclass
from functools import partial

from sat.rtl import INCLUDE, needed_sources
from tb.formal.tools import BUILD, ROOT, Proof, early_bad, inductive, never_bad, yosys


@dataclass(frozen=True)
class Fault:
    """In rtl/`file`, the only `right` text becomes `wrong`. `full`: to see it takes long."""

    what: str
    file: str
    right: str
    wrong: str
    full: bool = False

    def planted(self) -> str:
        text = (ROOT / "rtl" / self.file).read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise ValueError(f"{self.file} has not exactly one '{self.right}' to plant a fault in")
        return text.replace(self.right, self.wrong)


@dataclass(frozen=True)
class Subject:
    """What formal/<name>_props.v wraps: the modules `tops`, with all that they instantiate.

    `contracts`: of these, formal/<module>_contract.v takes the place. `cut`: of these, the outputs
    are anything in every cycle. `variant`: defined in the properties. `induction`: they are proven
    with the help of invariants. `frames`: within which a planted fault must show, where
    reachability is too slow. `full`: takes minutes.
    """

    name: str
    tops: tuple[str, ...]
    faults: tuple[Fault, ...]
    contracts: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    variant: str = ""
    induction: bool = False
    frames: int = 30
    full: bool = False


SUBJECTS = (
    Subject("sat_fifo", ("sat_fifo",), (
        Fault("full is ignored", "common/sat_fifo.v", "= !full_q", "= 1'b1"),
    )),
    Subject("sat_skid_buffer", ("sat_skid_buffer",), (
        Fault("a beat is lost", "common/sat_skid_buffer.v",
              "skid_valid_q ? skid_data_q : in_data_i", "in_data_i"),
    )),
    Subject("sat_arbiter", ("sat_arbiter",), (
        Fault("serves one forever", "common/sat_arbiter.v",
              "else if (advance_i &&", "else if (!advance_i &&"),
    )),
    Subject("sat_axil_slave", ("sat_axil_slave",), (
        Fault("B does not wait", "ctrl/sat_axil_slave.v",
              "(b_valid_q && !s_axil_bready)", "1'b0"),
        Fault("W goes ahead of AW", "ctrl/sat_axil_slave.v",
              "aw_full_q && w_full_q && (!b_valid_q", "w_full_q && (!b_valid_q"),
        Fault("a waiting read is overwritten", "ctrl/sat_axil_slave.v",
              "s_axil_arready = !ar_full_q", "s_axil_arready = !ar_full_q || s_axil_rready"),
    )),
    Subject("sat_random", ("sat_random",), (
        Fault("a rotation by 14", "sample/sat_random.v",
              "turned = {y_q[16:0], y_q[31:17]};", "turned = {y_q[17:0], y_q[31:18]};", full=True),
        Fault("a last bit of the parity", "sample/sat_random.v",
              "32'h1BD11BDA", "32'h1BD11BDB", full=True),
        Fault("key words change places", "sample/sat_random.v",
              "word_q == 2'd0 ? step_i : word_q", "word_q == 2'd0 ? seed_i : word_q", full=True),
        Fault("additions are not numbered", "sample/sat_random.v",
              "y_q + key_y + {29'd0, addition_q}", "y_q + key_y", full=True),
        Fault("the first block again", "sample/sat_random.v",
              "y_q        <= start_q ? 32'd0 : {12'd0, block_q + 20'd1}",
              "y_q        <= 32'd0", full=True),
        Fault("a block is replaced before it is taken", "sample/sat_random.v",
              "made_q && (!valid_q || next_i)", "made_q", full=True),
        Fault("a block of the command before", "sample/sat_random.v",
              "valid_q <= !start_i && (take", "valid_q <= (take", full=True),
        Fault("a round too few", "sample/sat_random.v",
              "phase_q[2] ? 3'd0", "phase_q[2] || (addition_q[2] && phase_q[1]) ? 3'd0"),
    ), induction=True, frames=64),
    Subject("sat_burst_split", ("sat_burst_split",), (
        Fault("crosses a window", "dma/sat_burst_split.v",
              "room_len = ~offset", "room_len = {OFFSET_W{1'b1}}"),
        Fault("repeats a beat", "dma/sat_burst_split.v",
              "one_more ? end_q", "one_more ? end_q + 1'b1"),
    )),
    Subject("sat_burst_split", ("sat_burst_split",), (
        Fault("crosses a window", "dma/sat_burst_split.v",
              "(!ends[OFFSET_W] || at_window)", "1'b1"),
        Fault("repeats a beat", "dma/sat_burst_split.v",
              "beats_q - room_wide", "beats_q - room_wide + 1'b1"),
    ), variant="LATE"),
    Subject("sat_control", ("sat_regs", "sat_sequencer"), (
        Fault("a write of both starts too", "ctrl/sat_regs.v",
              "write_ones[`SAT_CTRL_START_LSB] && !clear_o", "write_ones[`SAT_CTRL_START_LSB]"),
        Fault("a forgotten refusal aborts", "ctrl/sat_sequencer.v",
              "stops        = clear_i && !only_refusal", "stops        = clear_i", full=True),
        Fault("clear forgets the refusal too late", "ctrl/sat_sequencer.v",
              "if (clear_i) refused_q", "if (clear_i && !running) refused_q", full=True),
        Fault("reported twice", "ctrl/sat_sequencer.v",
              "else if (report || stops) report_q", "else if (stops) report_q"),
        Fault("a clear while draining is lost", "ctrl/sat_sequencer.v",
              "else if (draining_o && stops) cleared_q", "else if (flush_o && stops) cleared_q",
              full=True),
        Fault("refused in silence", "ctrl/sat_sequencer.v",
              "start_i && state_q != ST_IDLE && !report_q", "start_i && running"),
        Fault("done while an engine works", "ctrl/sat_sequencer.v",
              "state_q == ST_END && settled &&", "state_q == ST_END &&", full=True),
        Fault("an error in what is loaded ahead stops the command before",
              "ctrl/sat_sequencer.v",
              "late        = late_q && !matmul_pair_i", "late        = late_q", full=True),
        Fault("flush before drained", "ctrl/sat_sequencer.v",
              "ST_DRAIN: if (drained)", "ST_DRAIN: if (drained || hang)", full=True),
        Fault("the last error is kept", "ctrl/sat_regs.v",
              "err_valid_i && (!error_q || clear_o)", "err_valid_i"),
        Fault("a register without strobes", "ctrl/sat_regs.v",
              "prog_len_q     <= (prog_len_q & write_keep) | write_ones",
              "prog_len_q     <= write_data"),
        Fault("a refused start changes the seed", "ctrl/sat_regs.v",
              "if (start_o && !busy_i) {seed_o", "if (start_o) {seed_o", full=True),
        Fault("STEP without strobes", "ctrl/sat_regs.v",
              "step_q         <= (step_q & write_keep) | write_ones",
              "step_q         <= write_data"),
        Fault("draining is not watched", "ctrl/sat_sequencer.v",
              "(running && !settled) || draining_o)", "(running && !settled))", full=True),
    ), contracts=("sat_desc_fetch", "sat_cmd_check"), induction=True),
    Subject("sat_rd_dma", ("sat_rd_dma",), (
        Fault("RLAST ends a burst", "dma/sat_rd_dma.v",
              "beat_last = beat_q == tag_len_q", "beat_last = beat_rlast"),
        Fault("a beat without a burst counts", "dma/sat_rd_dma.v",
              "open      = open_q != {OPEN_W{1'b0}}", "open      = tag_valid_q"),
        Fault("port of the next request", "dma/sat_rd_dma.v",
              "if (any_request && split_ready) split_port_q", "split_port_q"),
        Fault("halt is ignored", "dma/sat_rd_dma.v", "tag_ready && !halt_i", "tag_ready"),
        Fault("error without the beat's place", "dma/sat_rd_dma.v",
              "tag_line_q[OFFSET_W-1:0] + beat_q", "tag_line_q[OFFSET_W-1:0]"),
        Fault("RLAST is not looked at", "dma/sat_rd_dma.v",
              "(beat_resp[1] || beat_rlast != beat_last)", "beat_resp[1]"),
    ), contracts=("sat_burst_split",), induction=True),
    Subject("sat_wr_dma", ("sat_wr_dma",), (
        Fault("WLAST a beat early", "dma/sat_wr_dma.v",
              "w_last     = beat_q == order_len_q", "w_last = beat_q + 8'd1 >= order_len_q"),
        Fault("data of the other port", "dma/sat_wr_dma.v",
              "ONE_PORT << order_port_q : {PORTS{1'b0}}", "ONE_PORT << tag_port : {PORTS{1'b0}}"),
        Fault("starts before its data", "dma/sat_wr_dma.v",
              "split_len[p*8 +: 8] < {", "split_len[p*8 +: 8] <= {"),
        Fault("idle before the response", "dma/sat_wr_dma.v",
              "&& open_q == {OPEN_W{1'b0}};", ";"),
        Fault("a response before its data counts", "dma/sat_wr_dma.v",
              "&& (last_fire || written_q != {OPEN_W{1'b0}});", ";"),
        Fault("halt is ignored", "dma/sat_wr_dma.v",
              "tag_ready && !halt_i", "tag_ready"),
        Fault("error with the next address", "dma/sat_wr_dma.v",
              "err_addr_o  = tag_addr", "err_addr_o  = start_addr"),
    ), contracts=("sat_burst_split",), induction=True),
    Subject("sat_c_store", ("sat_c_store",), (
        Fault("rows past the end are written", "matmul/sat_row_walk.v",
              "number >= {1'b0, rows_i}", "number > {1'b0, rows_i}"),
        Fault("transposed rows lie in the order of the walk", "matmul/sat_row_walk.v",
              "row_q[11:0]}", "number_q[11:0]}"),
        Fault("a beat too many", "matmul/sat_row_walk.v",
              "s1_halves + LANES[17:0] - 18'd1", "s1_halves + LANES[17:0]"),
        Fault("a request too many", "matmul/sat_c_store.v",
              "req_fire && req_left_q <= 17'd16", "req_fire && req_left_q == 17'd0"),
        Fault("idle before the last beat", "matmul/sat_c_store.v",
              "(taken_q == 6'd0) && !beat_valid &&", ""),
    ), contracts=("sat_fifo",), cut=("sat_column_sums",), induction=True),
    Subject("sat_c_sums", ("sat_c_sums",), (
        Fault("DOT over SUM", "matmul/sat_c_sums.v",
              "due_q[0] ? addr_q : ", "due_q[1] ? addr_q : "),
        Fault("all column tiles at the first's place", "matmul/sat_c_sums.v",
              "else if (req_fire && !due_q[0])", "else if (1'b0)"),
        Fault("a beat short", "matmul/sat_c_sums.v",
              "(last_col_q >> SINGLES_L) + 17'd1", "(last_col_q + 17'd1) >> SINGLES_L"),
        Fault("lanes of a whole group", "matmul/sat_c_sums.v",
              "!row_last_o || last_lanes > l", "1'b1"),
        Fault("done when all is requested", "matmul/sat_c_sums.v",
              "pending_o   = pending_q || req_valid_o", "pending_o   = req_valid_o"),
        Fault("elements meet sums", "matmul/sat_c_sums.v",
              "drain_i     (c_column_ends)", "drain_i     (column_ends)"),
        Fault("SUM's last group again", "sums/sat_column_sums.v",
              "dot_q       <= dot_q ^ group_last", "dot_q       <= group_last"),
    ), cut=("sat_exact_lane", "sat_exact_to_fp32"), induction=True, frames=32),
    Subject("sat_feature_writer", ("sat_feature_writer",), (
        Fault("a band begins a row late", "feature/sat_feature_writer.v",
              ".rewind_i(band_fire)", ".rewind_i(1'b0)"),
        Fault("the last band is whole", "feature/sat_feature_writer.v",
              "last_band ? cols_left_q[CHAN_W-1:0] : {CHAN_W{1'b0}}", "{CHAN_W{1'b0}}"),
        Fault("offset of the wrong format", "feature/sat_feature_writer.v",
              "nibble_i ? offset : ", "nibble_i ? offset << 1 : "),
    ), induction=True),
    Subject("sat_feature_writer", ("sat_feature_writer",), (
        Fault("bands of 64 channels", "feature/sat_feature_writer.v",
              "BAND = DATA_W[16:1]", "BAND = 16'd64"),
    ), variant="WIDE", induction=True),
    Subject("sat_plane_store", ("sat_plane_store",), (
        Fault("groups are counted down", "vector/sat_plane_store.v",
              "(length + ~(5'h1F << m_log2_i)) >> m_log2_i", "(length + 5'd16) >> m_log2_i"),
        Fault("strobes of a whole tile", "vector/sat_plane_store.v",
              "used   = {1'b0, column} < width", "used   = 1'b1"),
        Fault("two beats always", "vector/sat_plane_store.v",
              "DATA_W == 128 && width > 5'd8", "DATA_W == 128"),
    ), induction=True),
    Subject("sat_plane_store", ("sat_plane_store",), (
        Fault("tiles follow along the columns", "vector/sat_plane_store.v",
              "(BP == 0 ? !band_end : band_end)", "!band_end"),
    ), variant="BP", induction=True),
    Subject("sat_plane_store", ("sat_plane_store",), (
        Fault("strobes of the tile beside it", "vector/sat_plane_store.v",
              "across[0] ? {values_strb, 32'd0} : {32'd0, values_strb}", "{2{values_strb}}"),
    ), variant="WIDE", induction=True),
    Subject("sat_weight_store", ("sat_weight_store",), (
        Fault("V's rows follow the last tile", "vector/sat_weight_store.v",
              "step && row_last && !band_end", "step && row_last && !band_end && weight_q"),
        Fault("strobes of a whole tile", "vector/sat_weight_store.v",
              "{4{{1'b0, column} < cols}}", "4'hF"),
        Fault("a row too many", "vector/sat_weight_store.v",
              "{1'b0, row_q} == rows - 5'd1", "{1'b0, row_q} == rows"),
    ), induction=True),
    Subject("sat_weight_store", ("sat_weight_store",), (
        Fault("a row of four beats", "vector/sat_weight_store.v",
              "last_col[3:0] >> LANE_W", "last_col[3:0] >> 2", full=True),
    ), variant="WIDE", induction=True),
    Subject("sat_matmul", ("sat_matmul",), (
        Fault("busy does not wait for the DMA", "matmul/sat_matmul_stages.v",
              "store_idle_i && wr_idle_i &&", "store_idle_i &&", full=True),
        Fault("busy does not wait for the store", "matmul/sat_matmul_stages.v",
              "store_idle_i && wr_idle_i &&", "wr_idle_i &&"),
        Fault("busy does not wait for the plan", "matmul/sat_matmul_stages.v",
              "storing_q && !store_start_o &&", "!store_due_q && !store_start_o &&", full=True),
        Fault("the second store does not wait for the first", "matmul/sat_matmul_stages.v",
              "store_due_q && !storing_q", "store_due_q && store_idle_i"),
    ), cut=("sat_a_loader", "sat_map_cache", "sat_a_scratchpad", "sat_s_loader", "sat_s_scratchpad",
            "sat_feeder", "sat_array", "sat_out_buffer", "sat_bias_loader", "sat_aux_loader",
            "sat_c_store")),
    Subject("sat_vector", ("sat_vector",), (
        Fault("busy does not wait for the DMA", "vector/sat_vector.v",
              "feature_done, wr_idle_i}", "feature_done, 1'b1}"),
        Fault("busy does not wait for the feature unit", "vector/sat_vector.v",
              "feature_done, wr_idle_i}", "1'b1, wr_idle_i}"),
        Fault("a plane is done with any tile", "vector/sat_tile_queues.v",
              "(sink_ready_i[k] && sink_tile_o[`SAT_TILE_BITS*k + `SAT_TILE_LAST])",
              "sink_ready_i[k]"),
        Fault("busy does not wait for a plane", "vector/sat_tile_queues.v",
              "&done_q", "&done_q[SINKS-1:1]"),
    ), cut=("sat_tile_loader", "sat_lanes", "sat_wuve", "sat_weight_round", "sat_half_tile",
            "sat_sampler", "sat_sore", "sat_plane_store", "sat_weight_store", "sat_feature_rows",
            "sat_pool_reader", "sat_feature_fetch", "sat_affine", "sat_stats", "sat_pool_max",
            "sat_pool_sum", "sat_feature_round", "sat_feature_writer")),
)
LIMIT_S = 1200


def cut(module: str) -> tuple[str, str]:
    """Yosys commands: every instance of a module becomes a black box."""
    instances = f"{module} A:hdlname={module} %u"  # without and with parameters
    return f"select -assert-any {instances}", f"blackbox {instances}"


def decide(subject: Subject, define: str, fault: Fault | None = None) -> str:
    kind = f"fault{subject.faults.index(fault)}" if fault else define
    defines = [f"-D{name}" for name in (define, subject.variant) if name]
    folder = BUILD / (subject.name + subject.variant) / kind
    folder.mkdir(parents=True, exist_ok=True)
    sources = list(dict.fromkeys(path for top in subject.tops for path in needed_sources(top)))
    for module in subject.contracts:
        at = [path.stem for path in sources].index(module)
        sources[at] = ROOT / "tb" / "formal" / f"{module}_contract.v"
    if fault:
        at = sources.index(ROOT / "rtl" / fault.file)
        sources[at] = folder / sources[at].name
        sources[at].write_text(fault.planted(), encoding="utf-8")
    yosys(
        f"read_verilog -formal -mem2reg -I{INCLUDE} {' '.join(defines)} "
        f"{' '.join(map(str, sources))} tb/formal/{subject.name}_props.v",
        f"hierarchy -check -top {subject.name}_props",
        *(command for module in subject.cut for command in cut(module)),
        "cutpoint -blackbox",
        f"prep -flatten -top {subject.name}_props",
        "select -assert-none a:hierconn",  # a name inside the design that is not there
        "async2sync",
        "chformal -lower",
        "opt -full",
        "techmap",
        "opt -fast",
        "dffunmap",
        "setundef -anyseq",
        "aigmap",
        # Registers without an initial value start with any value.
        f"write_aiger -zinit {folder}/design.aig",
    )
    aiger = folder / "design.aig"
    if not subject.induction:
        return never_bad(aiger, LIMIT_S)
    if define == "PROVE":
        return inductive(aiger, LIMIT_S)
    return early_bad(aiger, subject.frames, LIMIT_S)


def proofs(full: bool) -> list[Proof]:
    found = []
    for subject in SUBJECTS:
        if full or not subject.full:
            name = " ".join(filter(None, (subject.name, subject.variant)))
            proof, search = ("induction", "bmc") if subject.induction else ("pdr", "pdr")
            found.append(Proof(f"{name}: properties", proof, "proven",
                               partial(decide, subject, "PROVE")))
            found.append(Proof(f"{name}: cover is never reached", search, "refuted",
                               partial(decide, subject, "COVER")))
            found += [Proof(f"{name}: {fault.what}", search, "refuted",
                            partial(decide, subject, "FAULT", fault))
                      for fault in subject.faults if full or not fault.full]
    return found
