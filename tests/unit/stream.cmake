# Unit tests of stream.
foreach(subject pending meters)
    segs_add_check(check_stream_${subject} SOURCES check_stream_${subject}.c ports_rig.c
        LIBS segs_stream_processor_service LABELS unit)
endforeach()
