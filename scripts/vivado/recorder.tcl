# SPDX-License-Identifier: Apache-2.0
# Stands in for Vivado: runs its scripts, records every command, and complains about commands,
# options, properties, files, cells and pins that do not exist. It knows names, not their effect.
#
#   recorder::run script arguments core
#
# `core` is the core's cell: VLNV, then as in recorder::cells below, then its parameters. The result
# is the calls and the complaints: words end in \x1f, calls and complaints in \x1e, both lists in \x1d.

namespace eval recorder {
  variable calls {}
  variable problems {}
  variable properties
  array set properties {}  ;# object,name: value

  # name: options with a value, flags, fewest and most other words
  variable commands {
    create_project              {-part} {-force -in_memory} 0 2
    close_project               {} {} 0 0
    current_project             {} {} 0 0
    current_fileset             {} {} 0 0
    update_compile_order        {-fileset} {} 0 0
    update_ip_catalog           {} {-rebuild} 0 0
    get_files                   {} {} 1 1
    get_ports                   {} {} 1 1
    get_timing_paths            {-max_paths} {-setup -hold} 0 0
    create_clock                {-name -period} {} 1 1
    synth_design                {-top -part -mode -include_dirs -generic -flatten_hierarchy} {} 0 0
    opt_design                  {} {} 0 0
    place_design                {} {} 0 0
    phys_opt_design             {} {} 0 0
    route_design                {} {} 0 0
    report_utilization          {-file} {-hierarchical} 0 0
    report_timing_summary       {-file -max_paths} {} 0 0
    report_timing               {-file -max_paths} {} 0 0
    write_checkpoint            {} {-force} 1 1
    ipx::package_project        {-root_dir -vendor -library -taxonomy -set_current}
                                {-import_files -force} 0 0
    ipx::current_core           {} {} 0 0
    ipx::infer_bus_interfaces   {} {} 2 2
    ipx::infer_bus_interface    {} {} 3 3
    ipx::get_bus_interfaces     {-of_objects} {} 1 1
    ipx::add_bus_parameter      {} {-quiet} 2 2
    ipx::associate_bus_interfaces {-busif -clock -reset} {} 1 1
    ipx::get_memory_maps        {-of_objects} {} 0 1
    ipx::remove_memory_map      {} {} 2 2
    ipx::add_memory_map         {} {} 2 2
    ipx::add_address_block      {} {} 2 2
    ipx::get_ports              {-of_objects} {} 1 1
    ipx::add_register           {} {} 2 2
    ipx::add_field              {} {} 2 2
    ipx::get_user_parameters    {-of_objects} {} 1 1
    ipx::add_file_group         {-type} {} 2 2
    ipx::add_file               {} {} 2 2
    ipx::create_xgui_files      {} {} 1 1
    ipx::update_checksums       {} {} 1 1
    ipx::check_integrity        {} {} 1 1
    ipx::save_core              {} {} 1 1
    ipx::archive_core           {} {} 2 2
    create_bd_design            {} {} 1 1
    create_bd_intf_port         {-mode -vlnv} {} 1 1
    create_bd_port              {-dir -type -from -to} {} 1 1
    get_bd_addr_spaces          {} {} 1 1
    get_bd_addr_segs            {} {} 1 1
    assign_bd_address           {-offset -range -target_address_space} {} 1 1
    validate_bd_design          {} {} 0 0
    save_bd_design              {} {} 0 0
    make_wrapper                {-files} {-top -import} 0 0
    ipgui::add_page             {-name} {} 1 1
    ipgui::add_param            {-name -parent -widget} {} 1 1
  }
  # The same, for commands whose words are files that must exist.
  variable file_commands {
    add_files                   {-fileset} {-norecurse} 1 1
    read_verilog                {} {} 1 1
    read_xdc                    {-mode} {} 1 1
  }
  variable known_properties {
    include_dirs top used_in name version core_revision display_name description value
    slave_memory_map_ref range width usage size_left address_offset size access bit_offset bit_width
    value_format value_validation_type value_validation_range_minimum
    value_validation_range_maximum value_validation_list supported_families board_part
    ip_repo_paths type slack tooltip errmsg
  }
  # Interfaces and pins of the cells that the example uses: IP: {interfaces} {pins} {segments}
  variable cells {
    xilinx.com:ip:xdma:4.1           {pcie_mgt M_AXI M_AXI_LITE}
      {sys_clk sys_clk_gt sys_rst_n axi_aclk axi_aresetn usr_irq_req usr_irq_ack user_lnk_up} {}
    xilinx.com:ip:util_ds_buf:2.1    {CLK_IN_D} {IBUF_OUT IBUF_DS_ODIV2} {}
    xilinx.com:ip:ddr4:2.2           {C0_DDR4 C0_SYS_CLK C0_DDR4_S_AXI C0_DDR4_S_AXI_CTRL}
      {sys_rst c0_ddr4_ui_clk c0_ddr4_ui_clk_sync_rst c0_ddr4_aresetn c0_init_calib_complete}
      {C0_DDR4_MEMORY_MAP/C0_DDR4_ADDRESS_BLOCK C0_DDR4_MEMORY_MAP_CTRL/C0_REG}
    xilinx.com:ip:util_vector_logic:2.0 {} {Op1 Res} {}
    xilinx.com:ip:proc_sys_reset:5.0 {}
      {slowest_sync_clk ext_reset_in dcm_locked peripheral_aresetn interconnect_aresetn} {}
    xilinx.com:ip:smartconnect:1.0   {S00_AXI S01_AXI M00_AXI M01_AXI} {aclk aclk1 aresetn} {}
  }
  variable by_vlnv {}    ;# IP: {interfaces pins segments parameters}
  variable instances {}  ;# cell: IP
  variable ports {}
  variable connected {}
}

