find_package(PkgConfig REQUIRED)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET GLOBAL libcjson)

segs_add_runtime_part(core SOURCES
    buf.c
    clock.c
    config.c
    config_file.c
    config_print.c
    config_value.c
    errors.c
    json.c
    json_write.c
    log.c
    log_limit.c
    metrics.c
    metrics_process.c
    $<$<BOOL:${SEGS_FAILPOINTS}>:failpoint.c>
    random.c
    text.c
    trace.c
    LIBS PkgConfig::CJSON m)
