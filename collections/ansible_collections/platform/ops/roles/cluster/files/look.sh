# What role cluster asks a machine before it changes anything: $1 is the controller's clock. One word and its value a line.
yes_if() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }
echo "asked $1"
echo "time $(date +%s.%N)"
echo "machine-id $(cat /etc/machine-id 2>/dev/null)"
echo "memory $(awk '/^MemTotal:/ {print $2}' /proc/meminfo)"
echo "cpus $(nproc)"
echo "swap $(yes_if test "$(tail -n +2 /proc/swaps | wc -l)" -gt 0)"
echo "joined $(yes_if test -e /etc/kubernetes/kubelet.conf)"
echo "admin $(yes_if test -e /etc/kubernetes/admin.conf)"
ss -Hltnp | awk '{
  n = split($4, where, ":"); program = ""
  if (match($0, /users:\(\("[^"]*"/)) program = substr($0, RSTART + 9, RLENGTH - 10)
  print "port " where[n] " " program
}'
