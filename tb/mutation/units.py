# SPDX-License-Identifier: Apache-2.0
"""The modules that are mutated, with their benches and what their inputs may be.

What depends on the memory's width is mutated with a wide bus, too: other bits of the same lines
matter there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tb.common.buses import TILE

CONTROL_GOAL = 0.98
FP = "fp"  # the C++ bench of tb/unit/fp; every other bench is a cocotb bench


@dataclass(frozen=True)
class Unit:
    """A module, flattened with what it instantiates, and the bench that must notice its faults.

    `bench`: folder of tb/unit. `toplevel`: what the bench simulates, if not the module itself.
    `whole`: modules inside that get no mutants, since they have benches of their own.
    `legal`: Verilog expression over inputs and outputs, true in every cycle of legal use.
    `inside`: the same of what the modules of `whole` say, for the proof without these.
    `tied`: inputs that are constant in part in legal use, as expressions of inputs, by which the
    proofs replace them: what follows for registers need not be found out as with `legal`.
    `matters`: for outputs that mean something only at times, a mask over the module's outputs; of
    what a module of `whole` is told (instance.port) over all names of that proof.
    `flat`: whether the proof is tried with these inside, too, their memories bit by bit.
    `preset`: registers that the bench sets. `goal`: the least share of mutants, of those that are
    not proven equivalent, that the bench must notice. `variant`: tells units of one module with
    different parameters apart.
    """

    module: str
    bench: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    toplevel: str = ""
    whole: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    legal: str = "1'b1"
    inside: str = "1'b1"
    tied: Mapping[str, str] = field(default_factory=dict)
    matters: Mapping[str, str] = field(default_factory=dict)
    flat: bool = True
    preset: tuple[str, ...] = ()
    goal: float = 0.95
    variant: str = ""

    @property
    def name(self) -> str:
        """What people call it: sat_rd_dma, or sat_rd_dma-512."""
        return f"{self.module}-{self.variant}" if self.variant else self.module


def fp(module: str, legal: str = "1'b1") -> Unit:
    return Unit(module, FP, toplevel="fp_bench", legal=legal)


def wide(value: str) -> str:
    """Whether an operand is in the 17-bit format: exponents 41..62 do not occur."""
    return (f"({value}[15:10] <= 6'd40 ? (|{value}[15:10] || ~|{value}[9:0])"
            f" : (&{value}[15:10] && ~|{value}[8:0]))")


# Multiples of 2^-48 of at most 22 bits below 2^32, as sat_uspe_mul makes them.
PRODUCT = """(!p_nan_i || p_special_i) && (p_special_i || (~|p_exp_i ? ~|p_mant_i
  : (p_exp_i <= 7'd80 && p_mant_i[21] && ~|(p_mant_i & (22'h3FFFFF >> p_exp_i)))))"""

LEGAL_NM = "m_log2_i >= 1 && m_log2_i <= 4 && n_i >= 1 && n_i <= (5'd1 << m_log2_i)"
PARTS = "size_log2_i >= 1 && size_log2_i <= 4"  # of a group that is sampled

# The lowest bit of a place says which of a pair it is, at the place's own pair.
PLACE = "{" + ", ".join(f"3'd7, place_o[{4 * pair + 1} +: 3] == 3'd{pair}"
                        for pair in reversed(range(8))) + "}"


def rd_dma(data_w: int, outstanding: int, variant: str = "") -> Unit:
    return Unit("sat_rd_dma", "sat_rd_dma",
                {"PORTS": 8, "FIRST": 0, "YIELDING": 6, "OUTSTANDING": outstanding,
                 "DATA_W": data_w}, variant=variant, flat=not variant,
                environment={"DATA_W": str(data_w)},
                whole=("sat_arbiter", "sat_burst_split", "sat_fifo", "sat_skid_buffer"),
                matters={"rsp_data_o": f"{{{data_w}{{|rsp_valid_o}}}}",
                         "err_resp_o": "{2{err_valid_o}}", "err_addr_o": "{40{err_valid_o}}",
                         "err_port_o": "{3{err_valid_o}}", "araddr_o": "{40{arvalid_o}}",
                         "arlen_o": "{8{arvalid_o}}"}, goal=CONTROL_GOAL)


def strobed(data_w: int, valid: str) -> dict[str, str]:
    """Of a beat data_i/strb_i in `valid`: a byte matters where it has a strobe."""
    lanes = ", ".join(f"{{8{{{valid} && out_strb_o[{k}]}}}}" for k in reversed(range(data_w // 8)))
    return {"out_data_o": f"{{{lanes}}}", "out_strb_o": f"{{{data_w // 8}{{{valid}}}}}"}


PACKETS = {"out_addr_o": "{40{out_valid_o}}", "out_beats_o": "{3{out_valid_o}}",
           "out_last_o": "out_valid_o", **strobed(512, "out_valid_o")}


def rows_aligned(instance: str) -> str:
    """Bases and strides are multiples of 64: addresses of rows are."""
    return " && ".join(rf"~|\{instance}[{k}].u_pointer.row_o [5:0]" for k in range(2))


def plane_store(bp: int, variant: str) -> Unit:
    return Unit("sat_plane_store", "sat_plane_store",
                {"ADDR_W": 40, "DATA_W": 512, "EMIT": 4, "BP": bp}, variant=variant, flat=False,
                whole=("sat_lutram", "sat_row_pointer"), inside=rows_aligned("gen_plane"),
                matters=PACKETS, goal=CONTROL_GOAL)


def c_store(cols: int, t: int, data_w: int, variant: str = "") -> Unit:
    lanes, most = data_w // 32, cols * t  # a group of FP32 values is a beat; columns of a tile
    return Unit("sat_c_store", "sat_c_store",
                {"ROWS": 2, "COLS": cols, "T": t, "LANES": lanes, "ADDR_W": 40, "DATA_W": data_w},
                variant=variant, flat=not variant,
                whole=("sat_row_walk", "sat_epilogue", "sat_c_sums", "sat_pack", "sat_fifo",
                       "sat_delay", "sat_valid_delay"),
                # Neither tiles nor rows of sums are empty; a group's lanes are its first ones.
                inside=rf"(!\u_walk.valid_o || (|\u_walk.cols_o && \u_walk.cols_o <= 17'd{most}"
                       rf" && |\u_walk.beats_o && \u_walk.beats_o <= 17'd{most // lanes}))"
                       r" && (!\u_sums.req_valid_o ||"
                       rf" (|\u_sums.req_beats_o && \u_sums.req_beats_o <= 17'd{most // lanes}))"
                       rf" && ~|(\u_lanes.out_o [{lanes - 1}:0]"
                       rf" & (\u_lanes.out_o [{lanes - 1}:0] + {lanes}'d1))",
                matters={"req_addr_o": "{40{req_valid_o}}", "req_beats_o": "{12{req_valid_o}}",
                         "data_o": f"{{{data_w}{{data_valid_o}}}}",
                         "strb_o": f"{{{data_w // 8}{{data_valid_o}}}}",
                         "u_pack.row_last_i": r"!\u_pack.as_single_i "}, goal=CONTROL_GOAL)


def c_sums(lanes: int, groups: int, data_w: int, variant: str = "") -> Unit:
    return Unit("sat_c_sums", "sat_c_sums",
                {"LANES": lanes, "GROUPS": groups, "LATENCY": 18, "ADDR_W": 40, "DATA_W": data_w},
                variant=variant, flat=not variant,
                whole=("sat_column_sums", "sat_delay", "sat_valid_delay"),
                # Column tiles are no wider than told, and but for the last whole beats.
                legal="(!pending_o || !row_next_i) && (!row_next_i ||"
                      f" (|cols_i && cols_i <= 17'd{lanes * groups}))"
                      f" && ~|req_addr_o[{(data_w // 8).bit_length() - 2}:0]",
                matters={"req_addr_o": "{40{req_valid_o}}", "req_beats_o": "{17{req_valid_o}}",
                         "row_last_o": "valid_o", "lanes_o": f"{{{lanes}{{valid_o}}}}",
                         "sums_o": f"{{{32 * lanes}{{valid_o}}}}"}, goal=CONTROL_GOAL)


UNITS = (
    fp("sat_fp32_add"),
    fp("sat_fp32_mul"),
    fp("sat_fp32_to_fp16"),
    fp("sat_fp16_to_fp32"),
    fp("sat_fp16_widen"),
    fp("sat_acc_to_fp32", "|acc_i[29:23] || ~|acc_i[22:0]"),
    Unit("sat_uspe_mul", "sat_uspe_mul", toplevel="uspe_mul_lanes",
         legal=f"{wide('a_i')} && {wide('w_i')}",
         matters={"sign_o": "special_o ? !nan_o : |exp_o", "exp_o": "{7{!special_o}}",
                  "mant_o": "{22{!special_o}}"}),
    Unit("sat_uspe_acc", "sat_uspe_acc", {"T": 8}, toplevel="uspe_acc_lanes", legal=PRODUCT),
    Unit("sat_uspe_drain", "sat_uspe_drain", {"T": 8},
         matters={"drain_o": "{1'b1, {31{drain_o[31]}}}"}),
    Unit("sat_uspe", "sat_uspe", {"T": 8}, whole=("sat_uspe_acc",),
         legal=f"{wide('west_i')} && {wide('north_i')}",
         matters={"drain_o": "{1'b1, {31{drain_o[31]}}}"}),
    Unit("sat_nm_select", "sat_nm_select", {"M_MAX": 16, "KEY_W": 15}, legal=LEGAL_NM),
    Unit("sat_sore", "sat_sore", legal=LEGAL_NM,
         matters={"out_value_o": "{{16{out_valid_o[1]}}, {16{out_valid_o[0]}}}",
                  "out_index_o": "{{4{out_valid_o[1]}}, {4{out_valid_o[0]}}}",
                  "out_rank_o": "{{4{out_valid_o[1]}}, {4{out_valid_o[0]}}}",
                  "out_end_o": "out_valid_o", "out_last_o": "out_valid_o"}),
    Unit("sat_random", "sat_random", legal="!next_i || valid_o",
         matters={"bits_o": "{64{valid_o}}"}, goal=CONTROL_GOAL),
    Unit("sat_sampler", "sat_sampler",
         whole=("sat_random", "sat_sample_rank", "sat_sample_weights", "sat_sample_pick",
                "sat_sample_masks"),
         legal=LEGAL_NM,
         matters={"out_vector_o": "{256{out_valid_o}}", "out_bp_o": "out_valid_o",
                  "out_last_o": "out_valid_o"}, goal=CONTROL_GOAL),
    Unit("sat_sample_masks", "sat_sampler", toplevel="sat_sampler",
         whole=("sat_sample_rank", "sat_sample_weights", "sat_sample_pick"), legal=PARTS,
         goal=CONTROL_GOAL),
    Unit("sat_sample_rank", "sat_sampler", toplevel="sat_sampler", legal=PARTS,
         matters={"place_o": PLACE}, goal=CONTROL_GOAL),
    Unit("sat_sample_weights", "sat_sampler", toplevel="sat_sampler", legal=PARTS,
         goal=CONTROL_GOAL),
    Unit("sat_sample_pick", "sat_sampler", toplevel="sat_sampler",
         whole=("sat_fp_lzc", "sat_fp32_to_fp16"), legal=PARTS, goal=CONTROL_GOAL),
    Unit("sat_burst_split", "sat_burst_split", {"WINDOW": 64}, legal="|req_beats_i",
         matters={"burst_addr_o": "{40{burst_valid_o}}", "burst_len_o": "{8{burst_valid_o}}"}),
    rd_dma(128, 32),
    rd_dma(512, 64, variant="512"),
    Unit("sat_wr_dma", "sat_wr_dma",
         {"PORTS": 2, "DATA_FIFO": 64, "OUTSTANDING": 64, "DATA_W": 512}, variant="512", flat=False,
         whole=("sat_arbiter", "sat_burst_split", "sat_fifo", "sat_skid_buffer"),
         environment={"DATA_W": "512"},
         # No request is longer than its client's queue of beats.
         legal="(!req_valid_i[0] || req_beats_i[11:0] - 12'd1 < 12'd64)"
               " && (!req_valid_i[1] || req_beats_i[23:12] - 12'd1 < 12'd64)",
         matters={"err_resp_o": "{2{err_valid_o}}", "err_addr_o": "{40{err_valid_o}}",
                  "err_port_o": "err_valid_o", "awaddr_o": "{40{awvalid_o}}",
                  "awlen_o": "{8{awvalid_o}}", "wdata_o": "{512{wvalid_o}}",
                  "wstrb_o": "{64{wvalid_o}}", "wlast_o": "wvalid_o",
                  "gen_port[0].u_requests.in_data_i": "{52{req_valid_i[0]}}",
                  "gen_port[1].u_requests.in_data_i": "{52{req_valid_i[1]}}"}, goal=CONTROL_GOAL),
    Unit("sat_map_cache", "sat_map_cache",
         {"CACHE_LINES": 64, "ADDR_W": 40, "DATA_W": 512}, variant="512", flat=False,
         whole=("sat_fifo", "sat_ram_1r1w", "sat_ram_1rw"),
         # The queues have room for every beat that was asked for.
         inside=r"!dma_rsp_valid_i || (\gen_fill[0].u_fill.in_ready_o "
                r" && \gen_fill[1].u_fill.in_ready_o )",
         matters={"rsp_two_o": "rsp_valid_o", "dma_rsp_ready_o": "dma_rsp_valid_i",
                  "rsp_data_o": "{{512{rsp_valid_o && rsp_two_o}}, {512{rsp_valid_o}}}",
                  "dma_req_addr_o": "{40{dma_req_valid_o}}",
                  "dma_req_beats_o": "{12{dma_req_valid_o}}"}, goal=CONTROL_GOAL),
    Unit("sat_s_loader", "sat_s_loader",
         {"COLS": 8, "ELEM_W": 4, "S_DEPTH": 64, "DATA_W": 512}, variant="512", flat=False,
         whole=("sat_fifo",), environment={"T": "4"},
         # Tensors are aligned; with T = 4 only tiles of 32 columns fill a beat.
         tied={"t1_log2_i": "3'd2", "base_i": "{base_i[39:6], 6'd0}",
               "stride_i": "{stride_i[23:6], 6'd0}",
               "position_bytes_i": "{position_bytes_i[39:6], 6'd0}"},
         matters={"req_addr_o": "{40{req_valid_o}}", "req_beats_o": "{12{req_valid_o}}",
                  "write_addr_o": "{6{write_o}}", "write_word_o": "{32{write_o}}"},
         goal=CONTROL_GOAL),
    Unit("sat_unpack", "sat_unpack", {"BEAT_W": 512, "WORD_W": 128}, variant="512",
         matters={"word_o": "{128{word_valid_o}}", "word_index_o": "{8{word_valid_o}}"},
         goal=CONTROL_GOAL),
    Unit("sat_pack", "sat_pack", {"LANES": 8, "DATA_W": 512}, variant="512",
         matters={"beat_o": "{512{beat_valid_o}}", "strb_o": "{64{beat_valid_o}}"},
         goal=CONTROL_GOAL),
    plane_store(0, "512"),
    plane_store(1, "512-bp"),
    Unit("sat_weight_store", "sat_weight_store", {"ADDR_W": 40, "DATA_W": 512}, variant="512",
         flat=False, whole=("sat_fifo", "sat_row_pointer"), inside=rows_aligned("gen_tensor"),
         matters=PACKETS, goal=CONTROL_GOAL),
    Unit("sat_tile_loader", "sat_tile_loader", {"ADDR_W": 40, "DATA_W": 512}, variant="512",
         flat=False, whole=("sat_fifo", "sat_row_pointer", "sat_ram_1r1w"),
         preset=("tile_row_q",),
         matters={"req_addr_o": "{40{req_valid_o}}", "req_beats_o": "{12{req_valid_o}}",
                  "tile_o": f"{{{TILE.bits}{{tile_valid_o}}}}"}, goal=CONTROL_GOAL),
    Unit("sat_fifo", "sat_fifo", {"WIDTH": 16, "DEPTH": 8}, whole=("sat_lutram",),
         matters={"out_data_o": "{16{out_valid_o}}"}, goal=CONTROL_GOAL),
    Unit("sat_skid_buffer", "sat_skid_buffer", {"WIDTH": 16},
         matters={"out_data_o": "{16{out_valid_o}}"}, goal=CONTROL_GOAL),
    Unit("sat_arbiter", "sat_arbiter", {"N": 5}, matters={"grant_index_o": "{3{|grant_o}}"},
         goal=CONTROL_GOAL),
    c_store(16, 8, 128),
    c_sums(2, 4, 128),
    c_sums(16, 8, 512, variant="512"),
    Unit("sat_watchdog", "sat_watchdog", {"LIMIT_W": 6}, goal=CONTROL_GOAL),
    Unit("sat_error_record", "sat_error_record", {"ADDR_W": 40}, goal=CONTROL_GOAL),
    Unit("sat_cmd_check", "sat_cmd_check", {"ADDR_W": 40}, goal=CONTROL_GOAL),
    Unit("sat_sequencer", "sat_sequencer", {"ADDR_W": 40, "DATA_W": 128},
         whole=("sat_desc_fetch", "sat_cmd_check", "sat_error_record", "sat_watchdog"),
         legal="!(start_i && clear_i)",
         matters={"desc_o": "{1024{matmul_start_o || vector_start_o}}",
                  "err_code_o": "{8{err_valid_o}}", "err_index_o": "{32{err_valid_o}}",
                  "err_addr_o": "{64{err_valid_o}}", "rd_req_addr_o": "{40{rd_req_valid_o}}"},
         preset=("index_q", "count_q"), goal=CONTROL_GOAL),
    Unit("sat_counters", "sat_counters", {"COUNTERS": 11, "COUNT_W": 48, "INC_W": 40},
         legal="select_i < 4'd3"),
    Unit("sat_regs", "sat_regs",
         {"ROWS": 8, "COLS": 8, "T": 8, "ADDR_W": 40, "DATA_W": 128},
         whole=("sat_counters",),
         environment={"SAT_EXPECT": "8 8 8 40 128"},
         matters={"s_axil_rdata": "{32{s_axil_rvalid}}", "s_axil_rresp": "{2{s_axil_rvalid}}",
                  "s_axil_bresp": "{2{s_axil_bvalid}}"}, goal=CONTROL_GOAL),
)
