# Fuzz targets of telemetry.
segs_add_fuzzer(fuzz_decode SOURCES fuzz_decode.c LIBS segs_telemetry segs_base)
segs_add_fuzzer(fuzz_decode_diff SOURCES fuzz_decode_diff.c LIBS segs_telemetry segs_base)