proc recorder::complain {text} {
  variable problems
  lappend problems $text
}

# Sorts the words of a call into options and others; complains about what does not fit.
proc recorder::parse {name with_value flags fewest most words} {
  variable calls
  lappend calls [linsert $words 0 $name]
  set options {}
  set others {}
  for {set i 0} {$i < [llength $words]} {incr i} {
    set word [lindex $words $i]
    if {$word in $with_value} {
      if {$i + 1 == [llength $words]} {
        complain "$name: $word without a value"
      }
      dict set options $word [lindex $words [incr i]]
    } elseif {$word in $flags} {
      dict set options $word 1
    } elseif {[string match {-[a-z]*} $word]} {
      complain "$name: no option $word"
    } else {
      lappend others $word
    }
  }
  if {[llength $others] < $fewest || [llength $others] > $most} {
    complain "$name: [llength $others] arguments, not $fewest to $most"
  }
  return [list $options $others]
}

foreach {name with_value flags fewest most} $recorder::commands {
  namespace eval [namespace qualifiers ::$name] {}
  proc ::$name {args} "
    recorder::parse $name {$with_value} {$flags} $fewest $most \$args
    return {$name object}
  "
}
foreach {name with_value flags fewest most} $recorder::file_commands {
  proc ::$name {args} "
    lassign \[recorder::parse $name {$with_value} {$flags} $fewest $most \$args\] options files
    foreach file \[lindex \$files 0\] {
      if {!\[file isfile \$file\]} {
        recorder::complain \"$name: no file \$file\"
      }
    }
  "
}

proc set_property {args} {
  variable recorder::known_properties
  lassign [recorder::parse set_property {-dict} {} 1 3 $args] options words
  if {[dict exists $options -dict]} {
    set pairs [dict get $options -dict]
  } elseif {[llength $words] == 3} {
    set pairs [lrange $words 0 1]
  } else {
    recorder::complain "set_property: not name, value, object: $args"
    return
  }
  foreach {name value} $pairs {
    if {[string tolower $name] ni $known_properties && ![string match CONFIG.* $name]} {
      recorder::complain "set_property: no property $name"
    }
    if {[string match CONFIG.* $name]} {
      recorder::configure [string range $name 7 end] [lindex $words end]
    }
    set recorder::properties([lindex $words end],[string tolower $name]) $value
  }
}

proc get_property {name object} {
  variable recorder::known_properties
  recorder::parse get_property {} {} 2 2 [list $name $object]
  if {[string tolower $name] ni $known_properties} {
    recorder::complain "get_property: no property $name"
  }
  # A number for the expressions that scripts make of properties.
  set key $object,[string tolower $name]
  return [expr {[info exists recorder::properties($key)] ? $recorder::properties($key) : 11}]
}

