"""Celery's consumer without what bells never use."""

from typing import Any, ClassVar

from celery.worker.consumer import Consumer


class BellConsumer(Consumer):
    """Makes no delay queues: back-off is in the row, and 28 exchanges and queues would need rights at the broker."""

    class Blueprint(Consumer.Blueprint):
        """Celery's own steps but one."""

        default_steps: ClassVar[list[Any]] = [
            step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step
        ]
