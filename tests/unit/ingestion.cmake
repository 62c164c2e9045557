# Unit tests of ingestion.
foreach(subject batch keys)
    segs_add_check(check_ingestion_${subject} SOURCES check_ingestion_${subject}.c ports_rig.c
        LIBS segs_ingestion_service LABELS unit)
endforeach()
