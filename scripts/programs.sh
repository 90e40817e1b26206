#!/usr/bin/env bash
# Install the programs that netty is tested against, by apt, where it may: as root or with a sudo that asks nothing.
# Where it may not, say what lacks and how to install it; the tests that need it then skip, with that reason.
# PROGRAMS_APT=no leaves apt alone.
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin

# program to look for, and the packages that bring it
table="dcmqrscp dcmtk
Orthanc orthanc
dciodvfy dicom3tools
odil odil
gdcmscu libgdcm-tools
initdb postgresql
chromium chromium fonts-noto-cjk"

lacking=() packages=()
look() {
    for folder in /usr/lib/postgresql/*/bin; do PATH=$PATH:$folder; done # Debian keeps several versions side by side
    lacking=() packages=()
    while read -r program needs; do
        if ! command -v "$program" >/dev/null; then
            lacking+=("$program")
            packages+=($needs)
        fi
    done <<<"$table"
}

as_root=()
may_install() {
    [[ ${PROGRAMS_APT:-yes} != no ]] && command -v apt-get >/dev/null || return 1
    [[ $(id -u) == 0 ]] && return 0
    as_root=(sudo -n)
    command -v sudo >/dev/null && sudo -n true 2>/dev/null
}

# A tested program must not run as a service beside the tests: Debian asks policy-rc.d before it starts one.
policy=/usr/sbin/policy-rc.d made_policy=no
forbid_services() {
    [[ -e $policy ]] && return
    trap allow_services EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null && made_policy=yes
    "${as_root[@]}" chmod 755 $policy
}
allow_services() {
    [[ $made_policy == yes ]] && "${as_root[@]}" rm -f $policy
    made_policy=no
}

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"; }

look
if ((${#lacking[@]})) && may_install; then
    log=${TMPDIR:-/tmp}/netty-programs-$$.log
    echo "programs: installing ${packages[*]} by apt"
    apt update </dev/null >"$log" 2>&1 || echo "programs: apt-get update failed; trying with the lists that are here"
    forbid_services
    # One by one: a package that this distribution does not have (Ubuntu's chromium is a snap) must not stop the others.
    for package in "${packages[@]}"; do
        apt install --no-install-recommends "$package" </dev/null >>"$log" 2>&1 ||
            echo "programs: apt could not install $package: $(grep '^E:' "$log" | tail -n 1)"
    done
    allow_services
    # Should the machine start it at the next boot anyway: no.
    for service in orthanc postgresql; do
        if [[ " ${packages[*]} " == *" $service "* ]] && command -v systemctl >/dev/null; then
            "${as_root[@]}" systemctl disable "$service" >/dev/null 2>&1
        fi
    done
    rm -f "$log"
    look
fi
if ((${#lacking[@]})); then
    echo "programs: ${lacking[*]} not installed, so the tests that need them skip. To run them:"
    echo "    sudo apt-get install -y ${packages[*]}"
else
    echo "programs: DCMTK, Orthanc, dicom3tools, odil, GDCM, PostgreSQL and Chromium are here"
fi
