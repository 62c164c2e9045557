# Unit tests of stream.
