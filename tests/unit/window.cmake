# Unit tests of window.
segs_add_check(check_window SOURCES check_window.c LIBS segs_window segs_base LABELS unit)
segs_add_check(check_window_order SOURCES check_window_order.c LIBS segs_window segs_base LABELS unit)
segs_add_check(check_rollup SOURCES check_rollup.c LIBS segs_window segs_base LABELS unit)
segs_add_check(check_intern SOURCES check_intern.c LIBS segs_window segs_base LABELS unit)
segs_add_check(oom_window SOURCES oom_window.c LIBS segs_window segs_base LABELS unit)
