#!/usr/bin/env bash
# Installs Birthday Calendar on this machine, upgrades it, takes it away: see scripts/README.md.
set -euo pipefail

ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd -P)
START='import sys; sys.path.insert(0, sys.argv.pop(1)); from scripts.installer import install; install.main()'

# The system's own Python, not one from a PATH: it will run the service for years.
find_python() {
	local python
	for python in /usr/bin/python3 /usr/bin/python3.1[1-9]; do
		[[ -x $python ]] || continue
		"$python" -Ic 'import sys; sys.exit(sys.version_info < (3, 11))' && echo "$python" && return
	done
	echo "Python 3.11 or newer is missing: apt-get install python3 python3-venv" >&2
	return 1
}

main() {
	local python
	python=$(find_python)
	# -B: nothing is written into the clone, which may be somebody's home folder.
	exec "$python" -IB -c "$START" "$ROOT" "$@"
}

main "$@"
