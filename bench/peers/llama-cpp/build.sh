#!/usr/bin/env bash
# Builds llama-bench from the source of llama.cpp that an npm package carries, once for each set of vector instructions that
# this processor has: FOLDER/{native,avx512,avx2}/llama-bench. compare.py then takes the fastest that runs.
# usage: build.sh [FOLDER]      (default: $LLAMA_CPP_FOLDER, or .build beside this script)
set -euo pipefail
folder=${1:-${LLAMA_CPP_FOLDER:-$(dirname "$(realpath "$0")")/.build}}
version=${NODE_LLAMA_CPP_VERSION:-3.22.1}

for tool in npm git cmake c++; do
  command -v "$tool" >/dev/null || { echo "$tool is needed to build llama.cpp: install it." >&2; exit 1; }
done

mkdir -p "$folder"
cd "$folder"
if [ ! -f version ]; then
  echo "downloading node-llama-cpp $version" >&2
  npm pack --silent "node-llama-cpp@$version" >/dev/null
  tar -xzf "node-llama-cpp-$version.tgz" package/llama
  rm -rf llama.cpp
  git clone --quiet -c advice.detachedHead=false package/llama/gitRelease.bundle llama.cpp >&2
  tag=$(sed -n 's/.*"tag": *"\([^"]*\)".*/\1/p' package/llama/llama.cpp.info.json)
  rm -r package "node-llama-cpp-$version.tgz"
  echo "$tag (source in node-llama-cpp $version)" >version
fi

# Only the backend for the processor is compiled with these, so that the second and third set take a minute, not five.
has() { grep -qw "$1" /proc/cpuinfo && echo ON || echo OFF; }
plain=(-DGGML_NATIVE=OFF)
for flag in SSE42 AVX AVX2 BMI2 FMA F16C; do plain+=("-DGGML_$flag=ON"); done
narrow=(-DGGML_AVX512=OFF -DGGML_AVX512_VBMI=OFF -DGGML_AVX512_VNNI=OFF -DGGML_AVX512_BF16=OFF)
wide=(-DGGML_AVX512=ON "-DGGML_AVX512_VBMI=$(has avx512vbmi)" "-DGGML_AVX512_VNNI=$(has avx512_vnni)" "-DGGML_AVX512_BF16=$(has avx512_bf16)")

build() {
  local name=$1
  shift
  [ ! -x "$name/llama-bench" ] || return 0
  echo "building llama-bench for $name" >&2
  { cmake -S llama.cpp -B llama.cpp/build -DCMAKE_BUILD_TYPE=Release -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON -DLLAMA_OPENSSL=OFF \
      -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
      "$@" && cmake --build llama.cpp/build --parallel "$(nproc)" --target llama-bench; } >"$name.log" 2>&1 ||
    { tail -n 20 "$name.log" >&2; echo "llama.cpp did not build: see $folder/$name.log." >&2; exit 1; }
  mkdir -p "$name"
  cp -a llama.cpp/build/bin/lib*.so* llama.cpp/build/bin/llama-bench "$name/"
}

if [ "$(has avx2)" = ON ]; then build avx2 "${plain[@]}" "${narrow[@]}"; fi
# Without AMX, whose tiles end a native build with a signal on some hosts that announce them.
if [ "$(has avx512bw)" = ON ]; then build avx512 "${plain[@]}" "${wide[@]}"; fi
build native -DGGML_NATIVE=ON
