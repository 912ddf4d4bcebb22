# SPDX-License-Identifier: Apache-2.0
# What the scripts of this folder share: paths, the core's description, its files.

set scripts [file dirname [file normalize [info script]]]
set root [file dirname [file dirname $scripts]]
set out [expr {[info exists env(SAT_BUILD)] ? $env(SAT_BUILD) : "$root/build"}]
set package $out/package
set build $out/vivado

if {![file exists $package/description.tcl]} {
  error "$package/description.tcl is missing: run `make package` first"
}
source $package/description.tcl

# Files of rtl/sat.f, in order, with their full paths.
proc rtl_files {} {
  global root
  set list [open $root/rtl/sat.f]
  set paths [split [string trim [read $list]] "\n"]
  close $list
  return [lmap path $paths {file join $root [string trim $path]}]
}

# Argument `index` of the script (-tclargs), or what stands for it.
proc argument {index default} {
  global argv
  return [expr {$index < [llength $argv] ? [lindex $argv $index] : $default}]
}
