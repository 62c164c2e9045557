# Unit tests of window.
segs_add_check(check_window SOURCES check_window.c LIBS segs_window segs_base LABELS unit)
