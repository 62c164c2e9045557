# Unit tests of services.
