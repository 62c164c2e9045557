# Unit tests of segs.
segs_add_check(check_segs_files SOURCES check_segs_files.c LIBS segs_command_parts LABELS unit)
segs_add_check(check_segs_status SOURCES check_segs_status.c LIBS segs_command_parts LABELS unit)
segs_add_check(check_segs_audit SOURCES check_segs_audit.c ../integration/pipeline_support.c
    LIBS segs_command_parts LABELS unit)
target_include_directories(check_segs_audit PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/../integration)
target_compile_definitions(check_segs_audit PRIVATE _XOPEN_SOURCE=700)
