//! What is no plugin of this host is refused before any of it is compiled, with what to do about it.
#![expect(clippy::unwrap_used, reason = "a test without its component has failed")]

use sickbay_core::{capability::Capability, plugin::PluginKind};
use sickbay_engine::{ImportClass, InspectError, LoadError, inspect};
use sickbay_test_support::{engine, guest, wat};

fn manifest(change: &[(&str, &str)]) -> String {
    let mut value: serde_json::Value = serde_json::from_str(wat::MANIFEST).unwrap();
    for (key, json) in change {
        value[*key] = serde_json::from_str(json).unwrap();
    }
    value.to_string()
}

fn plain_module() -> &'static str {
    r#"(func (export "f"))"#
}

fn component(version: &str) -> Vec<u8> {
    wat::component(&wat::tool_text(plain_module(), version))
}

#[test]
fn a_plugin_is_described_by_its_file_alone() {
    let seen = inspect(guest("hostile")).unwrap();
    assert_eq!(seen.manifest.name, "hostile");
    assert_eq!(seen.kinds, [PluginKind::Tool]);
    assert_eq!(
        seen.manifest.capabilities,
        [Capability::ClusterRead, Capability::Http("https://api.example.com".into())]
    );
    assert_eq!(seen.powers, ["cluster:read", "http"]);
    assert_eq!(seen.warnings, [""; 0]);
    assert_eq!(seen.size, guest("hostile").len() as u64);
    let own: Vec<_> =
        seen.imports.iter().filter(|i| i.class == ImportClass::Sickbay).map(|i| i.name.as_str()).collect();
    assert_eq!(own, ["sickbay:plugin/cluster@0.1.0", "sickbay:plugin/types@0.1.0"]);
}

#[test]
fn what_a_rust_plugin_does_not_use_it_does_not_import() {
    let seen = inspect(guest("echo")).unwrap();
    for part in ["http", "filesystem", "sockets", "keyvalue", "plugin/cluster", "plugin/process"] {
        assert!(!seen.imports.iter().any(|import| import.name.contains(part)), "{:?}", seen.imports);
    }
    assert_eq!(seen.powers, [""; 0]);
}

#[test]
fn each_file_that_is_no_plugin_says_why() {
    let whole = guest("echo");
    let native = wasm_native(whole);
    let unknown = wat::component(
        r#"(component
            (import "wasi:made-up/thing@0.2.0" (instance))
            (import "sickbay:plugin/root-shell@0.1.0" (instance))
            (core module $m (func (export "f"))) (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $e (export "list" (func $f)) (export "call" (func $f)))
            (export "sickbay:plugin/tools@0.1.0" (instance $e)))"#,
    );
    let nested = (0..20).fold("(component)".to_owned(), |inner, _| format!("(component {inner})"));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "the file is empty"),
        ("text", b"apiVersion: v1\nkind: Pod\n".to_vec(), "the file is text, not a WebAssembly component"),
        ("cwasm", native, "the file is native code, not a WebAssembly component"),
        ("core module", wat::component("(module)"), "the file is a core WebAssembly module, not a component"),
        ("no section", component("0.1.0"), "the component has no `sickbay:plugin` section"),
        (
            "no export",
            wat::with_manifest(wat::component("(component)"), wat::MANIFEST),
            "the component exports no interface of `sickbay:plugin`",
        ),
        (
            "newer",
            wat::with_manifest(component("0.2.0"), &manifest(&[("interface", "\"0.2.0\"")])),
            "the plugin speaks `sickbay:plugin` 0.2.0, and this host speaks 0.1.0",
        ),
        (
            "newer patch",
            wat::with_manifest(component("0.1.1"), &manifest(&[("interface", "\"0.1.1\"")])),
            "the plugin speaks `sickbay:plugin` 0.1.1, and this host speaks 0.1.0",
        ),
        (
            "lies",
            wat::with_manifest(component("0.2.0"), wat::MANIFEST),
            "the plugin lies about its version: it says `0.1.0`, but has `sickbay:plugin/tools@0.2.0`, which is `0.2.0`",
        ),
        (
            "unknown imports",
            wat::with_manifest(unknown, wat::MANIFEST),
            "the plugin imports what this host does not have: `sickbay:plugin/root-shell@0.1.0`, \
             `wasi:made-up/thing@0.2.0`",
        ),
        (
            "nested",
            wat::with_manifest(wat::component(&nested), wat::MANIFEST),
            "the component has more than 16 components inside each other",
        ),
        (
            "two manifests",
            wat::with_manifest(
                wat::with_manifest(component("0.1.0"), wat::MANIFEST),
                &manifest(&[("name", "\"other\"")]),
            ),
            "the component has more than one `sickbay:plugin` section, and they differ",
        ),
    ];
    for (name, bytes, expect) in cases {
        let error = inspect(&bytes).unwrap_err();
        assert_eq!(error.to_string(), expect, "{name}");
        let Err(LoadError::Inspect(loading)) = engine().load(&bytes).map(|_| ()) else { panic!("{name}") };
        assert_eq!(loading, error, "{name}");
    }
}

