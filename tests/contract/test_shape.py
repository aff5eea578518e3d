"""The shape of the code: sizes, who may speak SQL, and whose rows a query may touch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "devmesh"
FILES = sorted(SOURCE.rglob("*.py"))
STORES = sorted(SOURCE.glob("*/store*.py"))
SERVICES = sorted(SOURCE.glob("*/service.py"))

MOST_LINES = 300
MOST_FUNCTION_LINES = 40
LONGEST_FUNCTION_LINES = 60
# Functions that hold every step of one thing, in order: longer than 40 lines, never longer than 60.
WHOLE_PATHS = {"app.App.__init__", "gateway.call.Gateway.run"}

# Stores that find things before the organization is known, by keyed digest, or that no organization owns.
ROUTED = {
    "keys.store.route": "key by digest",
    "keys.store_reminders.lock": "a lock, no rows",
    "directory.store.any_organization": "registration 'first' asks whether there is any",
    "directory.store.organizations": "the operator's list, by id",
    "directory.store.organization_of_slug": "login and registration by slug",
    "directory.store_users.of_email": "login by e-mail",
    "login.store.challenge_of": "a login that waits for its second factor, by digest of its token",
    "login.store_failures.lock_counters": "failures are counted before anybody is known, by keyed digest",
    "login.store_failures.set_counter": "as lock_counters",
    "login.store_failures.sprayed": "as lock_counters",
    "login.store_failures.add_sprayed": "as lock_counters",
    "login.store_failures.forget_sprayed": "as lock_counters",
    "login.store_failures.tidy": "as lock_counters",
    "accounts.store.token_of": "mailed token by digest",
    "accounts.store.lock_registration": "a lock, no rows",
    "accounts.store.spend_budget": "mails of an address, by digest",
    "mail.store.add": "mails are no organization's: sealed whole, sent by one job for all",
    "mail.store.queue": "as add",
    "mail.store.take": "as add",
    "mail.store.hand_over": "as add",
    "mail.store.conclude": "as add",
    "mail.store.put_off": "as add",
    "mail.store.conclude_lost": "as add",
    "mail.store.remove_expired": "as add",
    "invitations.store.route": "invitation by its token's digest",
    "sessions.store.route": "refresh token by digest",
    "crypto.store.whole_ring": "the installation's own keys",
    "crypto.store_master.known": "the installation's own keys",
    "crypto.store_master.versions": "the installation's own keys",
    "crypto.store_master.newest": "the installation's own keys",
    "crypto.store_master.lock": "the installation's own keys",
    "crypto.store_master.add": "the installation's own keys",
    "crypto.store_master.finish": "the installation's own keys",
    "crypto.store_master.destroy_older": "the installation's own keys",
    "crypto.store_master.ring": "the installation's own keys",
    "crypto.store_master.rewrap_ring": "the installation's own keys",
    "crypto.store.ring": "the installation's own keys",
    "crypto.store.ring_history": "the installation's own keys",
    "crypto.store.newest_in_ring": "the installation's own keys",
    "crypto.store.add_to_ring": "the installation's own keys",
    "audit.store.appender": "as append",
    "audit.store.append": "rows carry their organization; the group commit holds several",
}
# Services whose methods act before or without a caller.
CALLERLESS = {
    "accounts.service.Accounts.register",
    "accounts.service.Accounts.verify",
    "accounts.service.Accounts.resend",
    "accounts.service.Accounts.settle",
    "audit.service.Audit.open",
    "audit.service.Audit.close",
    "audit.service.Audit.flush",
    "auth.service.Authenticator.authenticate",
    "auth.service.Authenticator.stranger",
    "idempotency.service.Idempotency.open",
    "idempotency.service.Idempotency.close",
    "invitations.service.Invitations.accept",
    "invitations.service.Invitations.look_up",
    "keys.service.Keys.issue_first",
    "limits.service.Limits.open",
    "limits.service.Limits.close",
    "limits.service.Limits.address_headers",
    "limits.service.Limits.spend_address",
    "login.service.Login.login",
    "login.service.Login.prove_factor",
    "sessions.service.Sessions.begin",
    "sessions.service.Sessions.end_all",
    "sessions.service.Sessions.refresh",
}
# The steps that registration and login are made of, within the transaction of whoever decides.
STEPS = {"directory.service", "factors.service"}

SQL = re.compile(
    r"\b(select .+ from|insert into|update \w+ set|delete from|create (table|role)|alter (table|role)) ",
    re.IGNORECASE | re.DOTALL,
)


def room(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    def inside(node: ast.AST, name: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from inside(child, f"{name}.{child.name}")
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}.{child.name}", child
                yield from inside(child, f"{name}.{child.name}")

    yield from inside(ast.parse(path.read_text()), room(path))


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]


def strings(node: ast.AST) -> str:
    return " ".join(
        part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


@pytest.mark.parametrize("path", FILES, ids=room)
def test_a_file_can_be_read_in_one_sitting(path: Path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", FILES, ids=room)
def test_a_function_can_be_seen_at_once(path: Path):
    for name, function in functions(path):
        lines = (function.end_lineno or 0) - function.lineno + 1
        most = LONGEST_FUNCTION_LINES if name in WHOLE_PATHS else MOST_FUNCTION_LINES
        assert lines <= most, f"{name} has {lines} lines"


@pytest.mark.parametrize("path", [path for path in FILES if not path.name.startswith("store")], ids=room)
def test_sql_stands_only_in_stores_and_in_db(path: Path):
    if room(path).startswith("db."):
        return
    tree = ast.parse(path.read_text())
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            assert not SQL.search(node.value), f"{room(path)}: {node.value[:60]!r}"


@pytest.mark.parametrize("path", STORES, ids=room)
def test_a_store_names_whose_rows_it_touches(path: Path):
    constants = {
        target.id: strings(node.value)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name, function in functions(path):
        short = name.rpartition(".")[2]
        if short.startswith("_") or name in ROUTED:
            continue
        taken = arguments(function)
        assert "organization_id" in taken or "tenant_id" in taken, f"{name} takes no organization or tenant"
        named = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        said = strings(function) + " ".join(text for constant, text in constants.items() if constant in named)
        assert re.search(r"organization_id|\bid = \$1|values", said), f"{name} does not name its organization in SQL"


def test_every_exception_of_a_store_still_exists():
    known = {name for path in STORES for name, _ in functions(path)}
    assert set(ROUTED) <= known


@pytest.mark.parametrize("path", SERVICES, ids=room)
def test_a_service_is_told_who_calls(path: Path):
    if room(path) in STEPS:
        return
    for name, function in functions(path):
        short = name.rpartition(".")[2]
        if short.startswith("_") or name in CALLERLESS or name.count(".") != 3 or _is_property(function):
            continue
        assert "caller" in arguments(function), f"{name} takes no caller"


def _is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(decorator, ast.Name) and decorator.id == "property" for decorator in function.decorator_list)


@pytest.mark.parametrize("path", FILES, ids=room)
def test_a_slices_rows_are_reached_through_its_own_room_alone(path: Path):
    own = room(path).partition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("devmesh."):
            imported = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
            for module in imported:
                parts = module.split(".")
                if any(part.startswith("store") for part in parts[2:3]):
                    assert parts[1] == own, f"{room(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=room)
def test_the_web_framework_stays_where_requests_come_in(path: Path):
    name = room(path)
    if name == "app" or name.startswith("http.") or name.endswith(".routes"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not any(module.partition(".")[0] == "litestar" for module in imported), name


@pytest.mark.parametrize("path", FILES, ids=room)
def test_imports_stand_at_the_top(path: Path):
    for name, function in functions(path):
        inner = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not inner, f"{name} imports in its body"
