# Unit tests of simulator.
