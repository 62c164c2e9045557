# Measuring programs of auth. Not registered as tests: figures depend on the machine.
add_executable(bench_jwt bench_jwt.c)
target_compile_definitions(bench_jwt PRIVATE _POSIX_C_SOURCE=200809L)
target_link_libraries(bench_jwt PRIVATE segs_flags segs_auth segs_base OpenSSL::Crypto PkgConfig::LIBCRYPT m)
