# SPDX-License-Identifier: MIT
# Sourced by ./quickstart and ./check: install_packages PACKAGE... installs what is missing.
# A package is named as Debian does; fedora_name knows the other spelling.

fedora_name() {
  case $1 in
    build-essential) echo "gcc make" ;;
    ninja-build) echo ninja-build ;;
    pkg-config) echo pkgconf-pkg-config ;;
    libjansson-dev) echo jansson-devel ;;
    libssl-dev) echo openssl-devel ;;
    libcurl4-openssl-dev) echo libcurl-devel ;;
    libarchive-dev) echo libarchive-devel ;;
    libgit2-dev) echo libgit2-devel ;;
    zlib1g-dev) echo zlib-devel ;;
    liblzma-dev) echo xz-devel ;;
    libzstd-dev) echo libzstd-devel ;;
    libdeflate-dev) echo libdeflate-devel ;;
    librnp-dev) echo librnp-devel ;;
    libexpat1-dev) echo expat-devel ;;
    libcmocka-dev) echo libcmocka-devel ;;
    libarchive-tools) echo bsdtar ;;
    createrepo-c) echo createrepo_c ;;
    gpg | gpgv | gpg-agent) echo gnupg2 ;;
    debian-archive-keyring) echo debian-keyring ;;
    python3-jsonschema) echo python3-jsonschema ;;
    rpm) echo "rpm rpm-build rpm-sign" ;;
    xz-utils) echo xz ;;
    libclang-rt-*-dev) echo compiler-rt ;;
    clang-format-19 | clang-tidy-19) echo clang19-tools-extra ;;
    gcc-*-linux-gnu* | libc6-dev-*-cross | apt-utils | iproute2) ;;
    golang-github-containers-common | libdevmapper1.02.1 | libseccomp2) ;;
    *) echo "$1" ;;
  esac
}

# Ends here, where the sentence is still seen, if as_root cannot work.
need_root() { # PACKAGE...
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || {
    echo "error: these packages are missing, and neither root nor sudo is here to install them: $*" >&2
    exit 1
  }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt_missing() {
  for p in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -q '^installed$' || echo "$p"
  done
}

install_packages() {
  if command -v apt-get >/dev/null; then
    missing=$(apt_missing "$@")
    [ -n "$missing" ] || return 0
    need_root $missing
    echo "installing with apt-get:" $missing
    # sudo asks for a password here, and not where its question would be lost.
    as_root true || exit
    # A package list that is there may do; one that is not, or is stale, is fetched.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 ||
      { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
          apt-get install -qq -y --no-install-recommends $missing >/dev/null; }
  elif command -v dnf >/dev/null; then
    names=$(for p in "$@"; do fedora_name "$p"; done)
    missing=$(for p in $names; do rpm -q --quiet --whatprovides "$p" || echo "$p"; done)
    [ -n "$missing" ] || return 0
    need_root $missing
    echo "installing with dnf:" $missing
    as_root dnf install -q -y --setopt=install_weak_deps=False $missing
  else
    echo "error: neither apt-get nor dnf is here; install what docs/dependencies.md lists" >&2
    exit 1
  fi
}

has_node_20() {
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

# The packages of tests/package.json, as its lock file pins them. They need Node.js 20; where the
# distribution has an older one, that of tests/support/node is put into PATH.
install_node_packages() {
  command -v npm >/dev/null || install_packages nodejs npm
  if ! has_node_20; then
    PATH=$PWD/tests/support/node/node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')/bin:$PATH
    if ! has_node_20; then
      echo "installing with npm: Node.js 20"
      npm --prefix tests/support/node ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
        hash -r && has_node_20 || { echo "warning: there is no Node.js 20; tests that need it will be skipped"; return 0; }
    fi
  fi
  [ tests/node_modules/.package-lock.json -nt tests/package-lock.json ] && return 0
  echo "installing with npm: what tests/package.json lists"
  npm --prefix tests ci --ignore-scripts --no-audit --no-fund --loglevel=error
}

# build_packages: what the program is built with, and what it runs.
build_packages() {
  echo build-essential cmake ninja-build pkg-config ca-certificates libjansson-dev libssl-dev \
    libcurl4-openssl-dev libarchive-dev zlib1g-dev libdeflate-dev liblzma-dev libzstd-dev librnp-dev \
    libexpat1-dev libgit2-dev gpgv debian-archive-keyring
}

# cross_packages [PREFIX...]: the compilers that build the registrar for every host but this one,
# or for the named ones.
cross_packages() {
  here=$(dpkg --print-architecture 2>/dev/null || echo amd64)
  for pair in x86-64-linux-gnu:amd64 aarch64-linux-gnu:arm64 powerpc64le-linux-gnu:ppc64el \
    s390x-linux-gnu:s390x riscv64-linux-gnu:riscv64 arm-linux-gnueabihf:armhf \
    arm-linux-gnueabi:armel i686-linux-gnu:i386 mips64el-linux-gnuabi64:mips64el \
    mipsel-linux-gnu:mipsel; do
    case " ${*:-${pair%:*}} " in *" ${pair%:*} "*) ;; *) continue ;; esac
    [ "${pair#*:}" = "$here" ] || echo "gcc-${pair%:*} libc6-dev-${pair#*:}-cross"
  done
}
