"""What training found, as tables."""

from pathlib import Path

from msgspec import UNSET
from msgspec.structs import asdict
from rich.table import Table

from models.admission import AdmissionReport
from models.bundle import Bundle


def training_table(bundle: Bundle, out: Path) -> Table:
    """The figures of a training report."""
    table = Table("figure", "value", title=f"{out}, digest {bundle.digest[:16]}")
    for name, value in (asdict(bundle.training) if bundle.training else {}).items():
        if value is not UNSET:
            table.add_row(name, str(value))
    return table


def admission_tables(report: AdmissionReport) -> list[Table]:
    """What was learned from, what both bundles are worth, and the gates."""
    return [_verdicts(report), _figures(report), _gates(report)]


def _verdicts(report: AdmissionReport) -> Table:
    table = Table("verdicts", "persons", title=f"Candidate {report.content[:16]} against {report.current[:16]}")
    for name, count in asdict(report.verdicts).items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    return table


def _figures(report: AdmissionReport) -> Table:
    table = Table("on the days held back", "current", "candidate")
    after = asdict(report.figures_candidate)
    for name, before in asdict(report.figures_current).items():
        table.add_row(name.replace("_", " "), f"{before:,}", f"{after[name]:,}")
    for each in report.evenness:
        told = (f"{ratio:,}" if ratio else "too few" for ratio in (each.current, each.candidate))
        table.add_row(f"evenness by {each.slices}, permille", *told)
    return table


def _gates(report: AdmissionReport) -> Table:
    table = Table("gate", "expected", "got", "passed")
    for gate in report.gates:
        table.add_row(gate.name.replace("_", " "), gate.expected, gate.got, "yes" if gate.passed else "no")
    return table
