# Fuzz targets of telemetry.
