#!/usr/bin/env bash
# Starts Birthday Calendar from this clone and stops it on Ctrl-C: see scripts/README.md.
set -euo pipefail

# shellcheck source=scripts/venv.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/venv.sh"

# A VAR_DIR given by the user counts from where the user stands.
keep_var_dir() {
	[[ -z ${VAR_DIR-} ]] || VAR_DIR=$(realpath -m -- "$VAR_DIR")
	export VAR_DIR=${VAR_DIR:-$ROOT/var}
}

main() {
	[[ $# -eq 0 ]] || die "run.sh takes no arguments; it reads VAR_DIR, HTTP_PORT and .env."
	keep_var_dir
	ensure_venv requirements.txt
	cd "$ROOT"
	exec "$VENV/bin/python" -m scripts.run
}

main "$@"
