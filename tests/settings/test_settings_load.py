"""What a sound directory becomes: values as written, places, digests, warnings."""

import shutil
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.settings.load import load
from gateway.settings.models import DEFAULT_RETRIES, Generation, RetryRule

BASE = Path(__file__).parent / "base"
ENVIRON = {"BANK": "bankpass", "ALPHA": "alphapwd", "DATABASE": "s3cret"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return shutil.copytree(BASE, tmp_path / "config")


def loaded(directory: Path, **files: str) -> Generation:
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, "utf-8")
    return load(directory, ENVIRON)


def test_numbers_are_what_is_written_where_text_is_meant(directory: Path) -> None:
    routing = """
routes:
  - name: 0123
    match: {destination: [+86, 0044], source: [10690001]}
    carriers: [alpha, beta]
  - name: rest
    carriers: [alpha]
"""
    route = loaded(directory, routing=routing).routes[0]
    assert route.name == "0123"
    assert route.match.destination == ("86", "0044")
    assert route.match.source == ("10690001",)


def test_a_country_is_no_boolean(directory: Path) -> None:
    accounts = "accounts: {NO: {tenant: NO, password: '${BANK}', networks: ['10.0.0.0/8', '2001:db8::1']}}"
    account = loaded(directory, accounts=accounts).accounts["NO"]
    assert account.tenant == "NO"
    assert account.networks == (ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128"))


def test_retries_are_laid_over_the_defaults(directory: Path) -> None:
    carriers = """
carriers:
  alpha:
    binds: [{endpoint: "tls:smsc.example:3550", count: 2}]
    system_id: gateway
    password: ${ALPHA}
    interface_version: 5.0
    retry: {statuses: {ESME_RSUBMITFAIL: {tries: 2, delay: 90}}}
  beta:
    binds: [{endpoint: "tcp:127.0.0.1:2777"}]
    system_id: gateway
    password: ${ALPHA}
"""
    generation = loaded(directory, carriers=carriers)
    alpha, beta = generation.carriers["alpha"], generation.carriers["beta"]
    assert alpha.interface_version == "5.0"
    assert alpha.retry.statuses == {**DEFAULT_RETRIES, "ESME_RSUBMITFAIL": RetryRule(tries=2, delay=90)}
    assert beta.retry.statuses == DEFAULT_RETRIES


def test_texts_may_hold_secrets(directory: Path) -> None:
    node = loaded(directory, gateway="store: postgresql+psycopg://gateway:${DATABASE}@db/gateway").node
    assert node.store == "postgresql+psycopg://gateway:s3cret@db/gateway"


def test_secret_files_are_beside_the_configuration(directory: Path) -> None:
    (directory / "bank.txt").write_text("bankpass\n", "utf-8")
    accounts = (directory / "accounts.yaml").read_text("utf-8").replace("${BANK}", "${file:bank.txt}")
    assert loaded(directory, accounts=accounts).accounts["bank"].password.get_secret_value() == "bankpass"


def test_paths_are_beside_the_configuration(directory: Path) -> None:
    (directory / "words.txt").write_text("casino\n", "utf-8")
    generation = loaded(directory, gateway="state: ../elsewhere", filters="words: {files: [words.txt]}")
    assert generation.node.state == directory.parent / "elsewhere"
    assert generation.filters.words.files == (directory / "words.txt",)


def test_a_filter_that_an_account_does_not_name_is_off(directory: Path) -> None:
    accounts = "accounts: {bank: {tenant: Bank, password: '${BANK}', filters: {}}}"
    generation = loaded(directory, accounts=accounts)
    assert generation.accounts["bank"].filter_mode("words", "otp", generation.filters) == "off"


def test_the_digest_follows_every_file_that_is_read(directory: Path) -> None:
    first = load(directory, ENVIRON)
    assert load(directory, ENVIRON).digest == first.digest
    (directory / "words.txt").write_text("casino\n", "utf-8")
    second = loaded(directory, filters="words: {files: [words.txt]}")
    (directory / "words.txt").write_text("roulette\n", "utf-8")
    third = load(directory, ENVIRON)
    assert len({first.digest, second.digest, third.digest}) == 3


def warnings(generation: Generation, directory: Path) -> list[str]:
    return [warning.removeprefix(f"{directory}/") for warning in generation.warnings]


def test_a_route_that_an_earlier_one_hides(directory: Path) -> None:
    routing = """
routes:
  - name: default
    carriers: [alpha]
  - name: codes
    match: {category: [otp]}
    carriers: [beta]
"""
    assert warnings(loaded(directory, routing=routing), directory) == [
        "routing.yaml:5:5: routes[1]: route 'codes' can never match: routes[0] 'default' takes all of it",
        "carriers.yaml:6:3: carriers.beta: no route reaches carrier 'beta'",
    ]


def test_an_account_without_a_route(directory: Path) -> None:
    routing = "routes: [{name: the bank, match: {account: [bank]}, carriers: [alpha, beta]}]"
    assert warnings(loaded(directory, routing=routing), directory) == [
        "accounts.yaml:5:3: accounts.shop: no route takes account 'shop'"
    ]


def test_a_carrier_that_only_transmits(directory: Path) -> None:
    carriers = (directory / "carriers.yaml").read_text("utf-8")
    carriers = carriers.replace("[{endpoint:", "[{mode: transmitter, endpoint:", 1)
    assert warnings(loaded(directory, carriers=carriers), directory) == [
        "carriers.yaml:3:5: carriers.alpha.binds: no bind receives: its receipts cannot come back"
    ]


def test_a_misspelt_file(directory: Path) -> None:
    (directory / "filter.yaml").write_text("words: {mode: 'off'}\n", "utf-8")
    (directory / "notes.yaml").write_text("anything\n", "utf-8")
    assert warnings(load(directory, ENVIRON), directory) == [
        "filter.yaml:1:1: this file is not read (did you mean 'filters'?)"
    ]
