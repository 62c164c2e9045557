# Fuzz targets of net.
segs_add_fuzzer(fuzz_http_target SOURCES fuzz_http_target.c LIBS rt_net)
