# rt_life: lifecycle. The services themselves bring the HTTP server (rt_net).
segs_add_runtime_part(life SOURCES
    lifecycle.c
    lifecycle_app.c
    lifecycle_config.c
    lifecycle_signal.c
    lifecycle_watch.c
    main.c
    LIBS rt_core $<TARGET_NAME_IF_EXISTS:rt_ports>)
