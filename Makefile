# Each target is what a person could type. CARGO_TARGET_DIR is honoured.

.PHONY: demo test fuzz bench screenshots openapi fmt lint

demo: ## Build, make a demonstration, serve it and say what to try
	cargo build --release --bins
	cargo run --release --quiet --bin veritrail -- demo $(DEMO)

# What is the same on either engine is not tried on both.
ONCE := architecture browser::docs browser::pages browser::planted browser::verify browser::weight helm:: openapi:: portal::planted samples::

test: export RUST_BACKTRACE := 0
test: ## Everything that must hold
	tests/install.sh
	cargo build --bins
	cargo test --workspace
	VERITRAIL_TEST_ENGINE=postgres cargo test --workspace --test suite -- $(addprefix --skip ,$(ONCE))

fuzz: ## 20,000 requests and more that hold to the contract or don't, on each engine
	tests/install.sh
	cargo build --bins
	VERITRAIL_FUZZ_CASES=20000 cargo test --workspace --test suite -- --nocapture fuzz::
	VERITRAIL_FUZZ_CASES=20000 VERITRAIL_TEST_ENGINE=postgres cargo test --workspace --test suite -- --nocapture fuzz::

bench: ## Figures as ratios, with their floors; also written to bench.json
	cargo build --release --bins
	cargo bench --workspace --bench bench

screenshots: ## Pictures of the portal's pages, in target/screenshots
	tests/install.sh
	cargo build --bins
	mkdir -p target/screenshots
	VERITRAIL_SCREENSHOTS=$(CURDIR)/target/screenshots cargo test --workspace --test suite -- browser::pages::every_page

openapi: ## Write the OpenAPI document
	cargo run --quiet --bin veritrail -- openapi > openapi/openapi.json

fmt: ## Format
	cargo fmt --all

lint: ## Formatting, clippy, licences and advisories
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny --all-features check
