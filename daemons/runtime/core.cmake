segs_add_runtime_part(core SOURCES
    buf.c
    clock.c
    errors.c)
