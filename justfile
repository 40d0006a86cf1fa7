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

# the contract suite and the tests of live access, on the cluster of a kubeconfig
live KUBECONFIG=env("SICKBAY_LIVE_KUBECONFIG", "") VIEWER=env("SICKBAY_LIVE_VIEWER_KUBECONFIG", ""):
    @test -n "{{KUBECONFIG}}" || { echo "name a kubeconfig: just live FILE, or SICKBAY_LIVE_KUBECONFIG" >&2; exit 2; }
    SICKBAY_LIVE_KUBECONFIG="{{KUBECONFIG}}" SICKBAY_LIVE_VIEWER_KUBECONFIG="{{VIEWER}}" cargo test --locked --workspace --test contract --test live_real -- live_

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
