"""gunicorn's settings, for run.sh and systemd alike: `-c python:calendar_app.gunicorn_config`."""

import sys

from calendar_app import logs
from calendar_app.config import EX_CONFIG, ConfigError, load

try:
    _config = load()
except ConfigError as error:
    print(error, file=sys.stderr)
    sys.exit(EX_CONFIG)

worker_class = "gthread"
workers = _config.web_workers
threads = _config.web_threads
preload_app = True
# nginx keeps its connections open: a third less work per request.
keepalive = 75
timeout = 30
graceful_timeout = 20
# A worker's sign of life is a file that is touched: never on a disk that may be full or slow.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# Otherwise gunicorn opens a second socket in the home folder.
control_socket_disable = True
# nginx writes the access log.
accesslog = None
logconfig_dict = logs.settings(_config.log_level)
limit_request_line = 8190
# A unix socket has no address to trust or not; the access rights of the file decide.
forwarded_allow_ips = "*"
proc_name = "birthday-calendar-web"
