# Fuzz targets of window.
segs_add_fuzzer(fuzz_window SOURCES fuzz_window.c LIBS segs_window segs_base)
