"""Makes the golden run anew, so that whoever changes a score sees it in review: `python -m tests.golden.make`."""

from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from models.bundle import Bundle, default_bundle
from models.scenarios.generate import generate
from streams.audit.erasures import AUDIT
from streams.audit.run_log import PUBLIC_KEY
from streams.jobs import record_scenario, run_recording
from streams.runs import open_run
from streams.sources import site_of

GOLDEN = Path(__file__).with_name("visits")
SEED, VISITS = 11, 12
SEALS = (AUDIT, PUBLIC_KEY)  # differ from run to run, as the keys do, which the journal needs


def run(folder: Path, bundle: Bundle) -> None:
    """Run the scenario into a folder."""
    with TemporaryDirectory() as recording:
        scenario = Path(recording)
        record_scenario(generate(SEED, VISITS), scenario)
        run_recording(scenario, site_of(scenario), bundle, folder, lambda _: None)


def main() -> None:
    """Write the golden run with the bundle Vigil ships."""
    with TemporaryDirectory() as folder:
        run(Path(folder), default_bundle())
        open_run(Path(folder))
        GOLDEN.mkdir(exist_ok=True)
        for path in Path(folder).iterdir():
            if path.name not in SEALS:
                copyfile(path, GOLDEN / path.name)


if __name__ == "__main__":
    main()
