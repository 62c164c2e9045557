# Warnings, hardening and sanitizers shared by every target of ours; attached privately, never exported.
add_library(segs_flags INTERFACE)
target_compile_options(segs_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
    -Wformat=2 -Wwrite-strings -Wpointer-arith -Wcast-align
    $<$<BOOL:${SEGS_WERROR}>:-Werror>
    -fstack-protector-strong -fno-strict-overflow)
target_link_options(segs_flags INTERFACE -Wl,-z,relro,-z,now)
if(SEGS_SANITIZE)
    target_compile_options(segs_flags INTERFACE
        -fsanitize=${SEGS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    target_link_options(segs_flags INTERFACE -fsanitize=${SEGS_SANITIZE})
else()
    # The checked calls of the C library would hide accesses from the sanitizers.
    target_compile_options(segs_flags INTERFACE $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
if(SEGS_BUILD_FUZZERS)
    target_compile_options(segs_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(SEGS_CCACHE ccache)
if(SEGS_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${SEGS_CCACHE})
endif()
