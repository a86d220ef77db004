"""The domain: jobs, storage, text, audio, transcripts, settings and errors, used by server and worker alike."""
