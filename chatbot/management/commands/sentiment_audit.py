"""`manage.py sentiment_audit` checks that the classifier treats groups of people alike."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatbot.engines.classifier import sentiment_classifier
from inference.models.catalogue import ModelError
from inference.sentiment.audit import Finding, bias, robustness


class Command(BaseCommand):
    help = "Audits the sentiment classifier for bias and robustness; fails if a limit is exceeded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, **options: Any) -> None:
        try:
            score = sentiment_classifier().score
        except ModelError as error:
            raise CommandError(str(error)) from error
        findings = [*bias.findings(score), *robustness.findings(score)]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1))
        else:
            self.stdout.write("\n".join([HEAD, *map(line, findings)]))
        failed = [finding for finding in findings if not finding.passed]
        if failed:
            raise CommandError(f"{len(failed)} of {len(findings)} checks failed.")
        self.stderr.write(f"All {len(findings)} checks passed.")


HEAD = (
    f"{'check':14}{'group or change':32}{'value':>8}   {'95 % interval':18}{'limit':16}{'texts':>6}"
)


def line(finding: Finding) -> str:
    interval = ""
    if finding.low is not None and finding.high is not None:
        interval = f"{finding.low:+.3f} … {finding.high:+.3f}"
    value = f"{finding.value:+.3f}" if interval else f"{finding.value:.0%}"
    return (
        f"{finding.check:14}{finding.group:32}{value:>8}   {interval:18}"
        f"{finding.limit:16}{finding.texts:>6}  {'passed' if finding.passed else 'FAILED'}"
    )
