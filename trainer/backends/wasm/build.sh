#!/usr/bin/env bash
# Builds kernels.wasm and kernelsFma.wasm (relaxed SIMD) from kernels.c. Needs clang, lld and llvm 16 or later (Debian: apt-get install clang-16 lld-16 llvm-16).
set -euo pipefail
cd "$(dirname "$0")"
clang=${CLANG:-clang-16} objdump=${OBJDUMP:-llvm-objdump-16}
build() {
  "$clang" --target=wasm32 -O3 -msimd128 -matomics -mbulk-memory -ffp-contract=off -fno-math-errno -nostdlib "${@:2}" \
    -Wl,--no-entry,--import-memory,--shared-memory,--max-memory=4294967296,--strip-all -o "$1" kernels.c
  # Static data or a stack would overwrite another module's memory.
  if "$objdump" -h "$1" | grep -q DATA || "$objdump" -d "$1" | grep -q 'global\.'; then
    echo "kernels.c has static data or uses the stack ($1)" >&2
    exit 1
  fi
}
build kernels.wasm
build kernelsFma.wasm -mrelaxed-simd -DFMA
