# Unit tests of ports.
