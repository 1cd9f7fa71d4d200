#!/bin/sh
# Makes .venv-onnx, a Python with the exporters whose models we read.
# SDM_ONNX_PYTHON names another Python that has them already; then this script is not needed.
set -eu
cd "$(dirname "$0")/../../.."
venv=.venv-onnx
list=tests/peers/onnx/requirements.txt
stamp=$venv/requirements.txt
if [ -f "$stamp" ] && cmp -s "$list" "$stamp"; then
  exit 0
fi
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$list"
"$venv/bin/python" -c 'import onnx, transformers; print("onnx", onnx.__version__)'
cp "$list" "$stamp"
