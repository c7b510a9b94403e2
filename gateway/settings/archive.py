"""The texts of a generation as one zip, and as files again."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.settings.models import FILES

ASIDE = ".before-rollback"


def pack(texts: Mapping[str, bytes]) -> bytes:
    """A zip of the texts by name; the same texts give the same octets."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(texts.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The texts by name. Raises ValueError if that is no archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise ValueError(f"the texts are damaged: {error}") from None


def kept(texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those whose place is in the directory of the configuration."""
    return {
        name: content
        for name, content in texts.items()
        if not os.path.isabs(name) and ".." not in Path(name).parts
    }


def lay_out(texts: Mapping[str, bytes], beside: Path, target: Path) -> None:
    """Make `target` a configuration of these texts, as if it lay where `beside` does: what is not among the
    texts (secrets, keys) is linked to there. What `target` was before is gone.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700, parents=True)
    own = kept(texts)
    for name, content in own.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for directory in {Path(name).parent for name in own} | _above(own):
        there = beside / directory
        for entry in there.iterdir() if there.is_dir() else ():
            link = target / directory / entry.name
            if not link.exists() and str(directory / entry.name) not in FILES:
                link.symlink_to(entry.resolve(), target_is_directory=entry.is_dir())


def _above(names: Iterable[str]) -> set[Path]:
    return {above for name in names for above in Path(name).parents}


def write_back(texts: Mapping[str, bytes], directory: Path) -> list[str]:
    """Write the texts over the files in `directory`, and say which have changed.

    A file that is replaced, or that such a generation does not have, is put aside under its name with
    `.before-rollback`.
    """
    own = kept(texts)
    changed = []
    for name in sorted({*own, *FILES}):
        path, content = directory / name, own.get(name)
        before = path.read_bytes() if path.is_file() else None
        if before == content:
            continue
        changed.append(name)
        if before is not None:
            os.replace(path, path.with_name(path.name + ASIDE))
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return changed
