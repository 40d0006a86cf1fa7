//! The plugin contract parses, is documented, and changes only on purpose.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests read the contract's files, and fail where they can not"
)]

use std::{fmt::Write as _, fs};

use sickbay_test_support::guests::workspace;
use wit_parser::{Docs, PackageId, Resolve, TypeDefKind, WorldItem};

fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(workspace().join("wit")).unwrap();
    (resolve, package)
}

#[test]
fn the_package_has_its_four_worlds_and_each_exports_one_interface() {
    let (resolve, package) = contract();
    let package = &resolve.packages[package];
    assert_eq!(package.name.to_string(), "sickbay:plugin@0.1.0");
    let worlds: Vec<_> = package.worlds.keys().map(String::as_str).collect();
    assert_eq!(worlds, ["provider", "tool", "diagnosis", "remediation"]);
    for (name, world) in &package.worlds {
        let exports: Vec<_> = resolve.worlds[*world].exports.keys().collect();
        assert_eq!(exports.len(), 1, "{name}");
    }
}

#[test]
fn no_world_but_a_tools_can_reach_further_than_it_must() {
    let (resolve, package) = contract();
    for (name, expect) in [
        ("provider", &["logging", "store", "types", "model-types"][..]),
        ("diagnosis", &["logging", "store", "types", "cluster", "model-types", "model"]),
        ("remediation", &["logging", "store", "types", "cluster"]),
    ] {
        let world = &resolve.worlds[resolve.packages[package].worlds[name]];
        let mut imports: Vec<_> = world
            .imports
            .values()
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => resolve.interfaces[*id].name.as_deref(),
                _ => None,
            })
            .collect();
        imports.sort_unstable();
        let mut expect = expect.to_vec();
        expect.sort_unstable();
        assert_eq!(imports, expect, "{name}");
    }
}

#[test]
fn everything_that_an_author_meets_is_documented() {
    let (resolve, package) = contract();
    let mut missing = Vec::new();
    let mut check = |what: String, docs: &Docs| {
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            missing.push(what);
        }
    };
    let package = &resolve.packages[package];
    check("package".into(), &package.docs);
    for (name, world) in &package.worlds {
        check(format!("world {name}"), &resolve.worlds[*world].docs);
    }
    for (name, interface) in &package.interfaces {
        let interface = &resolve.interfaces[*interface];
        check(format!("interface {name}"), &interface.docs);
        for (function, definition) in &interface.functions {
            check(format!("function {name}.{function}"), &definition.docs);
        }
    }
    assert_eq!(missing, [""; 0]);
}

/// The contract in one printed form. A changed line is a changed contract:
/// released versions are frozen, so that a change needs a version of its own.
#[test]
fn the_contract_is_the_one_that_was_agreed() {
    let (resolve, package) = contract();
    let printed = print(&resolve, package);
    let golden = workspace().join("tests/golden/wit-0.1.0.txt");
    if std::env::var_os("SICKBAY_BLESS").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &printed).unwrap();
    }
    let agreed = fs::read_to_string(&golden).unwrap_or_default();
    assert!(
        agreed == printed,
        "wit/ differs from tests/golden/wit-0.1.0.txt; `SICKBAY_BLESS=1 cargo test -p sickbay-suite --test \
         wit_contract` writes the new form"
    );
}

fn print(resolve: &Resolve, package: PackageId) -> String {
    let mut out = String::new();
    let package = &resolve.packages[package];
    writeln!(out, "package {}", package.name).unwrap();
    for (name, world) in &package.worlds {
        let world = &resolve.worlds[*world];
        writeln!(out, "\nworld {name}").unwrap();
        for (direction, items) in [("import", &world.imports), ("export", &world.exports)] {
            for key in items.keys() {
                writeln!(out, "  {direction} {}", resolve.name_world_key(key)).unwrap();
            }
        }
    }
    for (name, interface) in &package.interfaces {
        let interface = &resolve.interfaces[*interface];
        writeln!(out, "\ninterface {name}").unwrap();
        for (name, id) in &interface.types {
            writeln!(out, "  {name}: {}", shape(resolve, &resolve.types[*id].kind)).unwrap();
        }
        for (name, function) in &interface.functions {
            let parameters: Vec<_> = function
                .params
                .iter()
                .map(|parameter| format!("{}: {}", parameter.name, type_name(resolve, &parameter.ty)))
                .collect();
            let result = function.result.map(|ty| type_name(resolve, &ty)).unwrap_or_default();
            writeln!(out, "  {name}({}) -> {result}", parameters.join(", ")).unwrap();
        }
    }
    out
}

fn shape(resolve: &Resolve, kind: &TypeDefKind) -> String {
    match kind {
        TypeDefKind::Record(record) => {
            let fields: Vec<_> = record
                .fields
                .iter()
                .map(|field| format!("{}: {}", field.name, type_name(resolve, &field.ty)))
                .collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        TypeDefKind::Variant(variant) => {
            let cases: Vec<_> = variant
                .cases
                .iter()
                .map(|case| match &case.ty {
                    Some(ty) => format!("{}({})", case.name, type_name(resolve, ty)),
                    None => case.name.clone(),
                })
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        TypeDefKind::Enum(cases) => {
            let cases: Vec<_> = cases.cases.iter().map(|case| case.name.as_str()).collect();
            format!("enum {{ {} }}", cases.join(", "))
        }
        TypeDefKind::List(ty) => format!("list<{}>", type_name(resolve, ty)),
        TypeDefKind::Option(ty) => format!("option<{}>", type_name(resolve, ty)),
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(|ty| type_name(resolve, ty)).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Result(result) => {
            let side =
                |ty: &Option<wit_parser::Type>| ty.map_or("_".to_owned(), |ty| type_name(resolve, &ty));
            format!("result<{}, {}>", side(&result.ok), side(&result.err))
        }
        TypeDefKind::Type(ty) => type_name(resolve, ty),
        other => other.as_str().to_owned(),
    }
}

fn type_name(resolve: &Resolve, ty: &wit_parser::Type) -> String {
    match ty {
        wit_parser::Type::Id(id) => {
            let definition = &resolve.types[*id];
            match &definition.name {
                Some(name) => name.clone(),
                None => shape(resolve, &definition.kind),
            }
        }
        other => format!("{other:?}").to_lowercase(),
    }
}
