# Fuzz targets of auth.
set(auth_fuzz_libs segs_auth segs_base OpenSSL::Crypto PkgConfig::LIBCRYPT m)
segs_add_fuzzer(fuzz_jwk SOURCES fuzz_jwk.c LIBS ${auth_fuzz_libs})
segs_add_fuzzer(fuzz_jwt SOURCES fuzz_jwt.c LIBS ${auth_fuzz_libs})
