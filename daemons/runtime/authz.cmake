# rt_authz: who may ask what, over HTTP, database and cache. rt_zone: time zones of the system.
segs_add_runtime_part(authz SOURCES authz.c authz_key.c LIBS rt_net rt_ports rt_core)
segs_add_runtime_part(zone SOURCES zoneinfo.c LIBS rt_core)
