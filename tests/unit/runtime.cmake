# Unit tests of runtime.
