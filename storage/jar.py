"""Finds the QuestDB server: named by a setting, or resolved once by its Maven coordinates and then cached."""

import hashlib
from pathlib import Path

from jgo.maven import MavenContext

from core.errors import UsageError

GROUP, ARTIFACT, VERSION = "org.questdb", "questdb", "9.3.4"
SHA256 = "939bc53ab22f93dbaa6545143a6e7c536d4904c07b7f2d381e8eef10436be062"


class JarUnavailable(UsageError):
    """The QuestDB server jar is not here and could not be fetched."""


class JarDamaged(UsageError):
    """The QuestDB server jar is not the one we know."""


def locate(named: Path | None = None) -> Path:
    """Return the path of the server jar, its SHA-256 checked. Blocks: call it in a thread.

    Raises:
        JarUnavailable: it is in no cache and the network does not give it.
        JarDamaged: the file has another checksum (a jar that you name yourself is taken as it is).
    """
    if named is not None:
        if not named.is_file():
            raise JarUnavailable(f"{named} does not exist", hint="Mend database.jar or DESKWATCH_QUESTDB_JAR")
        return named
    jar = _resolve()
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != SHA256:
        raise JarDamaged(f"{jar} has SHA-256 {found}", hint="Delete the file and start again; it is fetched afresh")
    return jar


def _resolve() -> Path:
    failures: list[str] = []
    for offline in (True, False):
        try:
            artifact = MavenContext(offline=offline).project(GROUP, ARTIFACT).at_version(VERSION).artifact()
            return Path(artifact.resolve())
        except Exception as error:  # noqa: BLE001  jgo raises whatever its resolver meets; every cause means the same
            failures.append(f"{type(error).__name__}: {error}")
    raise JarUnavailable(
        f"{GROUP}:{ARTIFACT}:{VERSION} ({failures[-1]})",
        hint="With a network it is fetched once and cached. Without: copy the jar from another machine and name it in "
        "DESKWATCH_QUESTDB_JAR, or set database.host to a server of your own",
    )
