"""Commands about templates: gateway template. What edits asks the running node; the others read files and
store.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import DEFAULT_CONFIG, FAILED, USAGE, AsJson, Config, ask_node, end, node_of, say

TOLD = 20  # lines that are wrong, told one by one

template = typer.Typer(
    help="Templates: see, test, approve and pause them, bring them in.", no_args_is_help=True
)

Tenant = Annotated[str, typer.Option(help="Whose they are.")]
AnyTenant = Annotated[str, typer.Option(help="Of this tenant alone.")]
Names = Annotated[list[str], typer.Argument(help="Names of templates.")]
By = Annotated[str | None, typer.Option(help="Who does it; else the user of this machine.")]
Why = Annotated[str, typer.Option(help="Why; it is kept with the edit.")]


def add_to(app: typer.Typer) -> None:
    """Make these commands known."""
    app.add_typer(template, name="template")


@template.command("list")
def list_templates(tenant: AnyTenant = "", config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """The templates in force: whose, approved or paused, for what, and their text."""
    from gateway.templatebook import entries, told
    from gateway.wordbook import tell

    found = _read(lambda: [told(*one) for one in entries(config, tenant)])
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found:
        tell(found, ("tenant", "name", "state", "categories", "id", "headers", "text"))
    else:
        say("there are no templates")


@template.command()
def show(
    name: Annotated[str, typer.Argument(help="Its name.")],
    tenant: AnyTenant = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """A template: where it is written, which edit gave it or its state."""
    from gateway.templatebook import entries, told

    found = _read(lambda: [told(*one) for one in entries(config, tenant) if one[1].template.name == name])
    if not found:
        end(FAILED, f"no template is called '{name}'")
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        for field, value in one.items():
            if value:
                print(f"{field:<11} {value}")


@template.command("import")
def import_templates(
    file: Annotated[
        Path, typer.Argument(help="A CSV file, as `export` writes it.", exists=True, dir_okay=False)
    ],
    tenant: Tenant,
    register: Annotated[
        bool, typer.Option("--register", help="It is what a portal of India's registers (DLT) gave out.")
    ] = False,
    approved: Annotated[
        bool, typer.Option("--approved", help="Those that the file has approved are; else all are paused.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what is wrong with the file.")] = False,
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Bring templates in, in force at once; all are paused until they are approved. Ends with 1 if some were
    left out.
    """
    from gateway.templatebook import IN_ONE, wishes_of_csv, wishes_of_register

    text = _read(lambda: file.read_text("utf-8"))
    if register:
        wishes, read = _read(lambda: wishes_of_register(config, text, tenant, approved))
        problems = list(read.problems)
    else:
        wishes, problems = _read(lambda: wishes_of_csv(text, tenant, approved))
    done = 0
    for at in range(0, 0 if check else len(wishes), IN_ONE):
        some = wishes[at : at + IN_ONE]
        answer = _asked(config, some, by, why)
        done += len(answer["done"])
        problems += [f"{some[index]['name']}: {reason}" for index, reason in answer["refused"]]
    for problem in problems[:TOLD]:
        say(f"{file}: {problem}")
    if len(problems) > TOLD:
        say(f"and {len(problems) - TOLD} more")
    say(f"{len(wishes)} would be brought in" if check else f"{done} are brought in")
    raise typer.Exit(FAILED if problems else 0)


@template.command("export")
def export_templates(tenant: Tenant, config: Config = DEFAULT_CONFIG) -> None:
    """Write a tenant's templates in force to standard output, as a CSV file that can be imported."""
    from gateway.templatebook import exported

    sys.stdout.write(_read(lambda: exported(config, tenant)))


@template.command()
def approve(
    names: Names,
    tenant: Tenant,
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let texts pass by templates, as long as these have the text that they have now."""
    _edit(config, "approve", names, tenant, by, why, as_json)


@template.command()
def pause(
    names: Names,
    tenant: Tenant,
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Let nothing pass by templates until they are approved again, whatever a file says."""
    _edit(config, "pause", names, tenant, by, why, as_json)


@template.command()
def restore(
    names: Names,
    tenant: Tenant,
    by: By = None,
    why: Why = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Undo what was done to templates: what the files say of them is in force again."""
    _edit(config, "restore", names, tenant, by, why, as_json)


def _edit(
    config: Path, action: str, names: list[str], tenant: str, by: str | None, why: str, as_json: bool
) -> None:
    wishes = [{"action": action, "tenant": tenant, "name": name} for name in names]
    answer = _asked(config, wishes, by, why)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    for index, reason in answer["refused"]:
        say(f"{names[index]}: {reason}")
    numbers = ", ".join(map(str, answer["done"]))
    say(f"in force: edit {numbers}" if numbers else "nothing was done")
    raise typer.Exit(FAILED if answer["refused"] else 0)


def _asked(config: Path, wishes: list[dict[str, Any]], by: str | None, why: str) -> dict[str, Any]:
    document = {"edits": wishes, "by": by or "", "why": why}
    code, answer = ask_node(config, "POST", "templates/edit", document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer


@template.command("test")
def try_text(
    text: Annotated[str, typer.Argument(help="A text.")],
    tenant: Tenant,
    category: Annotated[str, typer.Option(help="As for a text of this category.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """The templates that a text is one of: by the running gateway, else by files and store. Ends with 1 if it
    would pass by none.
    """
    from gateway.templatebook import tested
    from gateway.wordbook import tell

    found = _read(lambda: tested(node_of(config), config, tenant, category, text))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found["templates"]:
        tell(found["templates"], ("passes", "name", "state", "categories", "text", "place", "edit"))
    else:
        say("the text is none of the templates")
    raise typer.Exit(0 if any(one["passes"] == "yes" for one in found["templates"]) else FAILED)


@template.command()
def history(
    name: Annotated[str, typer.Argument(help="Edits of this template alone.")] = "",
    tenant: AnyTenant = "",
    limit: Annotated[int, typer.Option(help="How many, the youngest first.", min=1)] = 50,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Who edited what, when and why; nothing of it is ever lost."""
    from gateway.templatebook import history as edits
    from gateway.wordbook import tell

    found = _read(lambda: edits(node_of(config), config, tenant, name, limit))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    elif found:
        tell(found, ("edit", "at", "by", "action", "tenant", "name", "fields", "why"))
    else:
        say("nothing was edited")


def _read(work: Any) -> Any:
    from gateway.settings.problems import SettingsError
    from gateway.stored import Unreadable

    try:
        return work()
    except SettingsError as error:
        end(USAGE, "\n".join(map(str, error.problems)))
    except Unreadable as error:
        end(FAILED, str(error))
    except (OSError, ValueError) as error:
        end(USAGE, str(error))
