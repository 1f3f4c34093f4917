# What scripts/check, scripts/test and scripts/bench share; sourced, not run.
# shellcheck shell=bash

# Bold where a person looks on, plain in a log.
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
fi

say() {
  printf '%s== %s%s\n' "$bold" "$*" "$plain"
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

can_install() {
  [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null
}

# install_packages PACKAGE...: by apt-get, and only additions: a package that would push another one
# out (chrony does so to systemd-timesyncd) is left to the owner of the machine.
install_packages() {
  say "installing with apt-get: $*"
  update_lists || return 1
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --no-install-recommends --no-remove "$@" \
    >/dev/null
}

apt=(apt-get -o DPkg::Lock::Timeout=300 -qq -y)

# The lists are fetched once a run, and only when something is missing.
update_lists() {
  [[ -z ${CLOCKFIT_APT_UPDATED:-} ]] || return 0
  "${apt[@]}" update || return 1
  export CLOCKFIT_APT_UPDATED=1
}

# need COMMAND PACKAGE...: makes sure that a command exists, or ends with how to get it.
need() {
  local command=$1
  shift
  command -v "$command" >/dev/null && return
  can_install || die "$command is missing; on Debian: apt-get install $*"
  install_packages "$@" || die "$command is missing and could not be installed: apt-get install $*"
}

# cargo, with a linker for it.
need_rust() {
  command -v cargo >/dev/null || die "cargo is missing; get stable Rust from https://rustup.rs"
  need cc gcc libc6-dev
}

# Makes sure that there is a chronyd, unpacked under target/tools if the machine has none. It is never
# installed: Debian would remove the machine's own time daemon for it, and start it to steer this
# machine's clock.
need_chrony() {
  local folder=$PWD/target/tools packages libraries=() name
  export PATH=$PATH:$folder/chrony/usr/sbin:$folder/chrony/usr/bin
  ! command -v chronyd >/dev/null || return 0
  can_install || return 1
  say "unpacking chrony into target/tools"
  update_lists || return 1
  mkdir -p "$folder"
  (cd "$folder" && rm -f chrony_*.deb && apt-get download -qq chrony) || return 1
  dpkg-deb -x "$folder"/chrony_*.deb "$folder/chrony" || return 1
  packages=$(dpkg-deb -f "$folder"/chrony_*.deb Depends)
  for name in ${packages//,/ }; do
    if [[ $name == lib* ]]; then libraries+=("$name"); fi
  done
  install_packages "${libraries[@]}"
}
