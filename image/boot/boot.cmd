# Two systems, A and B. Each start takes one of a slot's three tries; a system that finds itself well
# gives them back (rauc status mark-good). A slot without tries is passed over.
# The counters are an environment in the partition luna-bootstate: 32 KiB, a checksum, then the text.
echo luna: started from ${devtype} ${devnum}
part start ${devtype} ${devnum} luna-bootstate luna_start
${devtype} dev ${devnum}
${devtype} read ${ramdisk_addr_r} ${luna_start} 0x40
if env import -c ${ramdisk_addr_r} 0x8000 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; then true; else
  echo luna: the counters are damaged, beginning anew
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi
setenv luna_slot
for slot in "${BOOT_ORDER}"; do
  if test -z "${luna_slot}"; then
    if test "${slot}" = "A" && test ${BOOT_A_LEFT} -gt 0; then
      setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
      setenv luna_slot A
      setenv luna_name luna-root-a
    fi
    if test "${slot}" = "B" && test ${BOOT_B_LEFT} -gt 0; then
      setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
      setenv luna_slot B
      setenv luna_name luna-root-b
    fi
  fi
done
if test -z "${luna_slot}"; then
  echo luna: no slot has a try left, all get theirs again
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi
env export -c -s 0x8000 ${ramdisk_addr_r} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
${devtype} write ${ramdisk_addr_r} ${luna_start} 0x40
if test -z "${luna_slot}"; then reset; fi
echo luna: slot=${luna_slot} left A=${BOOT_A_LEFT} B=${BOOT_B_LEFT}
part number ${devtype} ${devnum} ${luna_name} luna_part
part uuid ${devtype} ${devnum}:${luna_part} luna_uuid
setenv bootargs "root=PARTUUID=${luna_uuid} ro rootwait panic=5 rauc.slot=${luna_slot} @ARGUMENTS@"
setenv luna_from ${devtype} ${devnum}:${luna_part}
if @LOAD_TREE@load ${luna_from} ${kernel_addr_r} /boot/vmlinuz && load ${luna_from} ${ramdisk_addr_r} /boot/initrd.img; then
  booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} @TREE_ADDRESS@
fi
echo luna: slot ${luna_slot} does not start
sleep 1
reset
