//! Components written as text, for what no toolchain makes.

/// The manifest of a well-behaved plugin.
pub const MANIFEST: &str =
    r#"{"interface":"0.1.0","name":"odd","version":"1.0.0","description":"odd","capabilities":[]}"#;

/// A component from text.
///
/// # Panics
/// Where the text is no component.
#[must_use]
#[expect(clippy::expect_used, reason = "the text is part of a test")]
pub fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is a component")
}

/// A component with the custom section `sickbay:plugin` at its end.
#[must_use]
pub fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    const NAME: &str = "sickbay:plugin";
    let mut body = Vec::new();
    leb(&mut body, NAME.len());
    body.extend_from_slice(NAME.as_bytes());
    body.extend_from_slice(manifest.as_bytes());
    component.push(0);
    leb(&mut component, body.len());
    component.extend_from_slice(&body);
    component
}

/// A plugin of the `tool` world around one core module, which must export a
/// function `f` without parameters and results. It stands for both functions.
#[must_use]
pub fn tool(module: &str) -> Vec<u8> {
    with_manifest(component(&tool_text(module, "0.1.0")), MANIFEST)
}

/// The text of [`tool`], with the interface in another version.
#[must_use]
pub fn tool_text(module: &str, version: &str) -> String {
    format!(
        r#"(component
            (core module $m {module})
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $e (export "list" (func $f)) (export "call" (func $f)))
            (export "sickbay:plugin/tools@{version}" (instance $e))
        )"#
    )
}

fn leb(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
