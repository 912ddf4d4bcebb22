# SPDX-License-Identifier: Apache-2.0
# Example system for the VCU1525: host over PCIe (XDMA), one DDR4 DIMM, the core.
#
#   make package
#   vivado -mode batch -source scripts/vivado/bd_vcu1525.tcl [-tclargs 8x8]
#
# Core, registers and interrupt run on the XDMA's clock of 125 MHz (PCIe gen 2 x8), so only the path
# to the DDR4 crosses clocks. The host sees DDR4 through DMA at address 0 (up to 16 GB), and the
# core's registers at 0 of the XDMA's AXI-Lite BAR. The project is left ready for synthesis.

source [file join [file dirname [file normalize [info script]]] common.tcl]
set configuration [argument 0 8x8]

puts "--- 1 project"
create_project -force sat_vcu1525 $build/vcu1525 -part xcvu9p-fsgd2104-2L-e
set_property board_part xilinx.com:vcu1525:part0:1.3 [current_project]
set_property ip_repo_paths $package [current_project]
update_ip_catalog
create_bd_design sat_system

puts "--- 2 cells"
set xdma [create_bd_cell -type ip -vlnv xilinx.com:ip:xdma:4.1 xdma_0]
set_property -dict [list \
  CONFIG.PCIE_BOARD_INTERFACE {Custom} \
  CONFIG.mode_selection {Advanced} \
  CONFIG.pl_link_cap_max_link_width {X8} \
  CONFIG.pl_link_cap_max_link_speed {5.0_GT/s} \
  CONFIG.axi_data_width {256_bit} \
  CONFIG.axisten_freq {125} \
  CONFIG.axilite_master_en {true} \
  CONFIG.axilite_master_scale {Megabytes} \
  CONFIG.axilite_master_size {2} \
  CONFIG.xdma_num_usr_irq {1} \
] $xdma

set pcie_clock [create_bd_cell -type ip -vlnv xilinx.com:ip:util_ds_buf:2.1 pcie_clock]
set_property CONFIG.C_BUF_TYPE IBUFDSGTE $pcie_clock

set ddr4 [create_bd_cell -type ip -vlnv xilinx.com:ip:ddr4:2.2 ddr4_0]
set_property -dict [list \
  CONFIG.C0_CLOCK_BOARD_INTERFACE {default_300mhz_clk0} \
  CONFIG.C0_DDR4_BOARD_INTERFACE {ddr4_sdram_c0} \
] $ddr4

# With ECC, as on the board's own DIMMs, the controller has registers.
set with_ecc [llength [get_bd_intf_pins -quiet ddr4_0/C0_DDR4_S_AXI_CTRL]]

set inverter [create_bd_cell -type ip -vlnv xilinx.com:ip:util_vector_logic:2.0 not_perst]
set_property -dict [list CONFIG.C_OPERATION {not} CONFIG.C_SIZE {1}] $inverter
create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset:5.0 ddr4_reset

set memory [create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect:1.0 memory_bus]
set_property -dict [list CONFIG.NUM_SI {2} CONFIG.NUM_MI {1} CONFIG.NUM_CLKS {2}] $memory
set control [create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect:1.0 control_bus]
set_property -dict [list CONFIG.NUM_SI {1} CONFIG.NUM_MI [expr {1 + $with_ecc}] \
  CONFIG.NUM_CLKS [expr {1 + $with_ecc}]] $control

set vlnv $sat_ip::vendor:$sat_ip::library:$sat_ip::name:$sat_ip::version
set sat [create_bd_cell -type ip -vlnv $vlnv sat_0]
dict for {name value} [dict get $sat_ip::configurations $configuration] {
  if {$name ne "DATA_W"} {
    set_property CONFIG.$name $value $sat
  }
}

puts "--- 3 pins of the board"
create_bd_intf_port -mode Master -vlnv xilinx.com:interface:pcie_7x_mgt_rtl:1.0 pcie
create_bd_intf_port -mode Slave -vlnv xilinx.com:interface:diff_clock_rtl:1.0 pcie_refclk
set_property CONFIG.FREQ_HZ 100000000 [get_bd_intf_ports pcie_refclk]
create_bd_intf_port -mode Master -vlnv xilinx.com:interface:ddr4_rtl:1.0 ddr4_sdram_c0
create_bd_intf_port -mode Slave -vlnv xilinx.com:interface:diff_clock_rtl:1.0 default_300mhz_clk0
set_property CONFIG.FREQ_HZ 300000000 [get_bd_intf_ports default_300mhz_clk0]
create_bd_port -dir I -type rst pcie_perstn
set_property CONFIG.POLARITY ACTIVE_LOW [get_bd_ports pcie_perstn]

