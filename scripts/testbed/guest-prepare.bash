# What "guest" runs from, made once and kept in the cache; sourced by it.
# shellcheck shell=bash

# Everything comes from Debian's mirror as packages, and is unpacked in the cache: no package is
# installed, no file outside of it is written, and the versions are those of the releases below,
# whatever this machine has. "here" (this folder) and "cache" come from guest.
: "${here:?}" "${cache:?}"

release=bookworm
# Where those come from that must be newer than the release's: Linux 6.12, and QEMU 10 for its igb.
newer=$release-backports
newer_packages='linux-* qemu-* seabios'

# What runs here, and what is copied into the machine with the libraries it needs.
outside_packages=(qemu-system-x86 cpio kmod)
inside_packages=(busybox-static bash chrony ethtool iproute2 jq linuxptp strace tcpdump)
inside_programs=(bash chronyc chronyd ethtool hwstamp_ctl ip jq phc2sys phc_ctl pmc ptp4l strace tc
  tcpdump)
# Opened at run time, so that no program names it.
inside_libraries=(libgcc_s.so.1)

# Modules for the machine; those they need come along. The networks' for scripts that build more than
# two namespaces with a pair of NICs.
inside_modules=(
  virtio_pci virtio_console 9p 9pnet_virtio
  igb e1000e vmxnet3 virtio_net
  veth bridge bonding macvlan 8021q ifb
  sch_netem sch_fq sch_prio sch_etf sch_ingress cls_u32 act_mirred
  ptp_kvm
)

tools=$cache/tools
kernel=$cache/kernel
headers=$cache/headers

# unavailable WHY: this machine lacks what it takes; the status by which a test knows.
unavailable() {
  printf 'guest: %s\n' "$*" >&2
  exit 77
}

# The C compiler builds for this machine and the emulated one alike.
need_outside() {
  local entry missing=()
  [[ $(uname -m) == x86_64 ]] || unavailable "the emulated machine and its tools are for x86_64"
  command -v apt-get >/dev/null || unavailable "needs Debian: its packages make the machine"
  for entry in dpkg-deb:dpkg cc:gcc make:make; do
    command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
  done
  [[ -e /usr/include/stdio.h ]] || missing+=(libc6-dev)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ -n ${install:-}${CI:-} ]] && can_install; then
    install_packages "${missing[@]}" || unavailable "could not install: ${missing[*]}"
  else
    unavailable "missing: ${missing[*]}" \
      "(as root: apt-get install ${missing[*]}, or guest prepare --install)"
  fi
}

# own_apt COMMAND...: one of apt's commands in a world of its own, see write_own_apt.
own_apt() {
  APT_CONFIG=$apt/apt.conf "$@"
}

# Sources, lists and a state, in which nothing is installed, for own_apt. Of the machine's settings only
# how to reach its mirror counts: others would run hooks, or pin what we ask for.
write_own_apt() {
  local mirror=$1 key=/usr/share/keyrings/debian-archive-keyring.gpg
  # For us alone: a proxy's password may be among the settings.
  install -d -m 700 "$apt"
  mkdir -p "$apt"/{state/lists/partial,cache/archives/partial}
  : >"$apt/state/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$key" "$mirror" $release "$key" "$mirror" $newer \
    >"$apt/sources.list"
  printf 'Package: %s\nPin: release n=%s\nPin-Priority: 990\n' "$newer_packages" $newer \
    >"$apt/preferences"
  apt-config dump | grep '^Acquire::' | grep -v '^Acquire::Languages' >"$apt/apt.conf"
  # As who we are: the user _apt may not enter everybody's cache.
  cat >>"$apt/apt.conf" <<TEXT
quiet "2";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
APT::Sandbox::User "";
Dir::Cache "$apt/cache";
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "$apt/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
TEXT
}

# The mirror this machine already uses for Debian's main archive, whichever release it runs.
mirror() {
  apt-get update --print-uris | sed -nE \
    "s#^'(.*)/dists/($release|trixie|forky|sid|stable|oldstable|testing|unstable)/InRelease'.*#\1#p" \
    | head -n 1
}

# unpack FOLDER PACKAGE_FILE...
#
# Into one /usr, as on a machine, whether a package was built for that or not.
unpack() {
  local folder=$1 file directory
  shift
  for directory in bin sbin lib lib64; do
    mkdir -p "$folder/usr/$directory"
    [[ -e $folder/$directory ]] || ln -s "usr/$directory" "$folder/$directory"
  done
  for file in "$@"; do
    # Without the owners, which only root could give.
    dpkg-deb --fsys-tarfile "$file" \
      | tar -x --no-same-owner --keep-directory-symlink -C "$folder" || return 1
  done
}

