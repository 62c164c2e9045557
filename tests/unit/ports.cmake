# Unit tests of ports.
segs_add_check(check_bus SOURCES check_bus.c contract_bus.c ports_rig.c LIBS rt_ports LABELS unit)
segs_add_check(check_db SOURCES check_db.c contract_db.c ports_rig.c LIBS rt_ports LABELS unit)
segs_add_check(check_cache SOURCES check_cache.c contract_cache.c ports_rig.c LIBS rt_ports LABELS unit)
segs_add_check(check_ports_failpoints SOURCES check_ports_failpoints.c ports_rig.c LIBS rt_ports LABELS unit)