# Block design: cells have pins, and a pin that is asked for must exist.
proc create_bd_cell {args} {
  lassign [recorder::parse create_bd_cell {-type -vlnv} {} 1 1 $args] options name
  set vlnv [dict get $options -vlnv]
  if {![dict exists $recorder::by_vlnv $vlnv]} {
    recorder::complain "create_bd_cell: no IP $vlnv"
    return $name
  }
  dict set recorder::instances $name $vlnv
  return $name
}

# Parameters of the core's cell must be its own.
proc recorder::configure {parameter cell} {
  variable by_vlnv
  variable instances
  if {[dict exists $instances $cell]} {
    set known [lindex [dict get $by_vlnv [dict get $instances $cell]] 3]
    if {$known ne "" && $parameter ni $known} {
      complain "set_property: $cell has no parameter $parameter"
    }
  }
}

proc recorder::pin {kind path {quiet 0}} {
  variable by_vlnv
  variable instances
  set cell [lindex [split $path /] 0]
  set rest [join [lrange [split $path /] 1 end] /]
  if {![dict exists $instances $cell]} {
    complain "no cell $cell (for $path)"
  } elseif {$rest ni [lindex [dict get $by_vlnv [dict get $instances $cell]] $kind]} {
    if {$quiet} {
      return ""
    }
    complain "cell $cell has no $rest"
  }
  return $path
}

proc get_bd_intf_pins {args} {
  lassign [recorder::parse get_bd_intf_pins {} {-quiet} 1 1 $args] options path
  return [recorder::pin 0 $path [dict exists $options -quiet]]
}

proc get_bd_pins {args} {
  lassign [recorder::parse get_bd_pins {} {} 1 1 $args] options path
  return [recorder::pin 1 $path]
}

proc get_bd_addr_segs {args} {
  lassign [recorder::parse get_bd_addr_segs {} {} 1 1 $args] options path
  return [recorder::pin 2 $path]
}

proc get_bd_addr_spaces {args} {
  lassign [recorder::parse get_bd_addr_spaces {} {} 1 1 $args] options path
  return [recorder::pin 0 $path]
}

proc create_bd_intf_port {args} {
  lassign [recorder::parse create_bd_intf_port {-mode -vlnv} {} 1 1 $args] options name
  lappend recorder::ports $name
  return $name
}

proc create_bd_port {args} {
  lassign [recorder::parse create_bd_port {-dir -type -from -to} {} 1 1 $args] options name
  lappend recorder::ports $name
  return $name
}

foreach name {get_bd_ports get_bd_intf_ports} {
  proc $name {args} "
    lassign \[recorder::parse $name {} {} 1 1 \$args\] options port
    if {\$port ni \$recorder::ports} {
      recorder::complain \"$name: no port \$port\"
    }
    return \$port
  "
}

proc connect_bd_net {args} {
  recorder::parse connect_bd_net {-net} {} 2 99 $args
  lappend recorder::connected {*}$args
}

proc connect_bd_intf_net {args} {
  recorder::parse connect_bd_intf_net {-intf_net} {} 2 2 $args
  foreach pin $args {
    if {$pin in $recorder::connected} {
      recorder::complain "connect_bd_intf_net: $pin has a connection"
    }
  }
  lappend recorder::connected {*}$args
}

# Every interface and every pin of the core must be connected.
proc recorder::check_connections {} {
  variable by_vlnv
  variable instances
  variable connected
  dict for {cell vlnv} $instances {
    lassign [dict get $by_vlnv $vlnv] interfaces pins segments parameters
    foreach pin [concat $interfaces [expr {$parameters ne "" ? $pins : ""}]] {
      if {"$cell/$pin" ni $connected && ![string match *_AXI $pin]} {
        complain "$cell/$pin is not connected"
      }
    }
  }
}

proc recorder::run {script arguments core} {
  variable calls
  variable problems
  variable cells
  variable by_vlnv
  foreach {vlnv interfaces pins segments} $cells {
    dict set by_vlnv $vlnv [list $interfaces $pins $segments]
  }
  dict set by_vlnv [lindex $core 0] [lrange $core 1 end]
  set ::argv $arguments
  if {[catch {uplevel #0 [list source $script]} message]} {
    complain "error: $message"
  }
  check_connections
  set result ""
  foreach call $calls {
    append result [join $call \x1f] \x1f\x1e
  }
  append result \x1d
  foreach problem $problems {
    append result $problem \x1e
  }
  return $result\x1d
}

# What a script prints is of no interest here.
rename puts recorder::print
proc puts {args} {}
