# Habits. `just ci` is what CI runs; everything else is a part of it or a convenience.

default:
    @just --list

# Everything CI checks.
ci:
    bash .ci/run

# The main job on this machine, with a fake Kommo.
demo:
    cargo run -p axum_server -- demo

# All tests, as the README says.
test:
    cargo test --workspace --all-features

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Who may know whom.
layers:
    bash .ci/layers

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# A fake Kommo with a deal, for curl.
fake-kommo:
    cargo run -p kommo-client --features fake --example fake_kommo

# A fake Paddle that can be told what happens, for curl.
fake-paddle:
    cargo run -p paddle-kommo-sync --features fake --example fake_paddle
