# The words here are the words of CI.

# everything that must pass
check: fmt lint plugins test

fmt:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# first-party plugins, as components
plugins:
    cargo build --locked -p sickbay-embedded

test:
    cargo test --workspace --locked

# accept changed snapshots and golden files
bless:
    INSTA_UPDATE=always SICKBAY_BLESS=1 cargo test --workspace --locked

# the recorded cases, as a table: cases solved, false alarms, tokens, time
eval *ARGS:
    cargo run --locked -p sickbay-eval -- {{ARGS}}

# figures, as a table and as JSON
bench *ARGS:
    cargo run --locked --release -p sickbay-bench -- {{ARGS}}

# licences, sources, duplicate versions, advisories
deny:
    cargo deny check
