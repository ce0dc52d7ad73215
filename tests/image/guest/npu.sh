# Runs in the machine: to Luna it becomes a board with an NPU, until it restarts. In /run/share/npu
# are librkllmrt.so and a model.
set -e
here=/run/share/npu
driver=/sys/kernel/debug/rknpu

# The runtime, where Luna looks first; the root is read-only.
mount -t tmpfs -o mode=755 runtime /usr/local/lib
install -m 644 $here/librkllmrt.so /usr/local/lib/

# The NPU's node, behind which nobody is.
mkdir -p /dev/dri/by-path
mknod -m 660 /dev/dri/renderD128 c 226 128
chgrp render /dev/dri/renderD128
ln -s ../renderD128 /dev/dri/by-path/platform-fdab0000.npu-render

# What the driver says of itself, with the rights of debugfs (tmpfiles.d).
mount -t tmpfs -o mode=710 debug /sys/kernel/debug
chgrp luna /sys/kernel/debug
mkdir $driver
echo 'RKNPU driver: v0.9.8' >$driver/version
echo 'NPU load:  Core0:  0%, Core1:  0%, Core2:  0%,' >$driver/load
echo on >$driver/reset
echo on >$driver/power

# The device tree's name of the chip.
printf 'radxa,rock-5b\0rockchip,rk3588\0' >/run/compatible
mount --bind /run/compatible /sys/firmware/devicetree/base/compatible

install -d -o luna -g luna /var/lib/luna/models/sim
install -m 644 -o luna -g luna $here/*-rk3588.rkllm /var/lib/luna/models/sim/
systemctl restart luna-api luna-watchdog
