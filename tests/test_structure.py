"""The rules of the house, kept by reading the code: who imports whom, how large things are."""

import ast
import graphlib
import statistics
import sys
from pathlib import Path

import pytest

from tests.world import ROOT

FOLDERS = ("calendar_app", "bot", "scripts")
FILES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text())
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
}
# The modules of calendar_app by name: `birthdays`, `operation.backups`; a package stands for its
# __init__.
APP = {
    ".".join(Path(name).with_suffix("").parts[1:]).removesuffix(".__init__"): name
    for name in FILES
    if name.startswith("calendar_app/") and "/migrations/" not in name
}
# What the lowest modules of calendar_app may import of it. Those named nowhere here are the
# domain: it may import all of these and each other.
GROUND = {
    "errors": set(),
    "notify": set(),
    "served": set(),
    "counting": set(),
    "dates": set(),
    "room": {"errors", "texts"},
    "embedded": set(),
    "database": {"embedded", "room"},
    "records": {"database"},
    "models": {"database", "records"},
    "config": {"dates"},
    "logs": {"config"},
    "texts": {"dates"},
    "entry": {"dates"},
    "fields": {"dates", "errors", "texts"},
}
ROUTES = {module for module in APP if module.startswith("routes")}
HTTP = {"web", "api", "openapi", "answers", "limits", "metrics", "gunicorn_config"} | ROUTES
OPERATION = {module for module in APP if module.split(".")[0] in {"operation", "doctor"}}
ABOVE = HTTP | OPERATION | {"auth", "backlog", "growers", "guard", "health", "opening", "__main__"}
DOMAIN = set(APP) - set(GROUND) - ABOVE - {"__init__"}
MIGRATIONS = [name for name in FILES if "/migrations/" in name]
BOT = [name for name in FILES if name.startswith("bot/")]
# Who alone may import a library.
LIBRARIES = {
    "flask": {APP[name] for name in ROUTES | {"web", "api"}},
    "telebot": set(BOT),
    "peewee": {
        APP[name] for name in DOMAIN | OPERATION | {"models", "records", "database", "embedded"}
    }
    | set(MIGRATIONS),
    "playhouse": {APP["database"]} | set(MIGRATIONS),
    "dotenv": {APP["config"]},
    "babel": {APP["texts"]},
    "itsdangerous": {APP["auth"]},
}


def imported(name):
    """Full names of all that a file imports, wherever in it: `calendar_app.dates`, `os.path`."""
    package = name.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(FILES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def own(name):
    """The modules of calendar_app that one of its files imports."""
    found = set()
    for source in imported(name):
        parts = source.split(".")[1:] if source.startswith("calendar_app.") else []
        names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        found |= set([module for module in names if module in APP][:1])
    return found


def libraries(name):
    return {source.split(".")[0] for source in imported(name)} - set(sys.stdlib_module_names)


def definitions(*kinds):
    for name, tree in FILES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield f"{name}:{node.lineno} {node.name}", node


FUNCTIONS = dict(definitions(ast.FunctionDef, ast.AsyncFunctionDef))
CLASSES = dict(definitions(ast.ClassDef))


def lines(function):
    return function.end_lineno - function.lineno + 1


def test_there_is_something_to_read():
    assert {"calendar_app/api.py", "bot/__main__.py", "scripts/run.py"} <= set(FILES)
    assert {"calendars", "birthdays", "reminders"} <= DOMAIN
    assert own("calendar_app/auth.py") >= {"calendars", "errors"}
    assert len(FUNCTIONS) > 200


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("calendar_app/")])
def test_the_app_knows_nothing_of_the_bot_or_what_starts_it(name):
    assert not libraries(name) & {"bot", "scripts", "tests"}


@pytest.mark.parametrize("name", FILES)
def test_nothing_that_is_installed_imports_tests(name):
    assert "tests" not in libraries(name)


@pytest.mark.parametrize("module", GROUND)
def test_the_ground_imports_only_what_lies_below_it(module):
    assert own(APP[module]) <= GROUND[module]


