# Fuzz targets of auth.
