"""What stands at the one address of run.sh: nginx where it works, else gunicorn itself.

`nginx` prepares the first, `wsgi` is the second as a WSGI app; both serve the same. Used by
run.py; `python -m scripts.front DIR` renders into DIR for `nginx -t` (test.sh).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

CLONE = Path(__file__).resolve().parent.parent
MINIAPP = CLONE / "calendar_app" / "miniapp"
NGINX = CLONE / "nginx"
NOT_FILES = ("/api/", "/health", "/feed/", "/telegram/", "/metrics")

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def nginx(run_dir: Path, http_port: int, simulator_port: int | None) -> list[str] | None:
    """The command that starts nginx in `run_dir`, or None where there is none that works."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    found = shutil.which("nginx", path=path)
    if found is None or os.environ.get("RUN_WITHOUT_NGINX") == "1":
        return None
    conf = render_nginx(run_dir, http_port, simulator_port)
    command = [found, "-e", "stderr", "-p", f"{run_dir}/", "-c", str(conf)]
    test = subprocess.run([*command, "-t", "-q"], cwd=run_dir, capture_output=True, text=True)  # noqa: S603
    if test.returncode != 0:
        print(f"nginx does not work here, gunicorn takes its place: {test.stderr.strip()}")
        return None
    return command


def render_nginx(run_dir: Path, http_port: int, simulator_port: int | None) -> Path:
    """Write nginx.conf, and the folders it names, into `run_dir`; returns its path."""
    values = {"@HTTP_PORT@": http_port, "@SIMULATOR_PORT@": simulator_port}
    lines = (NGINX / "run.conf.template").read_text().splitlines()
    settings = [line for line in lines if not line.startswith("#")]
    text = "\n".join(filled for line in settings if (filled := _filled(line, values)) is not None)
    if "@" in text:
        raise ValueError("nginx/run.conf.template: a placeholder is left")
    (run_dir / "nginx-temp").mkdir(parents=True, exist_ok=True)
    (run_dir / "nginx-access.log").unlink(missing_ok=True)
    (run_dir / "clone").unlink(missing_ok=True)
    (run_dir / "clone").symlink_to(CLONE)
    target = run_dir / "nginx.conf"
    target.write_text(text + "\n")
    return target


def _filled(line: str, values: dict[str, int | None]) -> str | None:
    """The line with its values, or None if it has a placeholder that has no value."""
    for name, value in values.items():
        if name in line and value is None:
            return None
        line = line.replace(name, str(value))
    return line


def wsgi(simulator_port: int | None = None) -> WSGIApp:
    """The API with the Mini App and the simulator around it, as nginx would serve them."""
    from werkzeug.middleware.http_proxy import ProxyMiddleware
    from werkzeug.middleware.shared_data import SharedDataMiddleware

    from calendar_app.api import create_app

    app = create_app()
    files = SharedDataMiddleware(app, {"/": str(MINIAPP)}, cache=False)
    miniapp = _miniapp(files, app)
    if simulator_port is None:
        return miniapp
    simulator = {"/simulator/": {"target": f"http://127.0.0.1:{simulator_port}"}}
    return ProxyMiddleware(miniapp, simulator, timeout=60)


def _miniapp(files: WSGIApp, app: WSGIApp) -> WSGIApp:
    """Mini App files get the headers that nginx gives them."""
    headers = [*_miniapp_headers(), ("Cache-Control", "no-cache")]
    names = {name for name, _ in headers}

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or path.startswith(NOT_FILES):
            return app(environ, start_response)

        def start(status: str, given: list[tuple[str, str]], *exc_info: Any) -> Any:
            others = [header for header in given if header[0] not in names]
            return start_response(status, others + headers, *exc_info)

        environ["PATH_INFO"] = "/index.html" if path == "/" else path
        return files(environ, start)

    return answer


def _miniapp_headers() -> list[tuple[str, str]]:
    """The add_header lines of the Mini App: they stand once, in nginx/locations.conf."""
    text = (NGINX / "locations.conf").read_text()
    location = text[text.index("location / {") :].partition("\n}")[0]
    return re.findall(r'add_header (\S+) "([^"]*)" always;', location)


if __name__ == "__main__":
    print(render_nginx(Path(sys.argv[1]).absolute(), http_port=8080, simulator_port=8081))
