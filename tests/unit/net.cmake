# Unit tests of net.
find_package(ZLIB REQUIRED)
segs_add_check(check_http_router SOURCES check_http_router.c LIBS rt_net LABELS unit net)
segs_add_check(check_http SOURCES check_http.c http_support.c LIBS rt_net ZLIB::ZLIB LABELS unit net)
segs_add_check(check_http_hostile SOURCES check_http_hostile.c http_support.c LIBS rt_net LABELS unit net)
segs_add_check(check_httpc SOURCES check_httpc.c http_support.c LIBS rt_net LABELS unit net)
