#!/usr/bin/env bash
# Shared by run.sh and test.sh, which source it: the clone's folder, die, and the clone's .venv.
# .venv/stamp tells what is installed. It is empty while an install runs, so one that was cut off
# is seen and done anew; where it matches, nothing is installed and no network is touched.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
STAMP=$VENV/stamp

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# Runs a command that must not outlive this script: a process group that a signal to us ends.
owned() {
	local code=0
	set -m
	"$@" </dev/null &
	OWNED=$!
	set +m
	trap 'kill -TERM -- "-$OWNED"; exit 143' INT TERM HUP
	wait "$OWNED" || code=$?
	trap - INT TERM HUP
	return "$code"
}

# Prints the first Python that can make the .venv, or says what to install.
find_python() {
	local python newest=""
	for python in python3 python3.14 python3.13 python3.12 python3.11; do
		"$python" -c '' 2>/dev/null || continue
		newest=${newest:-$python}
		"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue
		newest=$python
		"$python" -c 'import ensurepip, venv' 2>/dev/null && echo "$python" && return
	done
	[[ -n $newest ]] || die "Python is missing: install python3 (3.11 or newer) and python3-venv."
	"$newest" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
		die "$("$newest" -V) is too old: install Python 3.11 or newer with its venv module."
	die "$("$newest" -V) has no venv module: install the package python3-venv (apt install python3-venv)."
}

# The stamp's lines for these requirement files, as the .venv's own Python would have them.
wanted_stamp() {
	"$VENV/bin/python" -V 2>/dev/null && (cd "$ROOT" && sha256sum -- "$@")
}

# Whether all that these files name is installed, perhaps along with more.
venv_matches() {
	local wanted
	[[ -s $STAMP ]] && wanted=$(wanted_stamp "$@") || return 1
	! grep -qvxFf "$STAMP" <<<"$wanted"
}

# What a cut-off install, or a Python that is gone, left behind is of no use.
clear_broken_venv() {
	[[ -d $VENV ]] || return 0
	if [[ -e $STAMP && ! -s $STAMP ]] || ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
		find "$VENV" -mindepth 1 ! -path "$STAMP" -delete
	fi
}

make_venv() {
	local python
	[[ ! -x $VENV/bin/python ]] || return 0
	python=$(find_python)
	owned "$python" -m venv "$VENV" || die "$python could not make $VENV (its reason is above)."
}

install_requirements() {
	local file files=()
	for file in "$@"; do files+=(-r "$ROOT/$file"); done
	owned "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: "${files[@]}" || die "pip could not install $* (its reason is above)."
}

install_venv() {
	echo "Installing $* into $VENV (needed once) ..."
	clear_broken_venv
	mkdir -p "$VENV"
	: >"$STAMP"
	make_venv
	install_requirements "$@"
	wanted_stamp "$@" >"$STAMP.new"
	mv "$STAMP.new" "$STAMP"
}

# ensure_venv FILE...: the .venv holds what these requirement files name. One run at a time.
ensure_venv() {
	! venv_matches "$@" || return 0
	exec 9<"$ROOT"
	owned flock 9
	venv_matches "$@" || install_venv "$@"
	exec 9<&-
}
