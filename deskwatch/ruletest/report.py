"""The verdicts of rule tests for a person, for a program, and as JUnit XML. Pure."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from core import durations
from core.errors import UsageError
from deskwatch.ruletest.compare import Failure
from deskwatch.ruletest.run import Verdict


def as_json(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Return what `-o json` prints."""
    return {
        "tests": [
            {
                "name": one.case.name,
                "passed": one.passed,
                "failures": [
                    {"at": durations.show(failure.at), "expected": failure.expected, "got": failure.got}
                    for failure in one.failures
                ],
            }
            for one in verdicts
        ],
        "passed": sum(one.passed for one in verdicts),
        "failed": sum(not one.passed for one in verdicts),
    }


def lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield a line a test, and under each failed one its differences."""
    for one in verdicts:
        yield f"{'PASS' if one.passed else 'FAIL'}  {one.case.name}  ({one.seconds:.2f} s)"
        for failure in one.failures:
            yield from _difference(failure)


def _difference(failure: Failure) -> Iterator[str]:
    yield f"    {failure.place}: at {durations.show(failure.at)}"
    yield from _marked("-", "expected", failure.expected)
    yield from _marked("+", "got", failure.got)


def _marked(mark: str, word: str, text: str) -> Iterator[str]:
    first, *rest = text.split("\n")
    yield f"      {mark} {word + ':':<9} {first}"
    yield from (f"      {mark} {'':<9} {line}" for line in rest)


def summary(verdicts: Sequence[Verdict]) -> str:
    """Return the last line."""
    failed = sum(not one.passed for one in verdicts)
    tests = f"{len(verdicts)} test{'' if len(verdicts) == 1 else 's'}"
    return f"{failed} of {tests} failed" if failed else f"{tests} passed"


def write_junit(file: Path, verdicts: Sequence[Verdict]) -> None:
    """Write JUnit XML, one suite a test file.

    Raises:
        UsageError: the file cannot be written.
    """
    root = ET.Element("testsuites")
    suites: dict[Path, ET.Element] = {}
    for one in verdicts:
        path = one.case.place.file
        suite = suites.get(path)
        if suite is None:
            suite = suites[path] = ET.SubElement(root, "testsuite", name=str(path))
        case = ET.SubElement(
            suite,
            "testcase",
            name=one.case.name,
            classname=path.stem,
            file=str(path),
            line=str(one.case.place.line),
            time=f"{one.seconds:.3f}",
        )
        for failure in one.failures:
            text = "\n".join(_difference(failure)).strip()
            ET.SubElement(case, "failure", message=f"at {durations.show(failure.at)}").text = _clean(text)
    for path, suite in suites.items():
        mine = [one for one in verdicts if one.case.place.file == path]
        suite.set("tests", str(len(mine)))
        suite.set("failures", str(sum(not one.passed for one in mine)))
        suite.set("errors", "0")
        suite.set("time", f"{sum(one.seconds for one in mine):.3f}")
    try:
        ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="Name a file that can be written") from error


def _clean(text: str) -> str:
    """Return the text without the letters that XML cannot hold."""
    return "".join(letter for letter in text if letter >= " " or letter in "\n\t")