puts "--- 4 interfaces"
foreach {port pin} {
  pcie                xdma_0/pcie_mgt
  pcie_refclk         pcie_clock/CLK_IN_D
  ddr4_sdram_c0       ddr4_0/C0_DDR4
  default_300mhz_clk0 ddr4_0/C0_SYS_CLK
} {
  connect_bd_intf_net [get_bd_intf_ports $port] [get_bd_intf_pins $pin]
}
foreach {from to} {
  xdma_0/M_AXI         memory_bus/S00_AXI
  sat_0/m_axi          memory_bus/S01_AXI
  memory_bus/M00_AXI   ddr4_0/C0_DDR4_S_AXI
  xdma_0/M_AXI_LITE    control_bus/S00_AXI
  control_bus/M00_AXI  sat_0/s_axil
} {
  connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
}
if {$with_ecc} {
  connect_bd_intf_net [get_bd_intf_pins control_bus/M01_AXI] \
    [get_bd_intf_pins ddr4_0/C0_DDR4_S_AXI_CTRL]
  connect_bd_net [get_bd_pins ddr4_0/c0_ddr4_ui_clk] [get_bd_pins control_bus/aclk1]
}

puts "--- 5 clocks, resets, interrupt"
foreach {from to} {
  pcie_clock/IBUF_OUT              {xdma_0/sys_clk_gt}
  pcie_clock/IBUF_DS_ODIV2         {xdma_0/sys_clk}
  xdma_0/axi_aclk                  {sat_0/aclk memory_bus/aclk control_bus/aclk}
  xdma_0/axi_aresetn               {sat_0/aresetn memory_bus/aresetn control_bus/aresetn}
  ddr4_0/c0_ddr4_ui_clk            {memory_bus/aclk1 ddr4_reset/slowest_sync_clk}
  ddr4_0/c0_ddr4_ui_clk_sync_rst   {ddr4_reset/ext_reset_in}
  ddr4_reset/peripheral_aresetn    {ddr4_0/c0_ddr4_aresetn}
  not_perst/Res                    {ddr4_0/sys_rst}
  sat_0/irq                        {xdma_0/usr_irq_req}
} {
  foreach pin $to {
    connect_bd_net [get_bd_pins $from] [get_bd_pins $pin]
  }
}
foreach pin {xdma_0/sys_rst_n not_perst/Op1} {
  connect_bd_net [get_bd_ports pcie_perstn] [get_bd_pins $pin]
}

puts "--- 6 addresses"
foreach {space segment offset range} {
  xdma_0/M_AXI       ddr4_0/C0_DDR4_MEMORY_MAP/C0_DDR4_ADDRESS_BLOCK 0x0 16G
  sat_0/m_axi        ddr4_0/C0_DDR4_MEMORY_MAP/C0_DDR4_ADDRESS_BLOCK 0x0 16G
  xdma_0/M_AXI_LITE  sat_0/s_axil/reg0                               0x0 4K
} {
  assign_bd_address -offset $offset -range $range \
    -target_address_space [get_bd_addr_spaces $space] [get_bd_addr_segs $segment]
}
if {$with_ecc} {
  assign_bd_address -offset 0x100000 -range 1M \
    -target_address_space [get_bd_addr_spaces xdma_0/M_AXI_LITE] \
    [get_bd_addr_segs ddr4_0/C0_DDR4_MEMORY_MAP_CTRL/C0_REG]
}

puts "--- 7 check, and a wrapper as top"
validate_bd_design
save_bd_design
make_wrapper -files [get_files sat_system.bd] -top -import
set_property top sat_system_wrapper [current_fileset]
update_compile_order -fileset sources_1
puts "open $build/vcu1525/sat_vcu1525.xpr, or: launch_runs impl_1 -to_step write_bitstream"
