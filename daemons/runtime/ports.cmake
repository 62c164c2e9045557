# rt_ports: bus, database and cache with their embedded adapters.
find_package(SQLite3 REQUIRED)

segs_add_runtime_part(ports SOURCES
    bus/bus.c
    bus/embedded.c
    bus/embedded_consumer.c
    bus/embedded_group.c
    bus/embedded_produce.c
    bus/embedded_read.c
    bus/embedded_retention.c
    bus/embedded_topic.c
    bus/embedded_writer.c
    bus/partitioner.c
    cache/cache.c
    cache/memory.c
    db/db.c
    db/gate.c
    db/sqlite.c
    db/sqlite_exec.c
    db/sqlite_migrate.c
    db/sqlite_statement.c
    db/sqlite_transaction.c
    db/sqlite_util.c
    db/sqlite_wal.c
    LIBS rt_core SQLite::SQLite3)
