# Unit tests of base.
segs_add_check(check_error SOURCES check_error.c LIBS segs_base LABELS unit)
