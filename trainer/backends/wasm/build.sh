#!/usr/bin/env bash
# Builds kernels.wasm from kernels.c. Needs clang, lld and llvm 14 or later (Debian: apt-get install clang lld llvm).
set -euo pipefail
cd "$(dirname "$0")"
clang --target=wasm32 -O3 -msimd128 -matomics -mbulk-memory -ffp-contract=off -fno-math-errno -nostdlib \
  -Wl,--no-entry,--import-memory,--shared-memory,--max-memory=4294967296,--strip-all -o kernels.wasm kernels.c
# Static data or a stack would lie on top of another module's.
if llvm-objdump -h kernels.wasm | grep -q DATA || llvm-objdump -d kernels.wasm | grep -q 'global\.'; then
  echo 'kernels.c has static data or uses the stack' >&2
  exit 1
fi
