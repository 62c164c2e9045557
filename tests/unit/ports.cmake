# Unit tests of ports.
segs_add_check(check_bus SOURCES check_bus.c contract_bus.c ports_rig.c LIBS rt_ports LABELS unit)
