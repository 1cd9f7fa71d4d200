#!/bin/sh
# Makes .venv-peers, a Python with the sae-lens that our folders are compared with.
# SDM_PEERS_PYTHON names another Python that has it already; then this script is not needed.
set -eu
cd "$(dirname "$0")/../.."
venv=.venv-peers
stamp=$venv/requirements.txt
if [ -f "$stamp" ] && cmp -s tests/peers/requirements.txt "$stamp"; then
  exit 0
fi
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r tests/peers/requirements.txt
"$venv/bin/python" -c 'import sae_lens; print("sae-lens", sae_lens.__version__)'
cp tests/peers/requirements.txt "$stamp"
