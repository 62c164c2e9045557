# Unit tests of auth.
set(auth_test_libs segs_auth segs_base OpenSSL::Crypto PkgConfig::LIBCRYPT m)
segs_add_check(check_jwk SOURCES check_jwk.c LIBS ${auth_test_libs} LABELS unit)
segs_add_check(check_jwt SOURCES check_jwt.c LIBS ${auth_test_libs} LABELS unit)
segs_add_check(check_password SOURCES check_password.c LIBS ${auth_test_libs} LABELS unit)
segs_add_check(check_role SOURCES check_role.c LIBS ${auth_test_libs} LABELS unit)
segs_add_check(check_token SOURCES check_token.c LIBS ${auth_test_libs} LABELS unit)
segs_add_check(oom_auth SOURCES oom_auth.c LIBS ${auth_test_libs} LABELS unit)

if(NOT TARGET PkgConfig::CJSON) # The daemons look it up first when they are built.
    pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
endif()
# The published JOSE examples; exits with 77, shown as skipped, where the outside test data is missing.
segs_add_check(check_jose_rfc SOURCES check_jose_rfc.c LIBS ${auth_test_libs} PkgConfig::CJSON LABELS unit)
set_tests_properties(check_jose_rfc PROPERTIES SKIP_RETURN_CODE 77)
