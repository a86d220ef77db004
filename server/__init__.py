"""HTTP: it records jobs, rings bells and reads results; it never loads a model."""