fetch_tools() {
  local archives=$apt/cache/archives
  # Of an earlier attempt: what has been replaced on the mirror since.
  own_apt apt-get --yes autoclean
  own_apt apt-get install --yes --download-only "${outside_packages[@]}" "${inside_packages[@]}" \
    || return 1
  unpack "$1" "$archives"/*.deb
}

# kernel_version: that of the newest kernel, as its package and modules are named.
kernel_version() {
  own_apt apt-cache show --no-all-versions linux-image-amd64 \
    | sed -nE 's/^Depends: linux-image-([^ ]+).*/\1/p'
}

# fetch_kernel VERSION: image, modules, and what it takes to build another module.
fetch_kernel() {
  local version=$1 abi=${1%-amd64} downloads=$apt/kernel
  mkdir -p "$downloads"
  # "download" fetches what is named and nothing it depends on.
  (
    cd "$downloads" && own_apt apt-get download "linux-image-$version" "linux-headers-$version" \
      "linux-headers-$abi-common" "linux-kbuild-$abi"
  ) || return 1
  unpack "$2" "$downloads/linux-image-$version"_*.deb || return 1
  unpack "$3" "$downloads/linux-headers-$version"_*.deb "$downloads/linux-headers-$abi-common"_*.deb \
    "$downloads/linux-kbuild-$abi"_*.deb || return 1
  # It looks for its other half where it would be installed.
  sed -i "s#^include /usr/src/#include $headers/usr/src/#" \
    "$3/usr/src/linux-headers-$version/Makefile"
  printf '%s\n' "$version" >"$2/version"
}

fetch_packages() {
  # Kept until all is there, so that an attempt that was ended is gone on with.
  local apt=$cache/apt new mirror version
  new=$(mktemp -d "$cache/new.XXXXXX")
  say "fetching a kernel, QEMU and tools from Debian's mirror into $cache"
  mirror=$(mirror)
  [[ -n $mirror ]] || unavailable "apt knows no mirror of Debian's main archive"
  write_own_apt "$mirror"
  own_apt apt-get update || unavailable "the mirror gave no lists of $release and $newer"
  version=$(kernel_version) || true
  [[ -n $version ]] || unavailable "there is no linux-image-amd64 in $newer"
  fetch_tools "$new/tools" || unavailable "could not fetch and unpack QEMU and the tools"
  fetch_kernel "$version" "$new/kernel" "$new/headers" \
    || unavailable "could not fetch and unpack Linux $version"
  rm -rf "$tools" "$kernel" "$headers"
  mv "$new"/{tools,kernel,headers} "$cache"
  rm -rf "$apt" "$new"
}

# outside PROGRAM ARGUMENT...: runs an unpacked program, with the libraries that were unpacked with it.
outside() {
  local program=$1
  shift
  "$tools/lib64/ld-linux-x86-64.so.2" --argv0 "$program" --library-path "$library_path" \
    "$(find_program "$program")" "$@"
}

library_path=$tools/usr/lib/x86_64-linux-gnu

