# Unit tests of window.
