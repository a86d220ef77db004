"""`moksori storage check`: is the artifact storage as it should be?"""

import sys

import click

from speech.settings import Settings
from speech.storage_check import check, format_findings


@click.group("storage")
def command() -> None:
    """Look after the artifact storage."""


@command.command("check")
def check_command() -> None:
    """Say whether bucket, rights, signing and CORS are right, and what to change."""
    findings = check(Settings.from_env())
    click.echo(format_findings(findings))
    sys.exit(0 if all(finding.ok for finding in findings) else 1)
