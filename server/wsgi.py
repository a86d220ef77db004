"""The entry point of a server process: gunicorn -c python:server.gunicorn server.wsgi:app."""

from server.opening import open_app
from speech.settings import Settings

app = open_app(Settings.from_env())
