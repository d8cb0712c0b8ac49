"""A process that writes a log is killed at random instants: what it said was published is there, and it goes on.

`VIGIL_CRASHES` says how many kills, the seed is printed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from streams.audit.source import folder_source
from streams.audit.verify import verify_log
from tests.running.audit_logs import ORIGIN, leaves, log, signer

CRASHES = int(os.environ.get("VIGIL_CRASHES", "4"))
SEED = int(os.environ.get("VIGIL_TEST_SEED", "20261"))
WRITER = """
import sys
from pathlib import Path
from random import Random
from tests.running.audit_logs import leaves, log
random = Random(sys.argv[2])
with log(Path(sys.argv[1])) as opened:
    while True:
        for _ in range(random.randint(1, 3)):
            opened.append(leaves(opened.size, opened.size + random.randint(0, 700)))
        opened.publish()
        print(opened.checkpoint.size, flush=True)
"""


def test_a_writer_is_killed(tmp_path: Path) -> None:
    print("seed", SEED)  # noqa: T201 - shown where it fails
    random, size = Random(SEED), 0
    for kill in range(CRASHES * 2):
        said = killed(tmp_path, f"{SEED}-{kill}", random.uniform(0, 0.3))
        checkpoint = verify_log(folder_source(tmp_path), ORIGIN, [signer().verifier], lambda _: None).checkpoint
        assert checkpoint.size >= max(said, size), f"kill {kill}"
        size = checkpoint.size
    with log(tmp_path) as opened:
        assert opened.size == size > 0
        assert list(opened.reader().entries(0, size)) == leaves(0, size)


def killed(folder: Path, seed: str, after_s: float) -> int:
    """The last size that a writer said it had published before it was killed, some time after its first."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder), seed], stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        first = writer.stdout.readline()
        time.sleep(after_s)
        writer.kill()
        lines = [first, *writer.stdout.read().split(b"\n")]
    return max(int(line) for line in lines if line)
