# rt_net: HTTP server and client. civetweb ships no .pc file, and its CMake package asks for its server program too.
find_path(CIVETWEB_INCLUDE_DIR civetweb.h)
find_library(CIVETWEB_LIBRARY civetweb)
if(NOT CIVETWEB_INCLUDE_DIR OR NOT CIVETWEB_LIBRARY)
    message(FATAL_ERROR "civetweb is needed for the services: apt-get install libcivetweb-dev")
endif()
find_package(CURL 7.85 REQUIRED)
find_package(ZLIB REQUIRED)

segs_add_runtime_part(net
    SOURCES
        http_body.c
        http_builtin.c
        http_civetweb.c
        http_conn.c
        http_exchange.c
        http_head.c
        http_identify.c
        http_metrics.c
        http_problem.c
        http_response.c
        http_router.c
        http_server.c
        http_target.c
        http_warm.c
        httpc_curl.c
    LIBS rt_core)
target_include_directories(rt_net SYSTEM PRIVATE ${CIVETWEB_INCLUDE_DIR})
target_link_libraries(rt_net PRIVATE ${CIVETWEB_LIBRARY} CURL::libcurl ZLIB::ZLIB)
