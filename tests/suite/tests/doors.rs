//! One name, one door: what each crate may depend on, read from the manifests
//! and the sources themselves.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads the sources")]

use std::{collections::BTreeMap, fs, path::Path};

use sickbay_test_support::guests::workspace;

/// The names in `[dependencies]` of each crate below `host`.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(workspace().join("host")).unwrap().flatten() {
        let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
        let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let section = section.split("\n[").next().unwrap_or_default();
        let names = section
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| !name.is_empty() && !name.starts_with('#'))
            .map(str::to_owned)
            .collect();
        found.insert(entry.file_name().to_string_lossy().into_owned(), names);
    }
    found
}

#[test]
fn each_name_has_one_door() {
    let dependencies = dependencies();
    for (name, door) in [
        ("wasmtime", "engine"),
        ("wasmtime-wasi", "engine"),
        ("wasmtime-wasi-http", "engine"),
        ("wasmparser", "engine"),
        ("kube", "cluster"),
        ("k8s-openapi", "cluster"),
        ("hyper", "playground"),
        ("rcgen", "playground"),
        ("reqwest", "egress"),
        ("rustls-platform-verifier", "egress"),
        ("rmcp", "mcp"),
        ("jsonschema", "runtime"),
        ("sqlx", "store"),
        ("directories", "runtime"),
        ("clap", "cli"),
        ("tracing-subscriber", "cli"),
    ] {
        let who: Vec<&str> = dependencies
            .iter()
            .filter(|(_, names)| names.iter().any(|found| found == name))
            .map(|(krate, _)| krate.as_str())
            .collect();
        assert_eq!(who, [door], "{name}");
    }
    // Two speak TLS as clients, to the cluster and to everybody else; the third serves it.
    let tls: Vec<&String> = dependencies
        .iter()
        .filter(|(_, names)| names.iter().any(|found| found == "rustls"))
        .map(|(krate, _)| krate)
        .collect();
    assert_eq!(tls, ["cluster", "egress", "playground"]);
}

/// A client that is made elsewhere would know no rule. Asked of the sources as well, since a name can come through
/// another crate.
#[test]
fn every_request_leaves_by_one_door() {
    for krate in dependencies().keys().filter(|krate| *krate != "egress") {
        visit(&workspace().join("host").join(krate).join("src"), &|path, text| {
            let line =
                text.lines().find(|line| line.contains("reqwest::") && !line.trim_start().starts_with("//"));
            assert!(line.is_none(), "{}: {line:?}", path.display());
        });
    }
}

#[test]
fn core_depends_on_nothing_that_acts() {
    let dependencies = dependencies();
    let acting = ["tokio", "async-trait", "wasmtime", "kube", "sqlx", "reqwest", "directories", "tracing"];
    for name in &dependencies["core"] {
        assert!(!acting.contains(&name.as_str()) && !name.starts_with("sickbay"), "{name}");
    }
}

#[test]
fn crates_depend_one_way() {
    let order = ["core", "egress", "engine", "cluster", "store", "gateway", "mcp", "runtime", "cli"];
    let place = |name: &str| order.iter().position(|known| *known == name);
    for (krate, names) in dependencies() {
        for name in names.iter().filter_map(|name| name.strip_prefix("sickbay-")) {
            if let (Some(from), Some(to)) = (place(&krate), place(name)) {
                assert!(to < from, "{krate} depends on {name}");
                // The four in the middle do not know each other.
                assert!(name == "core" || from >= 5, "{krate} depends on {name}");
            }
        }
    }
}

#[test]
fn only_the_program_reads_its_environment() {
    for krate in ["core", "egress", "engine", "cluster", "store", "gateway", "mcp", "runtime"] {
        visit(&workspace().join("host").join(krate).join("src"), &|path, text| {
            for reading in ["env::var", "env::args", "env::current_dir", "println!", "eprintln!"] {
                let line =
                    text.lines().find(|line| line.contains(reading) && !line.trim_start().starts_with("//"));
                assert!(line.is_none(), "{}: {line:?}", path.display());
            }
        });
    }
}

fn visit(folder: &Path, check: &dyn Fn(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, check);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            check(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
