"""Runs jobs: Celery tasks, the embedded dispatcher, and the children that hold models."""
