# Unit tests of segs.
