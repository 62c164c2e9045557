# The log under a process that is killed.
segs_add_check(kill_bus SOURCES kill_bus.c ../unit/ports_rig.c LIBS rt_ports LABELS integration)
