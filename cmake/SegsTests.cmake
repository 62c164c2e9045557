# segs_add_check(NAME SOURCES ... LIBS ... [LABELS ...]): one Check executable, registered with CTest.
function(segs_add_check name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_compile_definitions(${name} PRIVATE _POSIX_C_SOURCE=200809L
        SEGS_TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}/tests"
        SEGS_TESTDATA_DIR="${SEGS_TESTDATA_DIR}")
    if(SEGS_SANITIZE)
        target_compile_definitions(${name} PRIVATE SEGS_SANITIZED)
    endif()
    target_link_libraries(${name} PRIVATE segs_flags ${ARG_LIBS} PkgConfig::CHECK)
    # The macros of check pass string literals and comma expressions that our own warning set refuses.
    target_compile_options(${name} PRIVATE -Wno-pedantic -Wno-conversion -Wno-format-extra-args)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

# segs_add_fuzzer(NAME SOURCES ... LIBS ...): a libFuzzer target with clang and SEGS_BUILD_FUZZERS; otherwise the
# same entry behind a small driver, and CTest replays tests/fuzz/corpus/NAME through it.
function(segs_add_fuzzer name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE segs_flags ${ARG_LIBS})
    if(SEGS_BUILD_FUZZERS)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c)
        target_compile_definitions(${name} PRIVATE _POSIX_C_SOURCE=200809L)
        add_test(NAME ${name}_corpus COMMAND ${name} ${corpus})
        set_tests_properties(${name}_corpus PROPERTIES LABELS fuzz TIMEOUT 120)
    endif()
endfunction()

set(SEGS_TESTDATA_DIR "${PROJECT_SOURCE_DIR}/../shared/testdata" CACHE PATH
    "Folder of outside test data; tests that need it skip visibly when it is absent")

# segs_add_gate(NAME SCRIPT file.py [ARGS ...] [TIMEOUT s]): a check of the source tree or of the installed
# result, written in Python (standard library only) and printing TAP. Sanitized trees leave gates out: they would
# say the same again.
find_program(SEGS_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(SEGS_PYTHON NAMES python3 REQUIRED)
function(segs_add_gate name)
    cmake_parse_arguments(ARG "" "SCRIPT;TIMEOUT" "ARGS" ${ARGN})
    if(SEGS_SANITIZE)
        return()
    endif()
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    add_test(NAME gate_${name} COMMAND ${SEGS_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SCRIPT} ${ARG_ARGS})
    set_tests_properties(gate_${name} PROPERTIES LABELS gate TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
        ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endfunction()
