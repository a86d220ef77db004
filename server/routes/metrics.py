"""GET /metrics: the deployment and this process for Prometheus."""

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from server.contract import Told, tells
from server.service import here

routes = Blueprint("metrics", __name__)


@routes.get("/metrics")
@tells(Told(answers={200: "text/plain"}, scope="admin"))
def metrics() -> Response:
    """Show all metrics in Prometheus' text format."""
    return Response(generate_latest(here().metrics), content_type=CONTENT_TYPE_LATEST)
