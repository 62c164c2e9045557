# Unit tests of gateway.
