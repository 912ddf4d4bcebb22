# SPDX-License-Identifier: Apache-2.0
# Packages the core with Vivado's own packager: build/vivado/ip, and an archive beside it.
#
#   make package && vivado -mode batch -source scripts/vivado/package_ip.tcl [-tclargs part]
#
# `make package` writes the same IP without Vivado. This is for those who prefer Vivado's, or want
# to compare the two.

source [file join [file dirname [file normalize [info script]]] common.tcl]
set part [argument 0 xcvu9p-fsgd2104-2L-e]
set ip $build/ip

puts "--- 1 project and files, from rtl/sat.f"
file delete -force $ip
create_project -force sat_package $build/package_project -part $part
add_files -norecurse [concat [rtl_files] [glob $root/rtl/include/*.vh]]
set_property include_dirs $root/rtl/include [current_fileset]
set_property top $sat_ip::top [current_fileset]
add_files -fileset constrs_1 -norecurse $root/constraints/sat_ooc.xdc
set_property used_in {out_of_context synthesis implementation} \
  [get_files $root/constraints/sat_ooc.xdc]
update_compile_order -fileset sources_1

puts "--- 2 package: VLNV, names, taxonomy"
ipx::package_project -root_dir $ip -vendor $sat_ip::vendor -library $sat_ip::library \
  -taxonomy $sat_ip::taxonomy -import_files -force -set_current true
set core [ipx::current_core]
set_property name $sat_ip::name $core
set_property version $sat_ip::version $core
set_property core_revision $sat_ip::revision $core
set_property display_name $sat_ip::display_name $core
set_property description $sat_ip::description $core

puts "--- 3 interfaces"
ipx::infer_bus_interfaces xilinx.com:interface:aximm_rtl:1.0 $core
ipx::infer_bus_interface $sat_ip::clock xilinx.com:signal:clock_rtl:1.0 $core
ipx::infer_bus_interface $sat_ip::reset xilinx.com:signal:reset_rtl:1.0 $core
ipx::infer_bus_interface $sat_ip::interrupt xilinx.com:signal:interrupt_rtl:1.0 $core

proc interface {name} {
  global core
  return [ipx::get_bus_interfaces $name -of_objects $core]
}

proc set_bus_parameter {bus name value} {
  set parameter [ipx::add_bus_parameter -quiet $name [interface $bus]]
  set_property value $value $parameter
}

puts "--- 4 clock and reset association, polarity, interrupt, bursts"
foreach bus [list $sat_ip::registers_bus $sat_ip::memory_bus] {
  ipx::associate_bus_interfaces -busif $bus -clock $sat_ip::clock $core
}
ipx::associate_bus_interfaces -clock $sat_ip::clock -reset $sat_ip::reset $core
set_bus_parameter $sat_ip::reset POLARITY ACTIVE_LOW
set_bus_parameter $sat_ip::interrupt SENSITIVITY LEVEL_HIGH
set_bus_parameter $sat_ip::memory_bus SUPPORTS_NARROW_BURST 0
set_bus_parameter $sat_ip::memory_bus MAX_BURST_LENGTH 64
# As sat_top is by default. What Vivado makes of another RD_OUTSTANDING has not been tried.
set_bus_parameter $sat_ip::memory_bus NUM_READ_OUTSTANDING \
  [lindex [lsearch -inline -index 0 $sat_ip::parameters RD_OUTSTANDING] 1]
set_bus_parameter $sat_ip::memory_bus NUM_WRITE_OUTSTANDING 64

puts "--- 5 memory map: as large as the address port can address, with registers and fields"
foreach map [ipx::get_memory_maps -of_objects $core] {
  ipx::remove_memory_map [get_property name $map] $core
}
set map [ipx::add_memory_map $sat_ip::registers_bus $core]
set_property slave_memory_map_ref $sat_ip::registers_bus [interface $sat_ip::registers_bus]
set block [ipx::add_address_block reg0 $map]
set address [ipx::get_ports ${sat_ip::registers_bus}_awaddr -of_objects $core]
set_property range [expr {1 << ([get_property size_left $address] + 1)}] $block
set_property width 32 $block
set_property usage register $block
foreach entry $sat_ip::registers {
  lassign $entry name offset access description fields
  set register [ipx::add_register $name $block]
  set_property address_offset $offset $register
  set_property size 32 $register
  set_property access $access $register
  set_property description $description $register
  foreach item $fields {
    lassign $item field_name low bits field_access meaning
    set field [ipx::add_field $field_name $register]
    set_property bit_offset $low $field
    set_property bit_width $bits $field
    set_property access $field_access $field
    set_property description $meaning $field
  }
}

puts "--- 6 parameters: what is legal"
foreach entry $sat_ip::parameters {
  lassign $entry name default page label tooltip kind legal
  set parameter [ipx::get_user_parameters $name -of_objects $core]
  set_property display_name $label $parameter
  set_property description $tooltip $parameter
  set_property value_format long $parameter
  if {$kind eq "range"} {
    set_property value_validation_type range_long $parameter
    set_property value_validation_range_minimum [lindex $legal 0] $parameter
    set_property value_validation_range_maximum [lindex $legal end] $parameter
  } else {
    set_property value_validation_type list $parameter
    set_property value_validation_list $legal $parameter
  }
}

puts "--- 7 families"
set_property supported_families [concat {*}[lmap family $sat_ip::families {
  list $family Pre-Production
}]] $core

puts "--- 8 dialog: pages, tooltips and rules, as `make package` wrote them"
ipx::create_xgui_files $core
set dialog xgui/${sat_ip::name}_v[string map {. _} $sat_ip::version].tcl
file mkdir $ip/xgui
file copy -force $package/$dialog $ip/$dialog

puts "--- 9 driver"
file copy -force $package/drivers $ip
set group [ipx::add_file_group -type software_driver {} $core]
foreach file [lsort [glob -directory $ip/drivers -types f */*/*]] {
  set kind [expr {[file tail [file dirname $file]] eq "src" ? "src"
                  : [string range [file extension $file] 1 end]}]
  set item [ipx::add_file [string range $file [string length $ip/] end] $group]
  set_property type [expr {$kind eq "mdd" ? "mdd driver_mdd" : "driver_$kind"}] $item
}

puts "--- 10 integrity, archive"
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
ipx::archive_core $build/${sat_ip::name}_v$sat_ip::version.zip $core
close_project
