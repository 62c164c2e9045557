# Unit tests of telemetry.
