segs_add_check(check_stream SOURCES check_stream.c pipeline_support.c
    LIBS segs_stream_processor_service LABELS integration)
target_compile_definitions(check_stream PRIVATE _XOPEN_SOURCE=700)
