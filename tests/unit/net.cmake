# Unit tests of net.
find_package(ZLIB REQUIRED)
segs_add_check(check_http SOURCES check_http.c http_support.c LIBS rt_net ZLIB::ZLIB LABELS unit net)