@pytest.mark.parametrize("module", ["errors", "dates"])
def test_errors_and_dates_need_nothing_but_the_standard_library(module):
    assert libraries(APP[module]) <= {"calendar_app"}


@pytest.mark.parametrize("module", sorted(DOMAIN))
def test_the_domain_knows_nothing_of_http(module):
    assert not own(APP[module]) & (HTTP | {"logs", "__main__"})


def test_no_module_imports_one_that_imports_it():
    graph = {module: own(name) - {module} for module, name in APP.items()}
    assert set(graphlib.TopologicalSorter(graph).static_order()) == set(APP)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_used_in_its_own_place_only(library):
    users = {name for name in FILES if library in libraries(name)}
    assert users
    assert users <= LIBRARIES[library]


def test_the_environment_is_read_in_config_only():
    readers = {
        name
        for name, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("os", "environ"), ("os", "getenv")}
    }
    readers |= {n for n in FILES if {"os.environ", "os.getenv"} & set(imported(n))}
    # notify must work where nothing else can be imported, config's libraries included.
    allowed = {APP["config"], APP["notify"]}
    assert {name for name in readers if not name.startswith("scripts/")} == allowed


@pytest.mark.parametrize("module", sorted(DOMAIN | set(GROUND)))
def test_the_domain_is_told_the_time_and_reads_no_clock(module):
    read = {
        node.attr
        for node in ast.walk(FILES[APP[module]])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node) in CLOCKS
    }  # fmt: skip
    assert not read
    assert not {"time.time", "time.monotonic"} & set(imported(APP[module]))


CLOCKS = {"time.time", "time.time_ns", "dt.date.today", "dt.datetime.now", "dt.datetime.utcnow"}


def test_half_of_all_functions_have_twelve_lines_at_most():
    assert statistics.median(map(lines, FUNCTIONS.values())) <= 12


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_does_one_thing(name):
    arguments = FUNCTIONS[name].args
    # self, cls and what is optional by name only are not counted; *args and **more are.
    named = [a.arg for a in arguments.posonlyargs + arguments.args]
    required = [d for d in arguments.kw_defaults if d is None]
    others = [a for a in (arguments.vararg, arguments.kwarg) if a]
    assert lines(FUNCTIONS[name]) <= 50
    assert len([a for a in named if a not in ("self", "cls")] + required + others) <= 6
    assert len([a for a in named if a not in ("self", "cls")] + required) <= 5


@pytest.mark.parametrize("name", FILES)
def test_a_module_says_what_it_hides_and_is_not_too_long(name):
    assert (ast.get_docstring(FILES[name]) or "").strip()
    # A migration is written once and never changes, so it may be as long as the schema is.
    assert name in MIGRATIONS or len((ROOT / name).read_text().splitlines()) <= 400


def public():
    """Classes, functions and methods that others may use, by where they stand."""
    for name, tree in FILES.items():
        if name in MIGRATIONS:
            continue
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, ast.ClassDef):
                yield f"{name} {node.name}", node
                # A method of somebody else's base class is described there.
                inside = node.body if not overrides(node) else ()
                yield from ((f"{name} {node.name}.{m.name}", m) for m in inside if is_function(m))
            elif is_function(node):
                yield f"{name} {node.name}", node


def overrides(node):
    bases = {ast.unparse(base) for base in node.bases}
    return bool(bases & {"logging.Formatter", "DefaultJSONProvider"})


def is_function(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


PUBLIC = {where: node for where, node in public() if not node.name.startswith("_")}


@pytest.mark.parametrize("where", [name for name in PUBLIC if not name.startswith("scripts/")])
def test_what_others_may_use_says_what_it_is(where):
    assert ast.get_docstring(PUBLIC[where])


BAD_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "service", "base"}
BAD_CLASSES = ("Service", "Manager", "Repository", "Factory", "Impl", "Helper", "Util", "Utils")


def test_names_say_what_a_thing_is():
    modules = {part for name in FILES for part in Path(name).with_suffix("").parts}
    assert not modules & BAD_MODULES
    assert [name for name in CLASSES if name.endswith(BAD_CLASSES)] == []
