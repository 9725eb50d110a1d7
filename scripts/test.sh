#!/usr/bin/env bash
# Installs what the tests need and runs them all: see scripts/README.md.
#   ./scripts/test.sh [--full] [pytest's own arguments, such as tests/test_run.py]
set -euo pipefail

# shellcheck source=scripts/venv.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/venv.sh"

# An ordinary user's PATH has no sbin, where nginx is.
PATH=$PATH:/usr/sbin:/sbin

# The system packages that tests need, each with what is left out without it.
declare -A PACKAGES=(
	["chromium"]="the browser tests"
	["fonts-noto-color-emoji"]="emoji in screenshots and on cards"
	["fonts-noto-core"]="the tests of cards"
	["fonts-noto-cjk"]="Chinese, Japanese and Korean on cards"
	["fonts-dejavu-core"]="the tests of cards with one font only"
	["gcc"]="the tests of clocks that jump"
	["libc6-dev"]="the tests of clocks that jump"
	["libfribidi0"]="Arabic and Hebrew on cards"
	["logrotate"]="the tests of rotation"
	["nginx-light"]="the check of nginx's configuration, and run.sh behind nginx"
	["openssl"]="the tests of the production site"
	["postgresql"]="the tests on PostgreSQL"
	["shellcheck"]="the check of the shell scripts for mistakes"
	["shfmt"]="the check of the shell scripts' format"
	["mmdebstrap"]="the tests on booted machines"
	["systemd-container"]="the tests on booted machines"
	["wrk"]="the tests on booted machines"
	["python3-venv"]="everything, unless there is a .venv"
)
LEFT_OUT=()
FAILED=()

# Whether what the package gives is here, also where another package gave it.
present() {
	case $1 in
	nginx-light) command -v nginx ;;
	chromium | shellcheck | shfmt | mmdebstrap | wrk) command -v "$1" ;;
	postgresql) compgen -G '/usr/lib/postgresql/*/bin/postgres' ;;
	python3-venv) python3 -c 'import ensurepip, venv' ;;
	*) dpkg-query -W -f '${Status}' "$1" | grep -q ' installed' ;;
	esac >/dev/null 2>&1
}

missing_packages() {
	local package
	for package in "${!PACKAGES[@]}"; do
		present "$package" || echo "$package"
	done | sort
}

# Packages one by one if all at once fails: one that this release lacks must not stop the others.
install_packages() {
	local package install=(apt-get install -y -q --no-install-recommends)
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q || echo "apt-get update failed; trying with what is known."
	"${install[@]}" "$@" && return
	for package in "$@"; do "${install[@]}" "$package" || true; done
}

prepare_system() {
	local missing package
	mapfile -t missing < <(missing_packages)
	if [[ ${#missing[@]} -gt 0 && $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
		install_packages "${missing[@]}"
		mapfile -t missing < <(missing_packages)
	fi
	for package in "${missing[@]}"; do
		LEFT_OUT+=("${PACKAGES[$package]} (the package $package is not installed)")
	done
	[[ $EUID -eq 0 ]] || LEFT_OUT+=("the tests on booted machines (they need root)")
}

report_left_out() {
	[[ ${#LEFT_OUT[@]} -gt 0 ]] || return 0
	printf 'Left out: %s\n' "${LEFT_OUT[@]}"
	[[ ${CI:-} != true ]] || die "With CI=true nothing may be left out: install what is named above."
	[[ $EUID -eq 0 ]] || echo "As root, test.sh installs these on Debian and Ubuntu by itself."
}

# check NAME COMMAND...: a failure is named and remembered, and the rest goes on.
check() {
	local name=$1
	shift
	echo "== $name"
	"$@" || FAILED+=("$name")
}

shell_files() {
	find .ci/run scripts -type f \( -name '*.sh' -o -path .ci/run \)
}

check_shell() {
	local files
	mapfile -t files < <(shell_files)
	! command -v shellcheck >/dev/null || check shellcheck shellcheck -x "${files[@]}"
	! command -v shfmt >/dev/null || check shfmt shfmt -d "${files[@]}"
}

check_nginx() {
	local folder
	command -v nginx >/dev/null || return 0
	folder=$(mktemp -d)
	"$VENV/bin/python" -m scripts.front "$folder" >"$folder/rendered"
	check nginx env -C "$folder" nginx -t -q -e stderr -p "$folder/" -c "$folder/nginx.conf"
	rm -r "$folder"
}

# Whole files side by side, as their tests share what they set up: more than there are cores, as
# many wait for a service; in the order of their names, as by size all that wait would come last.
# A booted machine needs the cores for itself.
run_all() {
	local code=0
	"$VENV/bin/python" -m pytest -rs -n 4 --dist loadfile --no-loadscope-reorder \
		--ignore tests/system || code=$?
	"$VENV/bin/python" -m pytest -rs tests/system || code=$?
	return "$code"
}

run_pytest() {
	local code=0
	echo "== pytest"
	if [[ $# -eq 0 ]]; then
		run_all || code=$?
	else
		"$VENV/bin/python" -m pytest -rs "$@" || code=$?
	fi
	[[ ${#FAILED[@]} -eq 0 ]] || die "Failed before pytest: ${FAILED[*]}"
	return "$code"
}

main() {
	if [[ ${1-} == --full ]]; then
		shift
		export FULL=1
	fi
	prepare_system
	report_left_out
	ensure_venv requirements.txt tests/requirements.txt
	cd "$ROOT"
	check "ruff check" "$VENV/bin/ruff" check --quiet .
	check "ruff format" "$VENV/bin/ruff" format --quiet --check .
	check_shell
	check_nginx
	run_pytest "$@"
}

main "$@"