#[test]
fn a_manifest_is_refused_for_what_a_terminal_or_a_path_would_suffer_from() {
    let cases = [
        manifest(&[("name", "\"../etc\"")]),
        manifest(&[("name", "\"Odd\"")]),
        manifest(&[("name", "\"\"")]),
        manifest(&[("description", "\"a\\u001b[2Jb\"")]),
        manifest(&[("description", "\"a\\u202eb\"")]),
        manifest(&[("version", "\"1\\n2\"")]),
        manifest(&[("capabilities", "[\"cluster:write\"]")]),
        manifest(&[("surprise", "1")]),
        "{".to_owned(),
        "[]".to_owned(),
        String::new(),
        manifest(&[("description", &format!("\"{}\"", "x".repeat(100_000)))]),
    ];
    for text in cases {
        let error = inspect(&wat::with_manifest(component("0.1.0"), &text)).unwrap_err();
        assert!(matches!(error, InspectError::BadManifest { .. }), "{error}");
        assert!(!error.to_string().contains('\u{1b}'));
        assert!(error.hint().is_some());
    }
    let error = inspect(&wat::with_manifest(component("0.1.0"), &manifest(&[("interface", "\"one\"")])));
    assert_eq!(error.unwrap_err(), InspectError::BadVersion { text: "one".into() });
}

#[test]
fn an_import_without_its_capability_is_a_warning() {
    let bytes = wat::component(
        r#"(component
            (import "sickbay:plugin/cluster@0.1.0" (instance))
            (core module $m (func (export "f"))) (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $e (export "list" (func $f)) (export "call" (func $f)))
            (export "sickbay:plugin/tools@0.1.0" (instance $e)))"#,
    );
    let seen = inspect(&wat::with_manifest(bytes, wat::MANIFEST)).unwrap();
    assert_eq!(
        seen.warnings,
        ["it imports what `cluster:read` is for but does not declare it, so that every use will be denied"]
    );
}

#[test]
fn no_cut_and_no_changed_byte_does_more_than_fail() {
    let whole = guest("echo");
    for length in (0..whole.len()).step_by(997) {
        let cut = whole.get(..length).unwrap_or_default();
        assert!(inspect(cut).is_err(), "cut at {length}");
    }
    for at in (0..whole.len()).step_by(211) {
        let mut changed = whole.to_vec();
        if let Some(byte) = changed.get_mut(at) {
            *byte ^= 0xff;
        }
        // It may still be a plugin; what counts is that it says so or not, and nothing else happens.
        let _ = inspect(&changed);
    }
}

/// The beginning of what the engine compiles a component into.
fn wasm_native(_component: &[u8]) -> Vec<u8> {
    b"\x7fELF\x02\x01\x01\xc8\x00\x00\x00\x00\x00\x00\x00\x00".to_vec()
}
