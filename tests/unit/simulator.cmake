# Unit tests of simulator.
foreach(subject model books)
    segs_add_check(check_simulator_${subject} SOURCES check_simulator_${subject}.c
        LIBS segs_simulator_service m LABELS unit)
endforeach()
segs_add_check(check_simulator_service SOURCES check_simulator_service.c ports_rig.c
    LIBS segs_simulator_service LABELS unit net)
