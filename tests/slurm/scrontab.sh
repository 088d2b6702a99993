#!/bin/bash
# Debian 12 does not ship the program scrontab: build it from its own source, against its own library.
# usage: scrontab.sh OUT    (needs gcc, make and binutils; half a minute)
set -euo pipefail
OUT=$(realpath -m "${1:?}"); W=$(mktemp -d); mkdir -p "$(dirname "$OUT")"; trap 'rm -rf "$W"' EXIT; mkdir -p "$W/lists/partial"
sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources > "$W/src.sources"
O="-qq -o Dir::Etc::sourcelist=$W/src.sources -o Dir::Etc::sourceparts=- -o Dir::State::lists=$W/lists -o APT::Sandbox::User=root"
cd "$W"; apt-get $O update; apt-get $O source --download-only slurm-wlm
tar xf slurm-wlm_*.orig.tar.gz; cd slurm-slurm-*/
L=/usr/lib/x86_64-linux-gnu/slurm-wlm
./configure --prefix=/usr --sysconfdir=/etc/slurm --libdir=/usr/lib/x86_64-linux-gnu --without-munge --enable-multiple-slurmd --disable-slurmrestd --without-readline >configure.out 2>&1
cd src/scrontab
for r in default_crontab usage; do ld -r -o $r.bino -z noexecstack --format=binary $r.txt
  objcopy --rename-section .data=.rodata,alloc,load,readonly,data,contents $r.bino; done
gcc -O1 -w -DHAVE_CONFIG_H -I../.. -o "$OUT" env.c opt.c parse.c scrontab.c default_crontab.bino usage.bino \
  -Wl,-export-dynamic -L$L -Wl,-rpath,$L -lslurmfull -ldl -lpthread
