#!/bin/sh
# Makes .venv-peers, a Python with the programs that ours is compared with.
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
# Two of the peers allow no Python newer than 3.12; the parts that are compared do not mind.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --ignore-requires-python \
  -r tests/peers/requirements.txt
"$venv/bin/python" -c 'import sae_lens; print("sae-lens", sae_lens.__version__)'
cp tests/peers/requirements.txt "$stamp"
