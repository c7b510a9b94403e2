"""The routes that the documents show can be used as they stand there, with the tables as they are told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import dedent

import yaml

from gateway.settings.load import load

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^    routes:\n(?:    .*\n)+", re.MULTILINE)
TABLE = re.compile(r"(tables/\w+\.csv) +# (\S+) +(\S+)$", re.MULTILINE)


def test_the_routes_of_operating(tmp_path: Path) -> None:
    (block,) = BLOCK.findall((ROOT / "docs" / "operating.md").read_text("utf-8"))
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    (config / "routing.yaml").write_text(dedent(block), "utf-8")
    (config / "tables").mkdir()
    for file, heading, line in TABLE.findall(block):
        (config / file).write_text(f"{heading}\n{line}\n")
    path = config / "carriers.yaml"
    carriers = yaml.safe_load(path.read_text("utf-8"))["carriers"]
    path.write_text(yaml.safe_dump({"carriers": carriers | {"gamma": carriers["beta"]}}), "utf-8")
    generation = load(config, {})
    assert [route.name for route in generation.routes] == ["codes to China", "the rest"]
    assert set(generation.tables.prices) == {"alpha", "beta", "gamma"}
