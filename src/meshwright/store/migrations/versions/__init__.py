"""One file per schema version, in order; a file that was released is never changed."""
