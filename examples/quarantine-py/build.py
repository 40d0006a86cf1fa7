#!/usr/bin/env python3
"""Builds the plugin: a virtual environment, the component, and the section that says what it is.

    python3 build.py [FOLDER]

The folder gets `venv`, which is kept for the next time, and `quarantine.wasm`; `target/quarantine-py` at the top of the
project where none is named. Exit code 3: componentize-py can not be had (no network, no pip).
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIT = HERE.parents[1] / "wit"
NOT_TO_BE_HAD = 3


def main() -> int:
    folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE.parents[1] / "target" / HERE.name
    folder.mkdir(parents=True, exist_ok=True)
    component = folder / "quarantine.wasm"
    inputs = folder / "quarantine.inputs"
    digest = digest_of_inputs()
    if component.is_file() and inputs.is_file() and inputs.read_text() == digest:
        print(component)
        return 0
    try:
        tool = componentize_py(folder / "venv")
    except (OSError, subprocess.CalledProcessError) as error:
        output = (getattr(error, "stderr", None) or str(error)).strip()
        print("componentize-py can not be installed:", output.splitlines()[-1], file=sys.stderr)
        return NOT_TO_BE_HAD
    # A reader sees the whole component or the one before, also when two builds run at once.
    with tempfile.TemporaryDirectory(dir=folder) as work:
        # The build leaves compiled files beside the sources: it gets a copy of them.
        sources = shutil.copytree(HERE / "src", Path(work) / "src")
        raw = Path(work) / "raw.wasm"
        command = [tool, "--quiet", "-d", WIT, "-w", "remediation"]
        command += ["componentize", "-p", sources, "app", "-o", raw]
        subprocess.run([str(part) for part in command], check=True, cwd=work)
        labelled = Path(work) / "labelled.wasm"
        labelled.write_bytes(raw.read_bytes() + section("sickbay:plugin", manifest()))
        labelled.replace(component)
    inputs.write_text(digest)
    print(component)
    return 0


def manifest() -> bytes:
    """`plugin.json` in few bytes; read as JSON, so that a slip in it shows here."""
    return json.dumps(json.loads((HERE / "plugin.json").read_text()), ensure_ascii=False).encode()


def componentize_py(folder: Path) -> Path:
    """The program of the version in `requirements.txt`, in a virtual environment of its own."""
    requirements = HERE / "requirements.txt"
    version = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = folder / version
    tool = folder / ("Scripts" if os.name == "nt" else "bin") / "componentize-py"
    if not (folder / "complete").is_file():
        venv.create(folder, with_pip=True)
        python = tool.with_name("python")
        install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "-r", requirements]
        subprocess.run([str(part) for part in install], check=True, capture_output=True, text=True)
        (folder / "complete").touch()
    return tool


def digest_of_inputs() -> str:
    """Of all that the component is made from."""
    sources = sorted([*HERE.glob("src/*.py"), HERE / "build.py", *HERE.glob("*.json"), HERE / "requirements.txt", *WIT.rglob("*.wit")])
    digest = hashlib.sha256()
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()


def section(name: str, content: bytes) -> bytes:
    """A custom section of a WebAssembly file."""
    body = number(len(name)) + name.encode() + content
    return b"\0" + number(len(body)) + body


def number(value: int) -> bytes:
    """An unsigned LEB128."""
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


if __name__ == "__main__":
    sys.exit(main())
