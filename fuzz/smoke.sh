#!/bin/sh
# Runs every target for a while, 60 seconds unless told otherwise: ./smoke.sh [seconds]
# Needs cargo-fuzz, a nightly toolchain and a C++ compiler.
set -eu
cd "$(dirname "$0")"
seconds="${1:-60}"
for target in signature_header verify_forge event kommo_webhook; do
    case "$target" in
        kommo_*) words=kommo.dict ;;
        *) words=paddle.dict ;;
    esac
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -dict="$words" -max_len=16384 -print_final_stats=1
done
