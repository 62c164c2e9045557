# rt_ports: bus, database and cache with their embedded adapters.
