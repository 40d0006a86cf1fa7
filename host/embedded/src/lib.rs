//! The first-party plugins, as the bytes of their components.
//!
//! The build script builds them for `wasm32-wasip2` and puts them here; the
//! host inspects and loads them like any other plugin.

/// A plugin that comes with the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedPlugin {
    /// As in its manifest: `rules`.
    pub name: &'static str,
    /// The component.
    pub bytes: &'static [u8],
    /// Of the bytes, as 64 hex digits.
    pub sha256: &'static str,
}

/// All of them, by name.
pub const PLUGINS: &[EmbeddedPlugin] = include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

/// Names and components, as the host takes them.
#[must_use]
pub fn components() -> Vec<(&'static str, &'static [u8])> {
    PLUGINS.iter().map(|plugin| (plugin.name, plugin.bytes)).collect()
}

/// The one of that name.
#[must_use]
pub fn plugin(name: &str) -> Option<EmbeddedPlugin> {
    PLUGINS.iter().find(|plugin| plugin.name == name).copied()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::PLUGINS;

    #[test]
    fn every_plugin_is_a_component_with_the_digest_it_says() {
        let names: Vec<&str> = PLUGINS.iter().map(|plugin| plugin.name).collect();
        assert_eq!(
            names,
            [
                "rules",
                "workload",
                "llm",
                "anthropic",
                "gemini",
                "ollama",
                "openai",
                "openai-responses",
                "scripted",
                "docs",
                "http-get",
                "kube",
                "prometheus",
            ]
        );
        for plugin in PLUGINS {
            assert_eq!(plugin.bytes.get(..8), Some(&b"\0asm\x0d\0\x01\0"[..]), "{}", plugin.name);
            let digest: String = Sha256::digest(plugin.bytes).iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(digest, plugin.sha256, "{}", plugin.name);
        }
    }
}
