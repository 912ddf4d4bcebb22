# SPDX-License-Identifier: Apache-2.0
# Out-of-context synthesis, placement and routing of one configuration, with reports.
#
#   make package
#   vivado -mode batch -source scripts/vivado/synth_ooc.tcl [-tclargs 8x8 part period_ns]
#
# Reports go to build/vivado/ooc_<configuration>. The last line sums them up.

source [file join [file dirname [file normalize [info script]]] common.tcl]
set configuration [argument 0 8x8]
set part [argument 1 xcvu9p-fsgd2104-2L-e]
set period [argument 2 ""]
set reports $build/ooc_$configuration
file mkdir $reports

if {![dict exists $sat_ip::configurations $configuration]} {
  error "no configuration $configuration; known: [dict keys $sat_ip::configurations]"
}
set generics {}
dict for {name value} [dict get $sat_ip::configurations $configuration] {
  lappend generics $name=$value
}

create_project -in_memory -part $part
read_verilog [rtl_files]
read_xdc -mode out_of_context $root/constraints/sat_ooc.xdc

synth_design -top $sat_ip::top -part $part -mode out_of_context \
  -include_dirs $root/rtl/include -generic $generics
if {$period ne ""} {
  create_clock -name $sat_ip::clock -period $period [get_ports $sat_ip::clock]
}
report_utilization -hierarchical -file $reports/utilization_synth.txt
opt_design
place_design
phys_opt_design
route_design

report_utilization -hierarchical -file $reports/utilization.txt
report_timing_summary -max_paths 10 -file $reports/timing.txt
report_timing -max_paths 1 -file $reports/critical_path.txt
write_checkpoint -force $reports/sat_$configuration.dcp
set slack [get_property slack [get_timing_paths -max_paths 1 -setup]]
puts "sat $configuration on $part: slack $slack ns, reports in $reports"
