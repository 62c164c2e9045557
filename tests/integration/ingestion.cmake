segs_add_check(check_ingestion SOURCES check_ingestion.c LIBS segs_ingestion_service LABELS integration net)
segs_add_check(check_stream_defects SOURCES check_stream_defects.c pipeline_support.c
    LIBS segs_stream_processor_service LABELS integration)
foreach(name check_ingestion check_stream_defects)
    target_compile_definitions(${name} PRIVATE _XOPEN_SOURCE=700)
endforeach()