# find_program NAME: where it was unpacked. A link that begins with / means the unpacked root.
find_program() {
  local file target
  for file in "$tools"/usr/{bin,sbin}/"$1"; do
    while [[ -L $file ]]; do
      target=$(readlink "$file")
      if [[ $target == /* ]]; then
        file=$tools$target
      else
        file=$(dirname "$file")/$target
      fi
    done
    if [[ -e $file ]]; then
      printf '%s\n' "$file"
      return
    fi
  done
  die "$1 is in none of the packages"
}

build_module() {
  local build=$cache/hwveth version
  version=$(<"$kernel/version")
  say "building hwveth.ko for Linux $version"
  rm -rf "$build"
  cp -r "$here/hwveth" "$build"
  # Without debugging data: it would take pahole and the kernel's own, and is of no use here.
  make -s -C "$headers/usr/src/linux-headers-$version" "M=$build" CONFIG_DEBUG_INFO= \
    CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$build.log" 2>&1 \
    || die "hwveth.ko was not built: $(cat "$build.log")"
}

# copy_inside PROGRAM: with its libraries, under the same names.
copy_inside() {
  local program library
  program=$(find_program "$1")
  cp "$program" "$root/usr/bin/$1"
  while read -r library; do
    cp -Ln "$library" "$root/usr/lib/x86_64-linux-gnu/"
  done < <("$tools/lib64/ld-linux-x86-64.so.2" --library-path "$library_path" --list "$program" \
    | sed -nE "s#.* ($tools/[^ ]+) .*#\1#p")
}

copy_modules() {
  local version=$1 module path
  outside depmod -b "$kernel" "$version" || return 1
  for module in "${inside_modules[@]}"; do
    outside modprobe -d "$kernel" -S "$version" --show-depends "$module" || return 1
  done | sed -nE 's/^insmod ([^ ]+).*/\1/p' | sort -u | while read -r path; do
    install -D -m 644 "$path" "$root/lib/modules/$version/${path#*/lib/modules/"$version"/}"
  done || return 1
  cp "$kernel/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} \
    "$root/lib/modules/$version/"
  # Unpacked once here rather than slowly there.
  find "$root/lib/modules" -name '*.xz' -exec xz -d {} +
  outside depmod -b "$root" "$version"
}

build_image() {
  local root version program
  version=$(<"$kernel/version")
  say "building the machine's file system"
  root=$(mktemp -d "$cache/root.XXXXXX")
  # What becomes / is open to those that are not root, chronyd's own user for one.
  chmod 755 "$root"
  mkdir -p "$root"/{dev,etc,job,out,proc,root,run,sys,tmp} "$root"/usr/{bin,sbin,lib,lib64} \
    "$root"/usr/lib/x86_64-linux-gnu "$root"/var/lib/chrony
  for program in bin sbin lib lib64; do ln -s "usr/$program" "$root/$program"; done
  ln -s /run "$root/var/run"
  cp "$(find_program busybox)" "$root/usr/bin/busybox"
  cp -L "$tools/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
  for program in "${inside_programs[@]}"; do copy_inside "$program"; done
  for program in "${inside_libraries[@]}"; do
    cp -L "$library_path/$program" "$root/usr/lib/x86_64-linux-gnu/"
  done
  # The tables of netem's distributions.
  cp -r "$tools"/usr/lib/tc "$root/usr/lib/" 2>/dev/null || true
  copy_modules "$version" || die "the modules of Linux $version are not complete"
  cp "$cache/hwveth/hwveth.ko" "$root/lib/"
  cc -O2 -Wall -static -o "$root/usr/bin/reference" "$here/inside/reference.c" \
    || die "reference.c was not built"
  install -m 755 "$here/inside/init" "$root/init"
  printf 'root:x:0:0:root:/root:/bin/sh\n_chrony:x:100:100::/var/lib/chrony:/bin/false\n' \
    >"$root/etc/passwd"
  printf 'root:x:0:\n_chrony:x:100:\n' >"$root/etc/group"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  # Not compressed: the emulated processor would be slower at that than this one is at reading.
  pack "$root" >"$cache/image.cpio.new"
  mv "$cache/image.cpio.new" "$cache/image.cpio"
  rm -rf "$root"
}

# pack FOLDER: as an archive that the kernel unpacks, owned by root whoever made it.
pack() {
  (cd "$1" && find . | sort | outside cpio --create --format=newc --owner=0:0 --quiet)
}

# stage NAME KEY CMD...: runs a command unless it has run with this key before.
stage() {
  local mark=$cache/$1.made key=$2
  shift 2
  [[ $(cat "$mark" 2>/dev/null) != "$key" ]] || return 0
  rm -f "$mark"
  "$@"
  printf '%s\n' "$key" >"$mark"
}

# Each stage begins with what it is made of: a change makes it and those after it anew.
prepare() {
  local packages module image
  # make takes paths apart at blanks and colons.
  [[ $cache != *[[:space:]:]* ]] || die "the cache's path may hold no blank and no colon: $cache"
  mkdir -p "$cache"
  # One at a time; the lock goes with this process.
  exec {lock}>"$cache/lock"
  flock "$lock"
  rm -rf "$cache"/{new,root}.??????
  packages=$(printf '%s ' $newer "${outside_packages[@]}" "${inside_packages[@]}")
  module=$(printf '%s' "$packages" | cat - "$here"/hwveth/* | sha256sum)
  image=$(printf '%s' "$module" | cat - "$here"/inside/{init,reference.c} "$here/guest-prepare.bash" \
    | sha256sum)
  if [[ $(cat "$cache/image.made" 2>/dev/null) != "$image" ]]; then
    need_outside
    stage packages "$packages" fetch_packages
    stage module "$module" build_module
    stage image "$image" build_image
  fi
  exec {lock}>&-
}
