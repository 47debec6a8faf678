# Sourced by the commands in bin/: finds a Python that is new enough, or says so in one sentence.
python=
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] || continue
    command -v "$candidate" >/dev/null 2>&1 || continue
    # A name on the PATH proves nothing (version managers leave empty shims), so each one is tried.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found=$(python3 --version 2>&1) || found="no Python"
    echo "Throughline needs Python 3.11 or newer and found $found: install it, or name one with PYTHON=/path/to/python3.11." >&2
    exit 1
fi
