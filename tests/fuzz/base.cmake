# Fuzz targets of base.
segs_add_fuzzer(fuzz_time SOURCES fuzz_time.c LIBS segs_base m)
segs_add_fuzzer(fuzz_zone SOURCES fuzz_zone.c LIBS segs_base m)
segs_add_fuzzer(fuzz_decimal SOURCES fuzz_decimal.c LIBS segs_base m)
