# Fuzz targets of window.
