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

# need_unpacked PACKAGE...: makes sure that the files of Debian packages are in target/tools/PACKAGE. They are
# never installed: time daemons and DHCP clients would push out the machine's own, and be started on it.
need_unpacked() {
  local folder=$PWD/target/tools package work missing=()
  for package in "$@"; do
    [[ -e $folder/$package.depends ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  can_install || return 1
  say "unpacking into target/tools: ${missing[*]}"
  update_lists || return 1
  mkdir -p "$folder"
  for package in "${missing[@]}"; do
    work=$(mktemp -d "$folder/.new.XXXXXX") || return 1
    (
      cd "$work" && apt-get -o APT::Sandbox::User=root download -qq "$package" && dpkg-deb -x ./*.deb files \
        && dpkg-deb -f ./*.deb Depends >depends && rm -rf "${folder:?}/$package" \
        && mv files "$folder/$package" && mv depends "$folder/$package.depends"
    ) || {
      rm -rf "$work"
      return 1
    }
    rm -rf "$work"
  done
}

# need_libraries PACKAGE...: installs the libraries that unpacked packages are linked with.
need_libraries() {
  local package name depends missing=()
  for package in "$@"; do
    depends=$(<"$PWD/target/tools/$package.depends") || return 1
    for name in ${depends//,/ }; do
      [[ $name == lib* ]] || continue
      dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
  done
  [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

# Makes sure that there is a chronyd, unpacked if the machine has none.
need_chrony() {
  local folder=$PWD/target/tools
  export PATH=$PATH:$folder/chrony/usr/sbin:$folder/chrony/usr/bin
  ! command -v chronyd >/dev/null || return 0
  need_unpacked chrony && need_libraries chrony
}
