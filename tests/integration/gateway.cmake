# The gateway over HTTP, on the embedded engines.
segs_add_check(check_gateway SOURCES check_gateway.c gateway_support.c
    LIBS segs_api_gateway_service LABELS integration)
target_compile_definitions(check_gateway PRIVATE _XOPEN_SOURCE=700)
